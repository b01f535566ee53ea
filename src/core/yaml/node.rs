//! The tree: nodes that know where they come from and are cheap to clone.

use std::{borrow::Cow, sync::Arc};

use super::{Mapping, scalar::float_text};
use crate::diag::Span;

/// A YAML node. Cloning copies a few words: collections and texts are shared.
#[derive(Clone, Debug)]
pub struct Node {
    span: Span,
    style: Style,
    value: Value,
    source: Option<Arc<str>>,
}

/// What a node holds.
#[derive(Clone, Debug)]
pub enum Value {
    /// Nothing, `~` or `null`.
    Null,
    /// `true`, `yes`, `on` and their opposites, in any case.
    Bool(bool),
    /// A whole number that fits 64 bits; a longer one is a string of its digits.
    Int(i64),
    /// A number with a point, `.inf` or `.nan`.
    Float(f64),
    /// Any other scalar, and every quoted or block one.
    String(Arc<str>),
    /// A list.
    Sequence(Arc<[Node]>),
    /// Keys and values in the order of the file.
    Mapping(Arc<Mapping>),
    /// `!reference [a, b]` with its path, until composition has replaced it.
    Reference(Arc<[Node]>),
}

/// How a scalar was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Style {
    /// Without quotes; also every collection.
    #[default]
    Plain,
    /// In `'` or `"`.
    Quoted,
    /// After `|` or `>`.
    Block,
}

impl Node {
    /// A node with a value, as if it had been written at `span`.
    pub fn new(span: Span, value: Value) -> Self {
        Self {
            span,
            style: Style::Plain,
            value,
            source: None,
        }
    }

    /// A string.
    pub fn string(span: Span, text: impl Into<Arc<str>>) -> Self {
        Self::new(span, Value::String(text.into()))
    }

    /// A list.
    pub fn sequence(span: Span, items: Vec<Self>) -> Self {
        Self::new(span, Value::Sequence(items.into()))
    }

    /// A mapping.
    pub fn mapping(span: Span, mapping: Mapping) -> Self {
        Self::new(span, Value::Mapping(Arc::new(mapping)))
    }

    /// Null.
    pub fn null(span: Span) -> Self {
        Self::new(span, Value::Null)
    }

    /// The same node with the style of its notation.
    #[must_use]
    pub fn with_style(mut self, style: Style) -> Self {
        self.style = style;
        self
    }

    /// The same node with the text it had in the file.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Arc<str>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Where it stands. For an alias that is the anchored node's place.
    pub const fn span(&self) -> Span {
        self.span
    }

    /// What it holds.
    pub const fn value(&self) -> &Value {
        &self.value
    }

    /// How a scalar was written.
    pub const fn style(&self) -> Style {
        self.style
    }

    /// The text a scalar had in the file, before it was read as a number, boolean or null (`1.10`, `yes`); for strings the
    /// text itself.
    pub fn source(&self) -> Option<&str> {
        self.source.as_deref().or_else(|| self.as_str())
    }

    /// Whether it is null.
    pub const fn is_null(&self) -> bool {
        matches!(self.value, Value::Null)
    }

    /// The text of a string; numbers and booleans are not strings.
    pub fn as_str(&self) -> Option<&str> {
        match &self.value {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// The value of a boolean.
    pub const fn as_bool(&self) -> Option<bool> {
        match self.value {
            Value::Bool(value) => Some(value),
            _ => None,
        }
    }

    /// The value of a whole number.
    pub const fn as_int(&self) -> Option<i64> {
        match self.value {
            Value::Int(value) => Some(value),
            _ => None,
        }
    }

    /// The items of a list.
    pub fn as_sequence(&self) -> Option<&[Self]> {
        match &self.value {
            Value::Sequence(items) => Some(items),
            _ => None,
        }
    }

    /// The entries of a mapping.
    pub fn as_mapping(&self) -> Option<&Mapping> {
        match &self.value {
            Value::Mapping(mapping) => Some(mapping),
            _ => None,
        }
    }

    /// The entries of a mapping, shared.
    pub fn mapping_handle(&self) -> Option<Arc<Mapping>> {
        match &self.value {
            Value::Mapping(mapping) => Some(Arc::clone(mapping)),
            _ => None,
        }
    }

    /// The entries of a mapping to change; shared ones are copied first (their values stay shared).
    pub fn as_mapping_mut(&mut self) -> Option<&mut Mapping> {
        match &mut self.value {
            Value::Mapping(mapping) => Some(Arc::make_mut(mapping)),
            _ => None,
        }
    }

    /// Moves it to another place.
    pub const fn set_span(&mut self, span: Span) {
        self.span = span;
    }

    /// The value of a key, if this is a mapping that has it.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.as_mapping()?.get(key)
    }

    /// How a scalar looks as text, by Ruby's `to_s`: `1.10` is `1.1`, `yes` is `true`, null is empty. This is the text of a
    /// variable and of an interpolated input. `None` for collections.
    pub fn to_text(&self) -> Option<Cow<'_, str>> {
        Some(match &self.value {
            Value::Null => Cow::Borrowed(""),
            Value::Bool(value) => Cow::Borrowed(if *value { "true" } else { "false" }),
            Value::Int(value) => Cow::Owned(value.to_string()),
            Value::Float(value) => Cow::Owned(float_text(*value)),
            Value::String(text) => Cow::Borrowed(text),
            Value::Sequence(_) | Value::Mapping(_) | Value::Reference(_) => return None,
        })
    }

    /// What it is, with its article, for messages: `a string`, `a list`, `nothing`.
    pub const fn kind(&self) -> &'static str {
        match self.value {
            Value::Null => "nothing",
            Value::Bool(_) => "a boolean",
            Value::Int(_) | Value::Float(_) => "a number",
            Value::String(_) => "a string",
            Value::Sequence(_) => "a list",
            Value::Mapping(_) => "a mapping",
            Value::Reference(_) => "a !reference",
        }
    }
}

impl PartialEq for Node {
    /// Equal values; places and notations don't count.
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Int(a), Self::Int(b)) => a == b,
            (Self::Float(a), Self::Float(b)) => a == b,
            (Self::String(a), Self::String(b)) => a == b,
            (Self::Sequence(a), Self::Sequence(b)) | (Self::Reference(a), Self::Reference(b)) => {
                Arc::ptr_eq(a, b) || a == b
            }
            (Self::Mapping(a), Self::Mapping(b)) => Arc::ptr_eq(a, b) || a == b,
            _ => false,
        }
    }
}
