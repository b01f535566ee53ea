//! Expressions of `rules:if` and `workflow:rules:if` (pipeline-yaml section 7.1).
//!
//! Parsing knows no variables; the same parsed expression is evaluated for any number of jobs. What goes wrong
//! while evaluating (a variable that should hold a regular expression and doesn't) makes the whole expression false.

mod eval;
mod lexer;
mod parser;
mod pattern;
#[cfg(test)]
mod tests;

pub use pattern::{Pattern, PatternError};

use std::{borrow::Cow, collections::BTreeMap, ops::Range, sync::Arc};

/// Most tokens an expression may have; parentheses count.
pub const MAX_TOKENS: usize = 100;

/// What an expression is evaluated against.
pub trait Scope {
    /// The variable's value with nested references expanded; `None` where it isn't defined.
    fn value(&self, name: &str) -> Option<Cow<'_, str>>;

    /// The regular expression that a variable's value `/…/flags` holds. A scope that lives long caches them.
    fn pattern(&self, text: &str) -> Result<Arc<Pattern>, PatternError> {
        Pattern::parse(text).map(Arc::new)
    }
}

impl Scope for BTreeMap<String, String> {
    fn value(&self, name: &str) -> Option<Cow<'_, str>> {
        self.get(name).map(|value| Cow::Borrowed(value.as_str()))
    }
}

/// A parsed expression.
#[derive(Clone, Debug)]
pub struct Expression {
    root: parser::Node,
}

impl Expression {
    /// Parses the text of an `if`.
    ///
    /// # Errors
    ///
    /// The first thing that is not of the grammar, with its place in `text`.
    pub fn parse(text: &str) -> Result<Self, ExpressionError> {
        let tokens = lexer::tokens(text)?;
        let root = parser::parse(text, &tokens)?;
        Ok(Self { root })
    }

    /// Whether the condition holds.
    pub fn is_true(&self, scope: &dyn Scope) -> bool {
        eval::is_true(&self.root, scope)
    }

    /// The names of the variables it reads, in order, each once.
    pub fn variables(&self) -> Vec<&str> {
        let mut names = Vec::new();
        self.root.each_variable(&mut |name| {
            if !names.contains(&name) {
                names.push(name);
            }
        });
        names
    }

    /// Places where a regular expression is compared with `==` or `!=`: legal, and never equal.
    pub fn compared_patterns(&self) -> Vec<Range<usize>> {
        let mut places = Vec::new();
        self.root
            .each_compared_pattern(&mut |range| places.push(range));
        places
    }
}

/// Why a text is not an expression.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ExpressionError {
    /// Bytes of the expression's text that are at fault; empty at its end.
    pub range: Range<usize>,
    /// What is wrong, lower case.
    pub message: String,
    /// What to write instead.
    pub help: Option<&'static str>,
}

impl ExpressionError {
    fn new(range: Range<usize>, message: impl Into<String>) -> Self {
        Self {
            range,
            message: message.into(),
            help: None,
        }
    }

    fn with_help(mut self, help: &'static str) -> Self {
        self.help = Some(help);
        self
    }
}
