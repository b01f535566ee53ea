//! `inherit`.

use super::{
    codes::INVALID_VALUE,
    field::{Field, one_of, shown},
    list::values,
    sink::Sink,
};
use crate::{
    diag::did_you_mean,
    lang::{
        keys::DEFAULTS,
        model::{Inherit, Spanned},
    },
};

/// `inherit`; its part about `default` has been applied when the file was composed.
pub(super) fn inherit(field: &Field<'_>, sink: &mut Sink<'_>) -> Inherit {
    let Some(map) = field.map(sink, &["default", "variables"]) else {
        return Inherit::default();
    };
    if let Some(field) = map.get("default") {
        inherit_default(&field, sink);
    }
    let Some(field) = map.get("variables") else {
        return Inherit::default();
    };
    match flag_or_names(&field, sink) {
        Some(Choice::Flag(false)) => Inherit::None,
        Some(Choice::Names(names)) => Inherit::Only(values(names)),
        Some(Choice::Flag(true)) | None => Inherit::All,
    }
}

enum Choice {
    Flag(bool),
    Names(Vec<Spanned<String>>),
}

fn flag_or_names(field: &Field<'_>, sink: &mut Sink<'_>) -> Option<Choice> {
    if let Some(flag) = field.node.as_bool() {
        return Some(Choice::Flag(flag));
    }
    if field.node.as_sequence().is_none() {
        let help = "write `true`, `false` or a list of names";
        field.refuse_type(sink, "a boolean or a list", help);
        return None;
    }
    field.texts(sink).map(Choice::Names)
}

fn inherit_default(field: &Field<'_>, sink: &mut Sink<'_>) {
    let Some(Choice::Names(names)) = flag_or_names(field, sink) else {
        return;
    };
    for Spanned { value: name, span } in names {
        if DEFAULTS.contains(&name.as_str()) {
            continue;
        }
        let help = did_you_mean(&name, DEFAULTS.iter().copied()).map_or_else(
            || format!("use {}", one_of(DEFAULTS)),
            |near| format!("did you mean `{near}`?"),
        );
        let text = format!("`{}` is not a keyword of `default`", shown(&name));
        sink.error(INVALID_VALUE, field.path, span, &text, help);
    }
}
