//! `include:rules`: whether a file is included at all.

use std::collections::BTreeSet;

use crate::{
    diag::{Diagnostic, Diagnostics, Span, did_you_mean},
    lang::{
        compose::{SourceRequest, Sources, variables::Variables},
        context::Context,
        expr::Expression,
        glob::Glob,
    },
    yaml::{Mapping, Node},
};

/// Most patterns of one `changes` or `exists`.
const MAX_PATTERNS: usize = 50;

/// Most rules × files comparisons; beyond them a rule holds.
const MAX_CHECKS: usize = 50_000;

/// What rules look at.
#[derive(Clone, Copy)]
pub(super) struct Facts<'a> {
    pub(super) context: &'a Context,
    pub(super) variables: &'a Variables,
    pub(super) sources: &'a Sources,
}

/// What evaluating them brings up.
pub(super) struct Findings<'a> {
    pub(super) diagnostics: &'a mut Diagnostics,
    pub(super) lacking: &'a mut BTreeSet<SourceRequest>,
}

/// The first rule that holds decides; if none does the file stays out. Broken rules are told and keep it out.
pub(super) fn included(rules: &Node, facts: Facts<'_>, findings: Findings<'_>) -> bool {
    let mut evaluation = Evaluation { facts, findings };
    let Some(items) = rules.as_sequence() else {
        evaluation.error(
            "include-rules",
            rules.span(),
            "include:rules must be a list",
        );
        return false;
    };
    let flat = flatten(items);
    if flat.is_empty() {
        evaluation.error("include-rules", rules.span(), "include:rules is empty");
        return false;
    }
    // All of them are checked, also behind the one that decides.
    let outcomes: Vec<Option<bool>> = flat.iter().map(|rule| evaluation.rule(rule)).collect();
    outcomes.into_iter().flatten().next().unwrap_or(false)
}

fn flatten(items: &[Node]) -> Vec<&Node> {
    items
        .iter()
        .flat_map(|item| match item.as_sequence() {
            Some(inner) => flatten(inner),
            None => vec![item],
        })
        .collect()
}

struct Evaluation<'a> {
    facts: Facts<'a>,
    findings: Findings<'a>,
}

impl Evaluation<'_> {
    /// `None` if the rule doesn't hold, else whether it includes.
    fn rule(&mut self, node: &Node) -> Option<bool> {
        let Some(rule) = node.as_mapping() else {
            let message = format!("a rule must be a mapping, this is {}", node.kind());
            self.error("include-rules", node.span(), &message);
            return None;
        };
        self.known_keys(rule);
        let include = self.when(rule);
        let condition = self.condition(rule);
        let changes = self.changes(rule);
        let exists = self.exists(rule);
        (condition && changes && exists).then_some(include)
    }

    fn known_keys(&mut self, rule: &Mapping) {
        let known = ["if", "changes", "exists", "when"];
        for (key, entry) in rule.iter().filter(|(key, _)| !known.contains(&&***key)) {
            let message = format!("include:rules: unknown keyword `{key}`");
            let help = did_you_mean(key, known).map_or_else(
                || format!("known keys: {}", known.join(", ")),
                |near| format!("did you mean `{near}`?"),
            );
            self.findings.diagnostics.push(
                Diagnostic::error("unknown-keyword", entry.key_span, message).with_help(help),
            );
        }
    }

    fn when(&mut self, rule: &Mapping) -> bool {
        let Some(node) = rule.get("when").filter(|node| !node.is_null()) else {
            return true;
        };
        match node.as_str() {
            Some("never") => false,
            Some("always") => true,
            _ => {
                self.error(
                    "include-rules",
                    node.span(),
                    "include:rules:when must be always or never",
                );
                false
            }
        }
    }

    fn condition(&mut self, rule: &Mapping) -> bool {
        let Some(node) = rule.get("if").filter(|node| !node.is_null()) else {
            return true;
        };
        let parsed = match node.as_str() {
            Some(text) => Expression::parse(text).map_err(|error| error.to_string()),
            None => Err(format!("`if` must be a string, this is {}", node.kind())),
        };
        match parsed {
            Ok(expression) => expression.is_true(self.facts.variables),
            Err(error) => {
                let message = format!("include:rules:if {error}");
                self.error("expression", node.span(), &message);
                false
            }
        }
    }

    fn changes(&mut self, rule: &Mapping) -> bool {
        let Some(node) = rule.get("changes").filter(|node| !node.is_null()) else {
            return true;
        };
        let (paths, base) = match node.as_mapping() {
            Some(mapping) => (mapping.get("paths"), mapping.get("compare_to")),
            None => (Some(node), None),
        };
        let Some(globs) = self.patterns("changes", paths, node.span()) else {
            return false;
        };
        let context = self.facts.context;
        let base = base.and_then(Node::as_str);
        let changed = match base {
            None => context.changes.as_ref(),
            Some(base) => {
                let base = self.facts.variables.expand(base);
                let found = context.compare_to.get(&base);
                if found.is_none() {
                    let request = SourceRequest::Changes(base.clone());
                    if !self.facts.sources.knows(&request) {
                        self.findings.lacking.insert(request);
                        return false;
                    }
                    let message = format!("include:rules:changes: no such ref `{base}`");
                    self.error("compare-to", node.span(), &message);
                    return false;
                }
                found
            }
        };
        let Some(changed) = changed else {
            return true;
        };
        globs.len().saturating_mul(changed.len()) > MAX_CHECKS
            || globs
                .iter()
                .any(|glob| changed.iter().any(|path| glob.is_match(path)))
    }

    fn exists(&mut self, rule: &Mapping) -> bool {
        let Some(node) = rule.get("exists").filter(|node| !node.is_null()) else {
            return true;
        };
        let paths = match node.as_mapping() {
            Some(mapping) => {
                if let Some(project) = mapping.entry("project") {
                    let problem = Diagnostic::error(
                        "not-supported",
                        project.key_span,
                        "`exists:project` is not supported yet",
                    )
                    .with_help("look for files of this repository, or for a variable in `if`");
                    self.findings.diagnostics.push(problem);
                }
                mapping.get("paths")
            }
            None => Some(node),
        };
        let Some(globs) = self.patterns("exists", paths, node.span()) else {
            return false;
        };
        let Some(files) = &self.facts.context.files else {
            self.findings.lacking.insert(SourceRequest::Files);
            return false;
        };
        globs.len().saturating_mul(files.len()) > MAX_CHECKS
            || globs.iter().any(|glob| glob.matches_any(files))
    }

    fn patterns(&mut self, key: &str, node: Option<&Node>, span: Span) -> Option<Vec<Glob>> {
        let items = match node {
            Some(node) => node.as_sequence().or_else(|| {
                // A single pattern may stand without its list in `exists`.
                node.as_str().map(|_| std::slice::from_ref(node))
            }),
            None => None,
        };
        let Some(items) = items.filter(|items| items.len() <= MAX_PATTERNS) else {
            let message =
                format!("include:rules:{key} must be a list of at most {MAX_PATTERNS} patterns");
            self.error("include-rules", span, &message);
            return None;
        };
        let mut globs = Vec::with_capacity(items.len());
        for item in items {
            let glob = item.as_str().map(|text| {
                let text = self.facts.variables.expand(text);
                Glob::new(text.trim_start_matches("./"))
            });
            let Some(Ok(glob)) = glob else {
                let message = format!("include:rules:{key}: this is no pattern of paths");
                self.error("include-rules", item.span(), &message);
                return None;
            };
            globs.push(glob);
        }
        Some(globs)
    }

    fn error(&mut self, code: &'static str, span: Span, message: &str) {
        self.findings
            .diagnostics
            .push(Diagnostic::error(code, span, message));
    }
}
