//! A tree and variables to a truth value.

use std::borrow::Cow;

use super::{Pattern, PatternError, Scope, lexer::Operator, parser::Node};

/// What a node is worth.
enum Value<'a> {
    Null,
    Text(Cow<'a, str>),
    Bool(bool),
    Pattern(&'a Pattern),
}

impl Value<'_> {
    /// A variable that is empty or only whitespace counts as false.
    fn is_true(&self) -> bool {
        match self {
            Self::Null => false,
            Self::Text(text) => !text.trim().is_empty(),
            Self::Bool(value) => *value,
            Self::Pattern(_) => true,
        }
    }

    fn equals(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Text(left), Self::Text(right)) => left == right,
            (Self::Bool(left), Self::Bool(right)) => left == right,
            _ => false,
        }
    }
}

pub(super) fn is_true(root: &Node, scope: &dyn Scope) -> bool {
    evaluate(root, scope).is_ok_and(|value| value.is_true())
}

fn evaluate<'a>(node: &'a Node, scope: &'a dyn Scope) -> Result<Value<'a>, PatternError> {
    Ok(match node {
        Node::Null => Value::Null,
        Node::Text(text) => Value::Text(Cow::Borrowed(text)),
        Node::Variable(name) => scope.value(name).map_or(Value::Null, Value::Text),
        Node::Pattern(pattern, _) => Value::Pattern(pattern),
        Node::Binary(operator, left, right) => {
            let first = evaluate(left, scope)?;
            Value::Bool(match operator {
                Operator::And => first.is_true() && evaluate(right, scope)?.is_true(),
                Operator::Or => first.is_true() || evaluate(right, scope)?.is_true(),
                Operator::Equal => first.equals(&evaluate(right, scope)?),
                Operator::NotEqual => !first.equals(&evaluate(right, scope)?),
                Operator::Match => {
                    matches(&first, &evaluate(right, scope)?, scope)?.unwrap_or(false)
                }
                Operator::NotMatch => {
                    !matches(&first, &evaluate(right, scope)?, scope)?.unwrap_or(false)
                }
            })
        }
    })
}

/// Whether `text` matches; `None` without a pattern. An undefined text is matched as the empty one.
fn matches(
    text: &Value<'_>,
    pattern: &Value<'_>,
    scope: &dyn Scope,
) -> Result<Option<bool>, PatternError> {
    let text = match text {
        Value::Text(text) => text.as_ref(),
        Value::Null => "",
        Value::Bool(true) => "true",
        Value::Bool(false) => "false",
        Value::Pattern(pattern) => pattern.as_str(),
    };
    match pattern {
        Value::Null => Ok(None),
        Value::Pattern(pattern) => Ok(Some(pattern.is_match(text))),
        Value::Text(value) => Ok(Some(scope.pattern(value)?.is_match(text))),
        Value::Bool(value) => Err(PatternError::NotSlashed(value.to_string())),
    }
}
