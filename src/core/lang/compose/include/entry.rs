//! The shapes of `include`: what each entry asks for.

use crate::{
    diag::{Diagnostic, Diagnostics, Span, did_you_mean},
    lang::compose::inputs,
    yaml::{Mapping, Node},
};

/// One file, or several by a wildcard, that an `include` asks for.
#[derive(Clone, Debug)]
pub(super) struct Include {
    pub(super) target: Target,
    /// Where it is named.
    pub(super) span: Span,
    /// Given values, as written.
    pub(super) inputs: Vec<(String, Node)>,
    /// `rules`, as written.
    pub(super) rules: Option<Node>,
}

/// What is included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// A path in the repository, with its references and wildcards.
    Local(String),
    /// A template by its name.
    Template(String),
    /// A form that is checked and can't be fetched yet, in the words of the language.
    Foreign(&'static str),
}

/// The forms, the key that tells which one it is first.
const FORMS: [(&str, &[&str]); 6] = [
    ("local", &[]),
    ("template", &[]),
    ("project", &["file", "ref"]),
    ("remote", &["integrity", "cache"]),
    ("component", &[]),
    ("artifact", &["job"]),
];

/// Keys of every form.
const COMMON: [&str; 2] = ["inputs", "rules"];

/// Reads the value of `include`.
pub(super) fn parse(node: &Node, diagnostics: &mut Diagnostics) -> Vec<Include> {
    let mut parser = Parser { diagnostics };
    match node.as_sequence() {
        Some(items) => items.iter().filter_map(|item| parser.item(item)).collect(),
        None if node.is_null() => Vec::new(),
        None => parser.item(node).into_iter().collect(),
    }
}

struct Parser<'d> {
    diagnostics: &'d mut Diagnostics,
}

impl Parser<'_> {
    fn item(&mut self, node: &Node) -> Option<Include> {
        if let Some(text) = node.as_str() {
            let remote = text.starts_with("http://") || text.starts_with("https://");
            let target = if remote {
                self.remote(text, node.span())?
            } else {
                self.local(text, node.span())?
            };
            return Some(Include {
                target,
                span: node.span(),
                inputs: Vec::new(),
                rules: None,
            });
        }
        let Some(mapping) = node.as_mapping() else {
            let message = format!(
                "include takes a path, a mapping or a list of these, not {}",
                node.kind()
            );
            self.error("include-type", node.span(), message);
            return None;
        };
        self.mapping(mapping, node.span())
    }

    fn mapping(&mut self, mapping: &Mapping, span: Span) -> Option<Include> {
        let forms: Vec<_> = FORMS
            .iter()
            .filter(|(key, _)| mapping.contains(key))
            .collect();
        let [(form, own)] = forms[..] else {
            self.not_one_form(mapping, forms.len(), span);
            return None;
        };
        self.unknown_keys(mapping, form, own);
        let value = mapping.get(form)?;
        let inputs = self.inputs(mapping);
        let target = self.target(form, value, mapping)?;
        Some(Include {
            target,
            span: value.span(),
            inputs,
            rules: mapping
                .get("rules")
                .filter(|rules| !rules.is_null())
                .cloned(),
        })
    }

    fn not_one_form(&mut self, mapping: &Mapping, found: usize, span: Span) {
        let names = FORMS.map(|(name, _)| name).join(", ");
        let message = if found == 0 && mapping.contains("file") {
            "include: `file` needs its `project`".to_owned()
        } else if found == 0 {
            format!("include: one of {names} is needed")
        } else {
            format!("include: only one of {names} can stand in one entry")
        };
        let near = mapping
            .keys()
            .find_map(|key| did_you_mean(key, FORMS.map(|(name, _)| name)));
        let mut problem = Diagnostic::error("include-form", span, message);
        if found == 0 && mapping.contains("file") {
            problem = problem.with_help("add `project: group/name`, or write `local` for `file`");
        } else if let (0, Some(near)) = (found, near) {
            problem = problem.with_help(format!("did you mean `{near}`?"));
        }
        self.diagnostics.push(problem);
    }

    fn unknown_keys(&mut self, mapping: &Mapping, form: &str, own: &[&str]) {
        for (key, entry) in mapping.iter() {
            let known = [form].into_iter().chain(own.iter().copied()).chain(COMMON);
            if known.clone().any(|known| known == &**key) {
                continue;
            }
            let elsewhere = FORMS.iter().find(|(_, keys)| keys.contains(&&**key));
            let message = match elsewhere {
                Some((other, _)) => format!("include: `{key}` stands only beside `{other}`"),
                None => format!("include: unknown keyword `{key}`"),
            };
            let mut problem = Diagnostic::error("unknown-keyword", entry.key_span, message);
            if let (None, Some(near)) = (elsewhere, did_you_mean(key, known)) {
                problem = problem.with_help(format!("did you mean `{near}`?"));
            }
            self.diagnostics.push(problem);
        }
    }

    fn target(&mut self, form: &str, value: &Node, mapping: &Mapping) -> Option<Target> {
        let Some(text) = value.as_str().filter(|text| !text.is_empty()) else {
            let kind = match value.as_str() {
                Some(_) => "empty",
                None => value.kind(),
            };
            let message = format!("include:{form} must be a string, this is {kind}");
            self.error("include-type", value.span(), message);
            return None;
        };
        match form {
            "local" => self.local(text, value.span()),
            "template" => {
                self.extension(text, value.span())?;
                Some(Target::Template(text.to_owned()))
            }
            "project" => self.project(text, value.span(), mapping),
            "remote" => {
                self.remote_extras(mapping);
                self.remote(text, value.span())
            }
            "component" => self.component(text, value.span()),
            _ => {
                let message = "include:artifact is only possible in `trigger:include`".to_owned();
                self.error("include-artifact", value.span(), message);
                None
            }
        }
    }

    fn local(&mut self, text: &str, span: Span) -> Option<Target> {
        if text.is_empty() {
            self.error(
                "include-type",
                span,
                "include: the path is empty".to_owned(),
            );
            return None;
        }
        // The extension of a path with variables is known only once they are replaced.
        if !text.contains('$') {
            self.extension(text, span)?;
        }
        Some(Target::Local(text.to_owned()))
    }

    fn extension(&mut self, path: &str, span: Span) -> Option<()> {
        if has_yaml_extension(path) {
            return Some(());
        }
        self.diagnostics.push(no_yaml(path, span));
        None
    }

    fn project(&mut self, project: &str, span: Span, mapping: &Mapping) -> Option<Target> {
        if !is_project_path(project) {
            let message = format!("include:project `{project}` is no path of a project");
            self.diagnostics.push(
                Diagnostic::error("include-project", span, message)
                    .with_help("for example: group/project, without slashes at the ends"),
            );
            return None;
        }
        let Some(file) = mapping.get("file").filter(|file| !file.is_null()) else {
            let message = "include:project needs `file`".to_owned();
            self.error("include-project", span, message);
            return None;
        };
        let files = file.as_sequence().unwrap_or(std::slice::from_ref(file));
        if files.is_empty() {
            let message = "include:file is an empty list".to_owned();
            self.error("include-type", file.span(), message);
        }
        for file in files {
            match file.as_str() {
                Some(path) if path.contains('$') => {}
                Some(path) => {
                    self.extension(path, file.span());
                }
                None => {
                    let message = format!("include:file takes paths, not {}", file.kind());
                    self.error("include-type", file.span(), message);
                }
            }
        }
        if let Some(reference) = mapping.get("ref")
            && reference.as_str().is_none()
        {
            let message = format!("include:ref must be a string, this is {}", reference.kind());
            self.error("include-type", reference.span(), message);
        }
        Some(Target::Foreign("include:project"))
    }

    fn remote(&mut self, url: &str, span: Span) -> Option<Target> {
        let legal = ["http://", "https://"].iter().any(|scheme| {
            url.strip_prefix(scheme)
                .is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'))
        });
        if !legal && !url.contains('$') {
            let message = format!("include:remote `{url}` is no address");
            self.diagnostics.push(
                Diagnostic::error("include-remote", span, message)
                    .with_help("it must begin with https:// or http://"),
            );
            return None;
        }
        let path = url.split(['?', '#']).next().unwrap_or(url);
        if !url.contains('$') {
            self.extension(path, span)?;
        }
        Some(Target::Foreign("include:remote"))
    }

    fn remote_extras(&mut self, mapping: &Mapping) {
        if let Some(node) = mapping.get("integrity") {
            let digest = node.as_str().and_then(|text| text.strip_prefix("sha256-"));
            if digest.is_none_or(|digest| digest.len() != 44 || !digest.ends_with('=')) {
                let message = "include:integrity must be sha256- and 32 bytes in Base64".to_owned();
                self.diagnostics.push(
                    Diagnostic::error("include-integrity", node.span(), message).with_help(
                        "print it with `openssl dgst -sha256 -binary FILE | openssl base64 -A`",
                    ),
                );
            }
        }
        if let Some(node) = mapping.get("cache")
            && node.as_bool().is_none()
            && node.as_str().is_none()
        {
            let message = format!(
                "include:cache must be a boolean or a duration, this is {}",
                node.kind()
            );
            self.diagnostics.push(
                Diagnostic::error("include-type", node.span(), message)
                    .with_help("write `true`, or a duration such as `2 hours`"),
            );
        }
    }

    fn component(&mut self, address: &str, span: Span) -> Option<Target> {
        let legal = address.rsplit_once('@').is_some_and(|(path, version)| {
            !version.is_empty()
                && path.split('/').count() >= 3
                && !path.split('/').any(str::is_empty)
        });
        if !legal && !address.contains('$') {
            let message = format!("include:component `{address}` is no address of a component");
            self.diagnostics.push(
                Diagnostic::error("include-component", span, message)
                    .with_help("for example: $CI_SERVER_FQDN/group/project/component@1.0"),
            );
            return None;
        }
        Some(Target::Foreign("include:component"))
    }

    fn inputs(&mut self, mapping: &Mapping) -> Vec<(String, Node)> {
        let Some(node) = mapping.get("inputs").filter(|node| !node.is_null()) else {
            return Vec::new();
        };
        let Some(given) = node.as_mapping() else {
            let message = format!("include:inputs must be a mapping, this is {}", node.kind());
            self.diagnostics.push(
                Diagnostic::error("include-type", node.span(), message)
                    .with_help("write `name: value` lines below it"),
            );
            return Vec::new();
        };
        for (name, entry) in given.iter().filter(|(name, _)| !inputs::is_name(name)) {
            let message = format!("include:inputs: `{name}` is no name of an input");
            self.error("input-name", entry.key_span, message);
        }
        given
            .iter()
            .filter(|(name, _)| inputs::is_name(name))
            .map(|(name, entry)| (name.to_string(), entry.value.clone()))
            .collect()
    }

    fn error(&mut self, code: &'static str, span: Span, message: String) {
        self.diagnostics
            .push(Diagnostic::error(code, span, message));
    }
}

/// `.yml` or `.yaml`, in any case.
pub(super) fn has_yaml_extension(path: &str) -> bool {
    let extension = path
        .rsplit('/')
        .next()
        .and_then(|name| name.rsplit_once('.'));
    extension.is_some_and(|(_, extension)| {
        extension.eq_ignore_ascii_case("yml") || extension.eq_ignore_ascii_case("yaml")
    })
}

/// What is said of a file with another extension.
pub(super) fn no_yaml(path: &str, span: Span) -> Diagnostic {
    let message = format!("included file `{path}` does not have YAML extension");
    Diagnostic::error("include-extension", span, message)
        .with_help("names of included files end in .yml or .yaml")
}

fn is_project_path(text: &str) -> bool {
    text.contains('$') || (text.contains('/') && !text.split('/').any(str::is_empty))
}
