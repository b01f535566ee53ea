//! The reference of `aqueduct.toml`, written from the types that read it.

use std::fmt::Write as _;

use schemars::{Schema, schema_for};
use serde_json::Value;

use super::{CoordinatorOptions, RunOptions, forges::ForgeOptions};

const INTRODUCTION: &str = "\
# aqueduct.toml

Written from the types that read it; a test keeps it so. An unknown key within a table is an error that names its place.

`aqueduct run` reads the file of the project (or the next one above it) and `$XDG_CONFIG_HOME/aqueduct/aqueduct.toml` of the user, the project's first.
`aqueduct serve --config FILE` reads the operator's. Relative paths are relative to the file's directory. A secret never stands in it: it names an
environment variable or a file.
";

/// The whole of it, Markdown.
fn text() -> String {
    let mut text = INTRODUCTION.to_owned();
    let own = [
        ("[run]", schema_for!(RunOptions)),
        ("[coordinator]", schema_for!(CoordinatorOptions)),
        ("[forges.NAME]", schema_for!(ForgeOptions)),
    ];
    for (heading, schema) in own.into_iter().chain(aqueduct_publish::tables()) {
        table(&mut text, heading, &schema);
    }
    text
}

fn table(text: &mut String, heading: &str, schema: &Schema) {
    let schema = schema.as_value();
    let about = paragraph(schema);
    // Writing to a String does not fail.
    let _ = write!(
        text,
        "\n## {heading}\n\n{about}\n\n| key | value | |\n| --- | --- | --- |\n"
    );
    for (key, property) in schema["properties"].as_object().into_iter().flatten() {
        let required = schema["required"]
            .as_array()
            .is_some_and(|keys| keys.iter().any(|one| one == key));
        let needed = if required { "**Required.** " } else { "" };
        let (kind, about) = (kind(property, &schema["$defs"]), paragraph(property));
        let _ = writeln!(text, "| `{key}` | {kind} | {needed}{about} |");
    }
}

/// A description in one line.
fn paragraph(schema: &Value) -> String {
    let lines = schema["description"].as_str().unwrap_or_default().lines();
    lines.collect::<Vec<_>>().join(" ")
}

/// What may be written there.
fn kind(schema: &Value, definitions: &Value) -> String {
    if let Some(title) = schema["title"].as_str() {
        return title.to_owned();
    }
    if let Some(name) = schema["$ref"].as_str() {
        let name = name.rsplit('/').next().unwrap_or_default();
        return kind(&definitions[name], definitions);
    }
    if let Some(choices) = choices(schema) {
        return choices;
    }
    if let Some(any) = schema["anyOf"].as_array() {
        let kinds = any.iter().filter(|one| one["type"] != "null");
        return kinds
            .map(|one| kind(one, definitions))
            .collect::<Vec<_>>()
            .join(" or ");
    }
    let name = match &schema["type"] {
        Value::Array(types) => types.iter().find(|one| *one != "null"),
        one => Some(one),
    };
    match name.and_then(Value::as_str) {
        Some("array") => format!("list of {}s", kind(&schema["items"], definitions)),
        Some("string") if schema["format"] == "uri" => "URL".to_owned(),
        Some("integer") => "number".to_owned(),
        Some(name) => name.to_owned(),
        None => String::new(),
    }
}

/// The words that an enumeration knows.
fn choices(schema: &Value) -> Option<String> {
    let quoted = |value: &Value| value.as_str().map(|word| format!("`\"{word}\"`"));
    let words: Vec<String> = match (&schema["enum"], &schema["oneOf"]) {
        (Value::Array(values), _) => values.iter().filter_map(quoted).collect(),
        (_, Value::Array(variants)) => variants
            .iter()
            .filter_map(|one| quoted(&one["const"]).or_else(|| choices(one)))
            .collect(),
        _ => return None,
    };
    Some(words.join(", "))
}

#[test]
fn the_reference_says_what_the_types_say() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../examples/aqueduct.toml.md"
    );
    let told = std::fs::read_to_string(path).unwrap_or_default();
    let text = text();
    if told != text && std::env::var_os("AQUEDUCT_WRITE_REFERENCE").is_some() {
        std::fs::write(path, &text).unwrap();
        return;
    }
    assert!(
        told == text,
        "examples/aqueduct.toml.md is not what the types say: set AQUEDUCT_WRITE_REFERENCE=1, run this test again, and commit it"
    );
}
