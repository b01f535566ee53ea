//! From declarations and given values to the inputs of one use of a file.

use std::{borrow::Cow, collections::BTreeMap};

use super::{
    spec::{InputRule, InputSpec},
    value::embedded,
};
use crate::{
    diag::{Diagnostic, Diagnostics, Span, did_you_mean},
    lang::{
        compose::variables::Variables,
        expr::{Expression, Scope},
    },
    yaml::{Node, Style},
};

/// What a use of a file gives it.
#[derive(Clone, Debug, Default)]
pub(in crate::lang::compose) struct Given {
    /// Values by name, in order.
    pub(in crate::lang::compose) values: Vec<(String, Node)>,
    /// The place that uses the file; `None` for the entry file.
    pub(in crate::lang::compose) place: Option<Span>,
    /// They came as texts, whose type the declaration tells.
    pub(in crate::lang::compose) untyped: bool,
}

/// The final inputs of one use of a file.
pub(in crate::lang::compose) type Bound = BTreeMap<String, Node>;

pub(super) fn bind(
    specs: &[InputSpec],
    given: &Given,
    variables: &Variables,
    diagnostics: &mut Diagnostics,
) -> Bound {
    let mut bound = Bound::new();
    for (name, value) in &given.values {
        if !specs.iter().any(|spec| spec.name == *name) {
            diagnostics.push(unknown(name, value, specs, given));
        }
    }
    for spec in specs {
        let value = given.values.iter().find(|(name, _)| *name == spec.name);
        let value = value
            .map(|(_, value)| value)
            .filter(|value| !value.is_null());
        let (default, options) = effective(spec, &bound, variables);
        let value = match (value, default) {
            (Some(value), _) => checked(spec, value, options, given, diagnostics),
            (None, Some(default)) => Some(default.clone()),
            // A rule without a default has been told, and is what leaves the input without a value.
            (None, None) if spec.rules.iter().any(|rule| rule.default.is_none()) => None,
            (None, None) => {
                diagnostics.push(missing(spec, given));
                None
            }
        };
        // A value that is wrong still has a name: the blocks that use it are not wrong as well.
        let value = value.unwrap_or_else(|| Node::string(spec.span, ""));
        bound.insert(spec.name.clone(), value);
    }
    bound
}

/// The first rule that holds decides; without rules the input's own keys do.
fn effective<'s>(
    spec: &'s InputSpec,
    bound: &Bound,
    variables: &Variables,
) -> (Option<&'s Node>, Option<&'s [Node]>) {
    if spec.rules.is_empty() {
        return (spec.default.as_ref(), spec.options.as_deref());
    }
    let holds = |rule: &&InputRule| {
        rule.condition
            .as_ref()
            .is_none_or(|(text, _)| condition_holds(text, bound, variables))
    };
    match spec.rules.iter().find(holds) {
        Some(rule) => (rule.default.as_ref(), rule.options.as_deref()),
        None => (None, None),
    }
}

fn checked(
    spec: &InputSpec,
    value: &Node,
    options: Option<&[Node]>,
    given: &Given,
    diagnostics: &mut Diagnostics,
) -> Option<Node> {
    let place = given.place.map_or(spec.span, |_| value.span());
    let mut fail = |code, message: String| {
        diagnostics.push(
            Diagnostic::error(code, place, format!("`{}` input: {message}", spec.name))
                .with_label(spec.span, "declared here"),
        );
    };
    let value = if given.untyped {
        spec.input_type.read(&embedded(value), spec.span)
    } else {
        spec.input_type.takes(value).then(|| value.clone())
    };
    let Some(value) = value else {
        fail(
            "input-value",
            format!("provided value is not {}", spec.input_type.with_article()),
        );
        return None;
    };
    if let Some(options) = options
        && !options.contains(&value)
    {
        let allowed = options.iter().map(embedded).collect::<Vec<_>>().join(", ");
        fail(
            "input-value",
            format!(
                "`{}` cannot be used because it is not in the list of allowed options: {allowed}",
                embedded(&value)
            ),
        );
    }
    if let Some((regex, _)) = &spec.regex
        && value.as_str().is_some_and(|text| !regex.is_match(text))
    {
        fail(
            "input-value",
            "provided value does not match required RegEx pattern".to_owned(),
        );
    }
    Some(value)
}

fn missing(spec: &InputSpec, given: &Given) -> Diagnostic {
    let message = format!(
        "`{}` input: required value has not been provided",
        spec.name
    );
    if let Some(place) = given.place {
        return Diagnostic::error("input-missing", place, message)
            .with_label(spec.span, "declared here, without a default")
            .with_help(format!("give it with `inputs: {{{}: …}}`", spec.name));
    }
    let otherwise = if spec.rules.is_empty() {
        "declare a `default`"
    } else {
        "end its `rules` with one that has no `if`"
    };
    let help = format!("give it with `--input {}=…`, or {otherwise}", spec.name);
    Diagnostic::error("input-missing", spec.span, message).with_help(help)
}

fn unknown(name: &str, value: &Node, specs: &[InputSpec], given: &Given) -> Diagnostic {
    let message = format!("unknown input `{name}`");
    let diagnostic = match given.place {
        Some(_) => Diagnostic::error("input-unknown", value.span(), message),
        None => Diagnostic::without_place("input-unknown", message),
    };
    let names = specs.iter().map(|spec| spec.name.as_str());
    match did_you_mean(name, names) {
        Some(near) => diagnostic.with_help(format!("did you mean `{near}`?")),
        None => diagnostic.with_help("the file declares its inputs in `spec:inputs`, before `---`"),
    }
}

/// The name that stands for a block in an expression: no variable of a pipeline is called so.
const BLOCK_VARIABLE: &str = "AQUEDUCT_INPUT_BLOCK_";

/// An expression with each block of an input replaced by a variable.
pub(super) fn without_blocks(text: &str) -> String {
    split_blocks(text).0
}

fn split_blocks(text: &str) -> (String, Vec<&str>) {
    let mut out = String::new();
    let mut names = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("$[[") {
        let Some((data, behind)) = after.split_once("]]") else {
            break;
        };
        out.push_str(before);
        out.push('$');
        out.push_str(BLOCK_VARIABLE);
        out.push_str(&names.len().to_string());
        names.push(data.trim());
        rest = behind;
    }
    out.push_str(rest);
    (out, names)
}

fn condition_holds(text: &str, bound: &Bound, variables: &Variables) -> bool {
    let (plain, names) = split_blocks(text);
    let Ok(expression) = Expression::parse(&plain) else {
        return false;
    };
    expression.is_true(&RuleScope {
        bound,
        names: &names,
        variables,
    })
}

struct RuleScope<'a> {
    bound: &'a Bound,
    names: &'a [&'a str],
    variables: &'a Variables,
}

impl Scope for RuleScope<'_> {
    fn value(&self, name: &str) -> Option<Cow<'_, str>> {
        match name.strip_prefix(BLOCK_VARIABLE) {
            Some(index) => {
                let path = self.names.get(index.parse::<usize>().ok()?)?;
                let input = path.strip_prefix("inputs.")?;
                self.bound.get(input).map(|value| embedded(value).into())
            }
            None => self.variables.value(name),
        }
    }
}

/// Values from outside, as a command line gives them.
pub(in crate::lang::compose) fn from_texts<'t>(
    texts: impl IntoIterator<Item = (&'t String, &'t String)>,
) -> Given {
    let values = texts
        .into_iter()
        .map(|(name, text)| {
            let node = Node::string(Span::default(), text.as_str()).with_style(Style::Quoted);
            (name.clone(), node)
        })
        .collect();
    Given {
        values,
        place: None,
        untyped: true,
    }
}
