//! The variables that exist before a pipeline does: what `include` and `expand_vars` may use.

use std::{borrow::Cow, collections::BTreeMap};

use crate::lang::{
    context::Context,
    expr::Scope,
    predefined,
    variables::reference::{Piece, Syntax, pieces},
};

/// Variables by name. YAML `variables` and those of jobs are not among them.
#[derive(Clone, Debug, Default)]
pub(super) struct Variables {
    values: BTreeMap<String, Variable>,
}

/// One of them.
#[derive(Clone, Default)]
struct Variable {
    value: String,
    secret: bool,
    raw: bool,
}

impl std::fmt::Debug for Variable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let value = if self.secret {
            "[redacted]"
        } else {
            &self.value
        };
        f.debug_tuple("Variable").field(&value).finish()
    }
}

impl Variables {
    /// The predefined ones that are known by now, and over them those of the project and of the pipeline.
    pub(super) fn of(context: &Context) -> Self {
        let mut variables = Self::default();
        for (name, entry) in predefined::pipeline(context) {
            variables.set(&name, &entry.value, entry.secret, entry.raw);
        }
        let mut given: Vec<_> = context.variables.iter().collect();
        given.sort_by_key(|variable| variable.origin);
        for variable in given {
            variables.set(
                &variable.key,
                &variable.value,
                variable.secret,
                variable.raw,
            );
        }
        variables
    }

    /// Sets one; a later value wins.
    pub(super) fn set(&mut self, name: &str, value: &str, secret: bool, raw: bool) {
        let variable = Variable {
            value: value.to_owned(),
            secret,
            raw,
        };
        self.values.insert(name.to_owned(), variable);
    }

    /// The value as it was given, with its references.
    pub(super) fn raw_value(&self, name: &str) -> Option<&str> {
        self.values
            .get(name)
            .map(|variable| variable.value.as_str())
    }

    /// Whether the value must not show.
    pub(super) fn is_secret(&self, name: &str) -> bool {
        self.values
            .get(name)
            .is_some_and(|variable| variable.secret)
    }

    /// A text with its references replaced, nested ones too; unknown ones are empty.
    pub(super) fn expand(&self, text: &str) -> String {
        self.expand_nested(text, &mut Vec::new())
    }

    fn expand_nested<'v>(&'v self, text: &str, open: &mut Vec<&'v str>) -> String {
        replace_references(text, |name| {
            let Some((name, variable)) = self.values.get_key_value(name) else {
                return Some(String::new());
            };
            // A variable that leads back to itself is empty, and nobody needs sixteen levels.
            if open.contains(&name.as_str()) || open.len() >= 16 {
                return Some(String::new());
            }
            if variable.raw {
                return Some(variable.value.clone());
            }
            open.push(name);
            let value = self.expand_nested(&variable.value, open);
            open.pop();
            Some(value)
        })
    }
}

impl Scope for Variables {
    fn value(&self, name: &str) -> Option<Cow<'_, str>> {
        let variable = self.values.get(name)?;
        Some(if variable.raw || !variable.value.contains(['$', '%']) {
            Cow::Borrowed(&variable.value)
        } else {
            Cow::Owned(self.expand(&variable.value))
        })
    }
}

/// Replaces `$NAME`, `${NAME}` and `%NAME%` by what `value` says; `None` leaves the reference as written, and `$$` stays.
pub(super) fn replace_references(
    text: &str,
    mut value: impl FnMut(&str) -> Option<String>,
) -> String {
    pieces(text, Syntax::Server).fold(String::new(), |mut out, piece| {
        match piece {
            Piece::Text(text) | Piece::Escape(text) => out.push_str(text),
            Piece::Variable { name, text } => match value(name) {
                Some(value) => out.push_str(&value),
                None => out.push_str(text),
            },
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_of_all_forms() {
        let mut variables = Variables::default();
        variables.set("A", "1", false, false);
        variables.set("B", "<$A>", false, false);
        variables.set("R", "$A", false, true);
        variables.set("LOOP", "x$LOOP", false, false);
        let table = [
            ("$A-${A}-%A%", "1-1-1"),
            ("$B", "<1>"),
            ("$R", "$A"),
            ("$LOOP", "x"),
            ("$NONE!", "!"),
            ("$$A 100% $ %", "$$A 100% $ %"),
            ("${A", "${A"),
        ];
        for (text, expected) in table {
            assert_eq!(variables.expand(text), expected, "{text}");
        }
    }
}
