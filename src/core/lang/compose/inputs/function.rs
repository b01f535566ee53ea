//! Functions of interpolation blocks: `expand_vars`, `truncate`, `posix_escape`, `split`.

use crate::{
    diag::Span,
    lang::compose::variables::{Variables, replace_references},
    yaml::Node,
};

/// Most functions of one block.
pub(super) const MAX_FUNCTIONS: usize = 3;

/// Applies `expression` (`truncate(0,8)`) to a value.
pub(super) fn apply(
    expression: &str,
    value: &Node,
    span: Span,
    variables: &Variables,
) -> Result<Node, String> {
    let (name, argument) = split_call(expression);
    let text = || {
        value
            .as_str()
            .ok_or_else(|| format!("`{name}` needs a string, this input is {}", value.kind()))
    };
    let result = match (name, argument) {
        ("expand_vars", None) => expand(text()?, variables)?,
        ("posix_escape" | "posix_quote", None) => posix_escape(text()?),
        ("truncate", Some(argument)) => {
            let (offset, length) = truncate_arguments(argument).ok_or_else(|| {
                format!(
                    "`truncate` needs an offset and a length, as in truncate(0,8), not `{argument}`"
                )
            })?;
            text()?.chars().skip(offset).take(length).collect()
        }
        ("split", Some(argument)) => {
            let separator = quoted(argument)
                .ok_or_else(|| "`split` needs a separator in quotes: split(',')".to_owned())?;
            return split(text()?, separator, span);
        }
        _ => {
            return Err(format!(
                "unknown function `{expression}`; there are expand_vars, posix_escape, truncate(offset,length) and \
                 split('separator')"
            ));
        }
    };
    Ok(Node::string(span, result))
}

fn split_call(expression: &str) -> (&str, Option<&str>) {
    match expression.split_once('(') {
        Some((name, rest)) => match rest.strip_suffix(')') {
            Some(argument) => (name.trim_end(), Some(argument)),
            None => (expression, None),
        },
        None => (expression, None),
    }
}

fn truncate_arguments(argument: &str) -> Option<(usize, usize)> {
    let (offset, length) = argument.split_once(',')?;
    Some((offset.trim().parse().ok()?, length.trim().parse().ok()?))
}

fn quoted(argument: &str) -> Option<&str> {
    let argument = argument.trim();
    ['\'', '"']
        .iter()
        .find_map(|quote| argument.strip_prefix(*quote)?.strip_suffix(*quote))
}

fn split(text: &str, separator: &str, span: Span) -> Result<Node, String> {
    if separator.is_empty() {
        return Err("the separator of `split` is empty".to_owned());
    }
    let items = text
        .split(separator)
        .map(str::trim)
        .filter(|item| !item.is_empty())
        .map(|item| Node::string(span, item))
        .collect();
    Ok(Node::sequence(span, items))
}

/// One level: what the values themselves refer to stays. Masked variables are refused, unknown ones stay as written.
fn expand(text: &str, variables: &Variables) -> Result<String, String> {
    let mut secret = None;
    let expanded = replace_references(text, |name| {
        if variables.is_secret(name) {
            secret = Some(name.to_owned());
        }
        variables.raw_value(name).map(str::to_owned)
    });
    match secret {
        Some(name) => Err(format!(
            "`expand_vars` can't expand `{name}`: it is a masked variable"
        )),
        None => Ok(expanded),
    }
}

/// As Ruby's `Shellwords.escape`: every character a shell might read gets a backslash.
fn posix_escape(text: &str) -> String {
    if text.is_empty() {
        return "''".to_owned();
    }
    let mut out = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '\n' => out.push_str("'\n'"),
            'A'..='Z' | 'a'..='z' | '0'..='9' | '_' | '-' | '.' | ',' | ':' | '+' | '/' | '@' => {
                out.push(char);
            }
            _ => out.extend(['\\', char]),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(expression: &str, text: &str) -> String {
        let mut variables = Variables::default();
        variables.set("A", "1", false, false);
        let value = Node::string(Span::default(), text);
        match apply(expression, &value, Span::default(), &variables) {
            Ok(node) => match node.as_sequence() {
                Some(items) => format!(
                    "{:?}",
                    items
                        .iter()
                        .map(|item| item.as_str().unwrap())
                        .collect::<Vec<_>>()
                ),
                None => node.as_str().unwrap().to_owned(),
            },
            Err(error) => format!("error: {error}"),
        }
    }

    #[test]
    fn functions() {
        let table = [
            ("expand_vars", "x-$A-${A}-$B", "x-1-1-$B"),
            ("truncate(1,3)", "abcdef", "bcd"),
            ("truncate( 2 , 9 )", "äöü", "ü"),
            ("truncate(9,1)", "abc", ""),
            ("posix_escape", "My string; rm", "My\\ string\\;\\ rm"),
            ("posix_escape", "", "''"),
            ("split(',')", "a, b,,c ", r#"["a", "b", "c"]"#),
            ("split('')", "a", "error: the separator of `split` is empty"),
        ];
        for (expression, text, expected) in table {
            assert_eq!(run(expression, text), expected, "{expression} {text}");
        }
        assert!(run("upcase", "a").starts_with("error: unknown function `upcase`"));
        assert!(run("truncate(1)", "a").starts_with("error: `truncate` needs"));
    }
}
