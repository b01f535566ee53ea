//! The header of a file: `spec:inputs` and its neighbours.

use super::value::InputType;
use crate::{
    diag::{Diagnostic, Diagnostics, Span, did_you_mean},
    lang::expr::Expression,
    yaml::{Mapping, Node},
};

/// Most `options` of one input.
const MAX_OPTIONS: usize = 50;

/// An input that a file declares.
#[derive(Clone, Debug)]
pub(super) struct InputSpec {
    pub(super) name: String,
    pub(super) span: Span,
    pub(super) input_type: InputType,
    pub(super) default: Option<Node>,
    pub(super) options: Option<Vec<Node>>,
    pub(super) regex: Option<(regex::Regex, Span)>,
    pub(super) rules: Vec<InputRule>,
}

/// Options and default that hold under a condition.
#[derive(Clone, Debug)]
pub(super) struct InputRule {
    /// The condition, with blocks of other inputs in it; none always holds.
    pub(super) condition: Option<(String, Span)>,
    pub(super) default: Option<Node>,
    pub(super) options: Option<Vec<Node>>,
}

/// Reads the header document; problems are told, and what is wrong is left out.
pub(super) fn parse(header: &Node, diagnostics: &mut Diagnostics) -> Vec<InputSpec> {
    let mut parser = Parser { diagnostics };
    let Some(top) = parser.mapping(header, "the header") else {
        return Vec::new();
    };
    parser.known_keys(top, "header", &["spec"]);
    let Some(spec) = top.get("spec").filter(|spec| !spec.is_null()) else {
        return Vec::new();
    };
    let Some(spec) = parser.mapping(spec, "`spec`") else {
        return Vec::new();
    };
    parser.known_keys(
        spec,
        "spec",
        &["inputs", "include", "component", "description"],
    );
    if let Some(include) = spec.entry("include") {
        let problem = Diagnostic::error(
            "not-supported",
            include.key_span,
            "`spec:include` is not supported yet",
        )
        .with_help("declare the inputs in this file's own `spec:inputs`");
        parser.diagnostics.push(problem);
        parser.include(&include.value);
    }
    parser.component(spec.get("component"));
    parser.description(spec.get("description"));
    let inputs = spec.get("inputs").filter(|inputs| !inputs.is_null());
    let Some(inputs) = inputs.and_then(|inputs| parser.mapping(inputs, "`spec:inputs`")) else {
        return Vec::new();
    };
    inputs
        .iter()
        .filter_map(|(name, entry)| parser.input(name, &entry.value, entry.key_span))
        .collect()
}

/// Whether an input can have this name.
pub(in crate::lang::compose) fn is_name(name: &str) -> bool {
    let legal = |char: char| char.is_ascii_alphanumeric() || char == '_' || char == '-';
    !name.is_empty() && name.chars().all(legal)
}

struct Parser<'d> {
    diagnostics: &'d mut Diagnostics,
}

/// Longest description of a header, in characters.
const MAX_DESCRIPTION: usize = 256;

impl Parser<'_> {
    fn description(&mut self, node: Option<&Node>) {
        let Some(node) = node.filter(|node| !node.is_null()) else {
            return;
        };
        let problem = match node.as_str() {
            None => format!("spec:description must be a string, not {}", node.kind()),
            Some(text) if text.chars().count() > MAX_DESCRIPTION => {
                format!("spec:description is longer than {MAX_DESCRIPTION} characters")
            }
            Some(_) => return,
        };
        let problem = Diagnostic::error("spec-description", node.span(), problem)
            .with_help("say in a sentence what the file is for");
        self.diagnostics.push(problem);
    }

    fn mapping<'n>(&mut self, node: &'n Node, what: &str) -> Option<&'n Mapping> {
        let mapping = node.as_mapping();
        if mapping.is_none() {
            self.error(
                "spec-type",
                node.span(),
                format!("{what} must be a mapping, this is {}", node.kind()),
            );
        }
        mapping
    }

    fn known_keys(&mut self, mapping: &Mapping, prefix: &str, known: &[&str]) {
        for (key, entry) in mapping.iter() {
            if known.contains(&&**key) {
                continue;
            }
            let help = did_you_mean(key, known.iter().copied()).map_or_else(
                || format!("known keys: {}", known.join(", ")),
                |near| format!("did you mean `{near}`?"),
            );
            let message = format!("{prefix}: unknown keyword `{key}`");
            self.diagnostics.push(
                Diagnostic::error("unknown-keyword", entry.key_span, message).with_help(help),
            );
        }
    }

    /// Entries of `spec:include`: files with nothing but inputs, so these forms only.
    fn include(&mut self, node: &Node) {
        let known = [
            "local",
            "project",
            "file",
            "ref",
            "remote",
            "integrity",
            "cache",
            "rules",
        ];
        let items = node.as_sequence().unwrap_or(std::slice::from_ref(node));
        for mapping in items.iter().filter_map(Node::as_mapping) {
            self.known_keys(mapping, "spec:include", &known);
        }
    }

    fn component(&mut self, component: Option<&Node>) {
        let Some(component) = component.filter(|component| !component.is_null()) else {
            return;
        };
        let known = ["name", "sha", "version", "reference"];
        let items = component.as_sequence().unwrap_or_default();
        let legal = |item: &Node| item.as_str().is_some_and(|name| known.contains(&name));
        if items.is_empty() || !items.iter().all(legal) {
            self.error(
                "spec-component",
                component.span(),
                format!("spec:component takes a list of {}", known.join(", ")),
            );
        }
    }

    fn input(&mut self, name: &str, node: &Node, span: Span) -> Option<InputSpec> {
        if !is_name(name) {
            self.error(
                "input-name",
                span,
                format!("spec:inputs: `{name}` is no name of an input"),
            );
            return None;
        }
        let mut spec = InputSpec {
            name: name.to_owned(),
            span,
            input_type: InputType::String,
            default: None,
            options: None,
            regex: None,
            rules: Vec::new(),
        };
        if node.is_null() {
            return Some(spec);
        }
        let what = format!("spec:inputs:{name}");
        let mapping = self.mapping(node, &what)?;
        self.known_keys(
            mapping,
            &what,
            &[
                "type",
                "default",
                "options",
                "regex",
                "description",
                "rules",
            ],
        );
        let Some(input_type) = self.input_type(name, mapping) else {
            // What else is wrong depends on the type that was meant.
            spec.default = mapping.get("default").cloned();
            return Some(spec);
        };
        spec.input_type = input_type;
        spec.options = self.options(name, mapping, spec.input_type);
        spec.default = self.default(name, mapping, spec.input_type, spec.options.as_deref());
        spec.regex = self.regex(name, mapping, spec.input_type);
        self.check_default_regex(&spec);
        if let Some(description) = mapping.get("description")
            && !description.is_null()
            && description.as_str().is_none()
        {
            self.error(
                "input-description",
                description.span(),
                format!("{what}: description must be a string"),
            );
        }
        spec.rules = self.rules(name, mapping, spec.input_type);
        Some(spec)
    }

    fn input_type(&mut self, name: &str, mapping: &Mapping) -> Option<InputType> {
        let Some(node) = mapping.get("type").filter(|node| !node.is_null()) else {
            return Some(InputType::String);
        };
        let known = node.as_str().and_then(InputType::parse);
        if known.is_none() {
            self.error(
                "input-type",
                node.span(),
                format!(
                    "spec:inputs:{name}: unknown type, there are {}",
                    InputType::NAMES.join(", ")
                ),
            );
        }
        known
    }

    fn options(&mut self, name: &str, mapping: &Mapping, of: InputType) -> Option<Vec<Node>> {
        let node = mapping.get("options").filter(|node| !node.is_null())?;
        let Some(items) = node.as_sequence().filter(|items| !items.is_empty()) else {
            self.error(
                "input-options",
                node.span(),
                format!("spec:inputs:{name}: options must be a list with an entry at least"),
            );
            return None;
        };
        if items.len() > MAX_OPTIONS {
            self.error(
                "input-options",
                node.span(),
                format!("spec:inputs:{name}: at most {MAX_OPTIONS} options"),
            );
        }
        for item in items.iter().filter(|item| !of.takes(item)) {
            self.error(
                "input-options",
                item.span(),
                format!(
                    "spec:inputs:{name}: this option is not {}",
                    of.with_article()
                ),
            );
        }
        Some(items.to_vec())
    }

    fn default(
        &mut self,
        name: &str,
        mapping: &Mapping,
        of: InputType,
        options: Option<&[Node]>,
    ) -> Option<Node> {
        let node = mapping.get("default")?;
        if node.is_null() && of == InputType::String {
            return Some(Node::string(node.span(), ""));
        }
        if !of.takes(node) {
            let message = format!("`{name}` input: default value is not {}", of.with_article());
            let mut problem = Diagnostic::error("input-default", node.span(), message);
            if of == InputType::String && node.to_text().is_some() {
                problem = problem.with_help("quote it, or give the input a `type`");
            }
            self.diagnostics.push(problem);
        } else if options.is_some_and(|options| !options.contains(node)) {
            self.error(
                "input-default",
                node.span(),
                format!("`{name}` input: default value is not one of its options"),
            );
        }
        Some(node.clone())
    }

    fn regex(
        &mut self,
        name: &str,
        mapping: &Mapping,
        of: InputType,
    ) -> Option<(regex::Regex, Span)> {
        let node = mapping.get("regex").filter(|node| !node.is_null())?;
        if of != InputType::String {
            self.error(
                "input-regex",
                node.span(),
                format!("spec:inputs:{name}: regex is for strings only"),
            );
            return None;
        }
        let built = node
            .as_str()
            .map(|text| regex::RegexBuilder::new(text).size_limit(1 << 20).build());
        if let Some(Ok(regex)) = built {
            return Some((regex, node.span()));
        }
        let message = format!("`{name}` input: invalid regular expression");
        self.error("input-regex", node.span(), message);
        None
    }

    fn check_default_regex(&mut self, spec: &InputSpec) {
        if let (Some(default), Some((regex, span))) = (&spec.default, &spec.regex)
            && default.as_str().is_some_and(|text| !regex.is_match(text))
        {
            let message = format!(
                "`{}` input: default value does not match required RegEx pattern",
                spec.name
            );
            let problem = Diagnostic::error("input-default", default.span(), message)
                .with_label(*span, "this pattern");
            self.diagnostics.push(problem);
        }
    }

    fn rules(&mut self, name: &str, mapping: &Mapping, of: InputType) -> Vec<InputRule> {
        let Some(entry) = mapping
            .entry("rules")
            .filter(|entry| !entry.value.is_null())
        else {
            return Vec::new();
        };
        for key in ["default", "options"] {
            if let Some(other) = mapping.entry(key) {
                self.error(
                    "input-rules",
                    other.key_span,
                    format!("spec:inputs:{name}: `{key}` and `rules` exclude each other"),
                );
            }
        }
        let items = entry.value.as_sequence().unwrap_or_default();
        if items.is_empty() {
            self.error(
                "input-rules",
                entry.value.span(),
                format!("spec:inputs:{name}: rules must be a list of mappings"),
            );
        }
        items
            .iter()
            .filter_map(|item| self.rule(name, item, of))
            .collect()
    }

    fn rule(&mut self, name: &str, node: &Node, of: InputType) -> Option<InputRule> {
        let what = format!("spec:inputs:{name}:rules");
        let mapping = self.mapping(node, &what)?;
        self.known_keys(mapping, &what, &["if", "options", "default"]);
        if !mapping.contains("default") {
            self.error(
                "input-rules",
                node.span(),
                format!("{what}: each rule needs a `default`"),
            );
        }
        let condition = match mapping.get("if").filter(|node| !node.is_null()) {
            None => None,
            Some(node) => Some((self.condition(&what, node)?, node.span())),
        };
        let options = self.options(name, mapping, of);
        let default = self.default(name, mapping, of, options.as_deref());
        Some(InputRule {
            condition,
            default,
            options,
        })
    }

    fn condition(&mut self, what: &str, node: &Node) -> Option<String> {
        let Some(text) = node.as_str() else {
            self.error(
                "input-rules",
                node.span(),
                format!("{what}: `if` must be an expression"),
            );
            return None;
        };
        let plain = super::bind::without_blocks(text);
        if let Err(error) = Expression::parse(&plain) {
            self.error("input-rules", node.span(), format!("{what}: {error}"));
            return None;
        }
        Some(text.to_owned())
    }

    fn error(&mut self, code: &'static str, span: Span, message: String) {
        self.diagnostics
            .push(Diagnostic::error(code, span, message));
    }
}
