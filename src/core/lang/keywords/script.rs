//! `script`, `before_script`, `after_script` and `hooks`.

use super::{
    codes::{BLANK_VALUE, INVALID_TYPE},
    field::Field,
    sink::Sink,
};

/// The commands of a string or of a list, whose lists are flattened. May be empty.
pub(super) fn commands(field: &Field<'_>, sink: &mut Sink<'_>) -> Vec<String> {
    if let Some(text) = field.node.as_str() {
        return if text.is_empty() {
            Vec::new()
        } else {
            vec![text.to_owned()]
        };
    }
    if field.node.as_sequence().is_none() {
        let help = "write a command, or a list with a dash before each";
        field.refuse_type(sink, "a string or a list of strings", help);
        return Vec::new();
    }
    let mut items = Vec::new();
    field.flatten_into(sink, 0, &mut items);
    items
        .iter()
        .filter_map(|item| command(item, sink))
        .collect()
}

/// The commands of `script`, of which there must be one.
pub(super) fn script(field: &Field<'_>, sink: &mut Sink<'_>) -> Vec<String> {
    let blank = match (field.node.as_str(), field.node.as_sequence()) {
        (Some(text), _) => text.trim().is_empty(),
        (_, Some(items)) => items.is_empty(),
        _ => field.node.is_null(),
    };
    if blank {
        let help = "write at least one command";
        field.refuse(sink, BLANK_VALUE, "must not be blank", help);
        return Vec::new();
    }
    commands(field, sink)
}

/// `hooks`; only checked.
pub(super) fn hooks(field: &Field<'_>, sink: &mut Sink<'_>) {
    let Some(map) = field.map(sink, &["pre_get_sources_script"]) else {
        return;
    };
    if let Some(script) = map.get("pre_get_sources_script") {
        commands(&script, sink);
    }
}

fn command(item: &Field<'_>, sink: &mut Sink<'_>) -> Option<String> {
    if item.node.as_mapping().is_none() {
        return item.text(sink).map(str::to_owned);
    }
    // By far the most frequent mistake in scripts: `- echo "result: ok"`.
    let text = "must be a string, but YAML reads this line as a mapping because of its `: `";
    let help = "put the whole line in quotes, or write it below `- |`";
    item.refuse(sink, INVALID_TYPE, text, help);
    None
}
