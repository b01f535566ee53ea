//! `stages`.

use super::{codes::LIMIT_EXCEEDED, field::Field, sink::Sink};
use crate::{
    diag::Span,
    lang::model::{Jobs, Spanned},
};

/// The stages of a file that names none.
const DEFAULT: [&str; 3] = ["build", "test", "deploy"];
/// Longest name of a stage, in characters.
const MAX_NAME: usize = 255;

/// Every stage in order: those named, or the usual ones, between `.pre` and `.post`. Where some were refused, those of
/// the jobs are taken on trust, so that no job is blamed for it.
pub(super) fn stages(
    field: Option<&Field<'_>>,
    jobs: &Jobs,
    sink: &mut Sink<'_>,
) -> Vec<Spanned<String>> {
    let named = match field {
        Some(field) => read(field, jobs, sink),
        None => DEFAULT
            .map(|name| Spanned::new(name.to_owned(), Span::default()))
            .into(),
    };
    let place = field.map(Field::span).unwrap_or_default();
    let edge = |name: &str| {
        let written = named.iter().find(|stage| stage.value == name);
        let span = written.map_or(place, |stage| stage.span);
        Spanned::new(name.to_owned(), span)
    };
    let (first, last) = (edge(".pre"), edge(".post"));
    let inner = named
        .iter()
        .filter(|stage| stage.value != ".pre" && stage.value != ".post")
        .cloned();
    std::iter::once(first)
        .chain(inner)
        .chain(std::iter::once(last))
        .collect()
}

fn read(field: &Field<'_>, jobs: &Jobs, sink: &mut Sink<'_>) -> Vec<Spanned<String>> {
    let items = field.flat_items(sink).unwrap_or_default();
    let mut names: Vec<Spanned<String>> =
        items.iter().filter_map(|item| item.spanned(sink)).collect();
    field.check_unique(sink, &names);
    for name in &names {
        if name.value.chars().count() > MAX_NAME {
            let text = format!("has a name longer than {MAX_NAME} characters");
            let help = "choose a shorter one";
            sink.error(LIMIT_EXCEEDED, field.path, name.span, &text, help);
        }
    }
    if field.node.as_sequence().is_none() || names.len() < items.len() {
        let default = || Spanned::new("test".to_owned(), field.span());
        let trusted = jobs.values().map(|job| job.stage.clone());
        names.extend(trusted.map(|stage| stage.unwrap_or_else(default)));
    }
    names
}
