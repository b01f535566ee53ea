//! Values of inputs: their types, and what a command line's text means to each.

use crate::{
    diag::{FileId, Span},
    yaml::{self, Node, Style, Value},
};

/// The type of an input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum InputType {
    /// The default.
    #[default]
    String,
    /// Whole or not.
    Number,
    /// `true` or `false`.
    Boolean,
    /// A list of anything.
    Array,
}

impl InputType {
    pub(super) const NAMES: [&'static str; 4] = ["string", "number", "boolean", "array"];

    pub(super) fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "string" => Self::String,
            "number" => Self::Number,
            "boolean" => Self::Boolean,
            "array" => Self::Array,
            _ => return None,
        })
    }

    pub(super) const fn with_article(self) -> &'static str {
        match self {
            Self::String => "a string",
            Self::Number => "a number",
            Self::Boolean => "a boolean",
            Self::Array => "an array",
        }
    }

    /// Whether a value is of the type.
    pub(super) const fn takes(self, value: &Node) -> bool {
        matches!(
            (self, value.value()),
            (Self::String, Value::String(_))
                | (Self::Number, Value::Int(_) | Value::Float(_))
                | (Self::Boolean, Value::Bool(_))
                | (Self::Array, Value::Sequence(_))
        )
    }

    /// The value that a text from outside (`--input K=V`) means: for a string the text itself, else YAML.
    pub(super) fn read(self, text: &str, span: Span) -> Option<Node> {
        let value = match self {
            Self::String => Node::string(span, text).with_style(Style::Quoted),
            Self::Number | Self::Boolean => Node::new(span, yaml::resolve_plain(text.trim())),
            Self::Array => {
                let read = yaml::read(FileId::default(), text, yaml::Limits::LANGUAGE);
                let value = read.documents.first()?.value().clone();
                Node::new(span, value)
            }
        };
        self.takes(&value).then_some(value)
    }
}

/// A value inside of a longer text: strings as they are, lists and mappings as JSON.
pub(super) fn embedded(value: &Node) -> String {
    match value.to_text() {
        Some(text) => text.into_owned(),
        None => json(value).to_string(),
    }
}

fn json(value: &Node) -> serde_json::Value {
    match value.value() {
        Value::Null | Value::Reference(_) => serde_json::Value::Null,
        Value::Bool(value) => (*value).into(),
        Value::Int(value) => (*value).into(),
        Value::Float(value) => (*value).into(),
        Value::String(text) => text.to_string().into(),
        Value::Sequence(items) => items.iter().map(json).collect::<Vec<_>>().into(),
        Value::Mapping(mapping) => {
            let entries = mapping
                .iter()
                .map(|(key, entry)| (key.to_string(), json(&entry.value)));
            entries.collect::<serde_json::Map<_, _>>().into()
        }
    }
}
