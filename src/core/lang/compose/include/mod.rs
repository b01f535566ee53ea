//! `include`: which files, in which order, and their merge (pipeline-yaml section 4.1).

mod entry;
mod rules;
mod wildcard;

use entry::{Include, Target};
use rules::{Facts, Findings};

use super::{Composer, SourceRequest, inputs::Given, merge::merge_into};
use crate::{
    diag::{Diagnostic, Span, did_you_mean},
    yaml::{Mapping, Node},
};

/// Most files of one pipeline, nested and repeated ones counted each time.
const MAX_INCLUDES: usize = 150;

impl Composer<'_> {
    /// The content of a file with everything it includes merged under it. `None` if it can't be had: told, or asked for.
    pub(super) fn file(&mut self, request: &SourceRequest, given: &Given) -> Option<Mapping> {
        self.load(request, given.place)?;
        if self.leads_back(request, given) {
            return None;
        }
        let content = self.content(request, given)?;
        let Some(include) = content.get("include") else {
            return Some(content);
        };
        let includes = entry::parse(include, &mut self.diagnostics);
        self.chain.push((request.clone(), given.values.clone()));
        let mut merged = Mapping::new();
        for include in &includes {
            self.include(include, request, &mut merged);
        }
        self.chain.pop();
        let mut own = content;
        own.remove("include");
        merge_into(&mut merged, &own);
        Some(merged)
    }

    /// The same file with the same inputs on the way to itself would never end.
    fn leads_back(&mut self, request: &SourceRequest, given: &Given) -> bool {
        let at = self
            .chain
            .iter()
            .position(|(known, values)| known == request && *values == given.values);
        let (Some(at), Some(place)) = (at, given.place) else {
            return false;
        };
        let names = self.chain[at..].iter().map(|(known, _)| known.name());
        let names: Vec<&str> = names.chain([request.name()]).collect();
        let message = format!("circular include: {}", names.join(" → "));
        self.diagnostics
            .push(Diagnostic::error("include-cycle", place, message));
        self.complete = false;
        true
    }

    fn include(&mut self, include: &Include, from: &SourceRequest, merged: &mut Mapping) {
        if !self.wanted(include) {
            return;
        }
        for request in self.requests(include, from) {
            self.included += 1;
            if self.included > MAX_INCLUDES {
                self.too_many(include.span);
                return;
            }
            let given = Given {
                values: include.inputs.clone(),
                place: Some(include.span),
                untyped: false,
            };
            match self.file(&request, &given) {
                Some(content) => merge_into(merged, &content),
                None => self.complete = false,
            }
        }
    }

    fn wanted(&mut self, include: &Include) -> bool {
        let facts = Facts {
            context: self.context,
            variables: self.variables,
            sources: self.sources,
        };
        let findings = Findings {
            diagnostics: &mut self.diagnostics,
            lacking: &mut self.lacking,
        };
        include
            .rules
            .as_ref()
            .is_none_or(|rules| rules::included(rules, facts, findings))
    }

    fn too_many(&mut self, span: Span) {
        self.complete = false;
        if self.included == MAX_INCLUDES + 1 {
            let message = format!("more than {MAX_INCLUDES} files are included");
            self.diagnostics.push(
                Diagnostic::error("include-too-many", span, message)
                    .with_help("nested files count, and so does each use of the same file"),
            );
        }
    }

    /// The files that an entry asks for.
    fn requests(&mut self, include: &Include, from: &SourceRequest) -> Vec<SourceRequest> {
        match &include.target {
            Target::Foreign(what) => {
                self.complete = false;
                let message = format!("`{what}` is not supported yet");
                self.diagnostics.push(
                    Diagnostic::error("not-supported", include.span, message)
                        .with_help("copy the file into the repository and use `include:local`"),
                );
                Vec::new()
            }
            Target::Template(name) => vec![SourceRequest::Template(name.clone())],
            Target::Local(path) => self.local(path, include.span, from),
        }
    }

    fn local(&mut self, path: &str, span: Span, from: &SourceRequest) -> Vec<SourceRequest> {
        let fail = |composer: &mut Self, problem: Diagnostic| {
            composer.complete = false;
            composer.diagnostics.push(problem);
            Vec::new()
        };
        if matches!(from, SourceRequest::Template(_)) {
            let message = "a template can't include files of the repository";
            return fail(self, Diagnostic::error("include-context", span, message));
        }
        let expanded = self.variables.expand(path);
        let Some(clean) = normalized(&expanded) else {
            let message = format!("`{expanded}` is no path inside of the repository");
            return fail(self, Diagnostic::error("include-path", span, message));
        };
        if !entry::has_yaml_extension(&clean) {
            return fail(self, entry::no_yaml(&expanded, span));
        }
        if !clean.contains('*') {
            return vec![SourceRequest::Local(clean)];
        }
        let Some(files) = &self.context.files else {
            self.lacking.insert(SourceRequest::Files);
            return Vec::new();
        };
        let files = wildcard::matching(&clean, files);
        if files.is_empty() {
            let message = format!("no file matches `{clean}`");
            self.diagnostics
                .push(Diagnostic::warning("include-no-match", span, message));
        }
        files
            .into_iter()
            .map(|file| SourceRequest::Local(file.to_owned()))
            .collect()
    }

    /// What is said of a file that isn't there.
    pub(super) fn missing_file(&self, request: &SourceRequest, place: Option<Span>) -> Diagnostic {
        let name = request.name();
        let (message, near) = match request {
            SourceRequest::Local(_) => {
                let files = self.context.files.iter().flat_map(|files| files.iter());
                let files = files.map(String::as_str);
                let yaml = files.filter(|file| entry::has_yaml_extension(file));
                (
                    format!("local file `{name}` does not exist"),
                    did_you_mean(name, yaml),
                )
            }
            SourceRequest::Template(_) => (format!("template `{name}` does not exist"), None),
            SourceRequest::Changes(_) => (format!("there is no ref `{name}`"), None),
            SourceRequest::Files => (format!("{name} is not known"), None),
        };
        let diagnostic = match place {
            Some(place) => Diagnostic::error("include-missing", place, message),
            None => Diagnostic::without_place("file-missing", message),
        };
        match (near, request) {
            (Some(near), _) => diagnostic.with_help(format!("did you mean `{near}`?")),
            (None, SourceRequest::Template(_)) => diagnostic.with_help(
                "GitLab's own templates don't ship with Aqueduct: copy the file into the repository and use `include:local`",
            ),
            (None, SourceRequest::Local(_)) if place.is_some() => {
                diagnostic.with_help("the path starts at the root of the repository")
            }
            (None, _) => diagnostic,
        }
    }
}

/// Whether a value holds nothing to include.
pub(super) fn is_blank(node: &Node) -> bool {
    node.is_null() || node.as_mapping().is_some_and(Mapping::is_empty)
}

/// A path from the repository's root without `.`, and none that leaves it.
fn normalized(path: &str) -> Option<String> {
    let mut parts = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    (!parts.is_empty()).then(|| parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stay_inside() {
        let table = [
            ("/ci/a.yml", Some("ci/a.yml")),
            ("./a.yml", Some("a.yml")),
            ("ci/../a.yml", Some("a.yml")),
            ("../a.yml", None),
            ("/", None),
        ];
        for (path, expected) in table {
            assert_eq!(normalized(path).as_deref(), expected, "{path}");
        }
    }
}
