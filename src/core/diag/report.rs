//! Diagnostics as `lint --json` and `plan --json` print them (design section 11).

use serde::{Deserialize, Serialize};

use super::{Diagnostic, Diagnostics, Severity, SourceMap};

/// The object of `lint --json`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LintReport {
    /// Whether a pipeline could be made of it: no errors.
    pub valid: bool,
    /// What forbids it, in the order of files and lines.
    pub errors: Vec<ReportItem>,
    /// What may not be meant, in the same order.
    pub warnings: Vec<ReportItem>,
}

/// One diagnostic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportItem {
    /// Stable, kebab-case.
    pub code: String,
    /// What is wrong.
    pub message: String,
    /// The file; null where none can be named.
    pub file: Option<String>,
    /// From 1.
    pub line: Option<u32>,
    /// From 1, in characters.
    pub column: Option<u32>,
    /// The way out.
    pub help: Option<String>,
}

impl LintReport {
    /// Looks up the places of all diagnostics.
    pub fn new(diagnostics: &Diagnostics, sources: &SourceMap) -> Self {
        let mut sorted: Vec<&Diagnostic> = diagnostics.iter().collect();
        sorted.sort_by_key(|diagnostic| diagnostic.primary);
        let of = |severity: Severity| {
            sorted
                .iter()
                .filter(|diagnostic| diagnostic.severity == severity)
                .map(|diagnostic| ReportItem::new(diagnostic, sources))
                .collect()
        };
        Self {
            valid: !diagnostics.has_errors(),
            errors: of(Severity::Error),
            warnings: of(Severity::Warning),
        }
    }
}

impl ReportItem {
    fn new(diagnostic: &Diagnostic, sources: &SourceMap) -> Self {
        let place = diagnostic.primary.and_then(|span| sources.locate(span));
        Self {
            code: diagnostic.code.to_owned(),
            message: diagnostic.message.clone(),
            file: place.map(|(file, _)| file.to_owned()),
            line: place.map(|(_, at)| at.line),
            column: place.map(|(_, at)| at.column),
            help: diagnostic.help.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::{SourceFile, Span};

    #[test]
    fn places_are_lines_and_characters_from_one() {
        let mut sources = SourceMap::default();
        let file = sources.add(SourceFile::new("ci/a.yml", "x: 1\n\u{e9}\u{e9}: wrong\n"));
        let mut diagnostics = Diagnostics::new();
        let span = Span {
            file,
            start: 11,
            end: 16,
        };
        diagnostics.push(Diagnostic::warning("odd", Span { start: 3, ..span }, "odd"));
        diagnostics.push(Diagnostic::error("bad", span, "bad").with_help("mend it"));
        diagnostics.push(Diagnostic::without_place("gone", "no such file"));
        insta::assert_json_snapshot!(LintReport::new(&diagnostics, &sources));
    }
}
