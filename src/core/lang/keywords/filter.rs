//! `only` and `except`.

use super::{codes::BLANK_VALUE, condition, field::Field, sink::Sink};
use crate::lang::{
    expr::Pattern,
    model::{Filter, Spanned},
};

const KEYS: &[&str] = &["refs", "variables", "changes", "kubernetes"];

/// A list of refs, or a mapping of conditions.
pub(super) fn filter(field: &Field<'_>, sink: &mut Sink<'_>) -> Option<Filter> {
    let mut out = Filter {
        span: field.span(),
        ..Filter::default()
    };
    if field.node.as_mapping().is_none() {
        out.refs = Some(refs(field, sink)?);
        return Some(out);
    }
    let map = field.map(sink, KEYS)?;
    if map.keys().next().is_none() {
        let help = "give it a condition, or remove the keyword";
        field.refuse(sink, BLANK_VALUE, "must not be blank", help);
    }
    out.refs = map.get("refs").and_then(|field| refs(&field, sink));
    out.variables = map.get("variables").and_then(|field| {
        let items = field.flat_items(sink)?;
        let parsed = items
            .iter()
            .filter_map(|item| condition::expression(item, sink));
        Some(parsed.collect())
    });
    out.changes = map
        .get("changes")
        .map(|field| condition::patterns(&field, sink));
    if let Some(field) = map.get("kubernetes") {
        out.kubernetes = field.choice(sink, &[("active", true)]).unwrap_or(false);
    }
    Some(out)
}

fn refs(field: &Field<'_>, sink: &mut Sink<'_>) -> Option<Vec<Spanned<String>>> {
    let items = field.flat_items(sink)?;
    let refs = items.iter().filter_map(|item| {
        let text = item.nonblank(sink)?;
        let legal = !text.starts_with('/') || slashed(item, text, sink);
        legal.then(|| Spanned::new(text.to_owned(), item.span()))
    });
    Some(refs.collect())
}

/// A pattern, perhaps of a project: `/^release-/i@group/project`.
fn slashed(field: &Field<'_>, text: &str, sink: &mut Sink<'_>) -> bool {
    let pattern = match text.rsplit_once('@') {
        Some((before, _)) if Pattern::is_slashed(before) => before,
        _ => text,
    };
    field.check_pattern(sink, pattern)
}
