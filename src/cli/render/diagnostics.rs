//! Draws diagnostics for a person: the place, the text, the way out.

use std::collections::BTreeMap;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use aqueduct_core::diag::{Diagnostic, FileId, Severity, SourceFile, SourceMap, Span};

/// Lines shown around a place.
const CONTEXT_LINES: usize = 1;
/// A terminal can't show more of one line than this, and a hostile file may have lines of megabytes.
const MAX_EXCERPT: usize = 64 * 1024;

/// All diagnostics, one after the other, with an empty line between.
pub(crate) fn render<'a>(
    diagnostics: impl Iterator<Item = &'a Diagnostic>,
    sources: &'a SourceMap,
    color: bool,
) -> String {
    let renderer = if color {
        Renderer::styled()
    } else {
        Renderer::plain()
    };
    diagnostics
        .map(|diagnostic| {
            let parts = report(diagnostic, sources);
            // One by one: the renderer draws a margin between them.
            let parts = parts.iter().map(std::slice::from_ref);
            parts
                .map(|part| renderer.render(part))
                .collect::<Vec<_>>()
                .join("\n")
        })
        .collect::<Vec<_>>()
        .join("\n\n")
}

fn report<'a>(diagnostic: &'a Diagnostic, sources: &'a SourceMap) -> Vec<Group<'a>> {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let mut group = Group::with_title(
        level
            .primary_title(diagnostic.message.as_str())
            .id(diagnostic.code),
    );
    let mut placed = false;
    for (file, places) in by_file(diagnostic) {
        if let Some(source) = sources.get(file) {
            placed = true;
            group = match excerpts(source, &places) {
                Some(excerpt) => group.element(excerpt),
                None => group.element(origin(source, &places)),
            };
        }
    }
    match &diagnostic.help {
        None => vec![group],
        Some(help) if placed => vec![group.element(Level::HELP.message(help.as_str()))],
        Some(help) => {
            let help = Group::with_title(Level::HELP.secondary_title(help.as_str()));
            vec![group, help]
        }
    }
}

/// A place and what is said beside it; the first of a diagnostic is the primary one.
struct Place<'a> {
    span: Span,
    text: &'a str,
    primary: bool,
}

fn by_file(diagnostic: &Diagnostic) -> Vec<(FileId, Vec<Place<'_>>)> {
    let primary = diagnostic.primary.map(|span| Place {
        span,
        text: "",
        primary: true,
    });
    let labels = diagnostic.labels.iter().map(|label| Place {
        span: label.span,
        text: &label.message,
        primary: Some(label.span) == diagnostic.primary,
    });
    let mut files: BTreeMap<(bool, FileId), Vec<Place<'_>>> = BTreeMap::new();
    let first = diagnostic.primary.map(|span| span.file);
    for place in primary.into_iter().chain(labels) {
        let rest = Some(place.span.file) != first;
        files
            .entry((rest, place.span.file))
            .or_default()
            .push(place);
    }
    files
        .into_iter()
        .map(|((_, file), places)| (file, places))
        .collect()
}

/// The place without the text, for those so far behind the start of their line that what leads there can't be shown.
fn origin<'a>(source: &'a SourceFile, places: &[Place<'_>]) -> Origin<'a> {
    let at = source.position(places.first().map_or(0, |place| place.span.start));
    Origin::path(source.name.as_str())
        .line(at.line as usize)
        .char_column(at.column as usize)
}

/// The part of the file around the places, so that a large file costs no more than a small one; `None` where the first
/// of them lies outside of it.
fn excerpts<'a>(
    source: &'a SourceFile,
    places: &[Place<'a>],
) -> Option<Snippet<'a, annotate_snippets::Annotation<'a>>> {
    let text: &str = &source.text;
    let start = places
        .iter()
        .map(|place| place.span.start as usize)
        .min()?
        .min(text.len());
    let end = places
        .iter()
        .map(|place| place.span.end as usize)
        .max()?
        .clamp(start, text.len());
    // A long line above the place is left out rather than the place.
    let from = [CONTEXT_LINES, 0]
        .map(|above| line_start(text, start, above))
        .into_iter()
        .find(|from| start - from < MAX_EXCERPT)?;
    let to = line_end(text, end, CONTEXT_LINES).min(floor(text, from.saturating_add(MAX_EXCERPT)));
    let annotations = places.iter().map(|place| {
        let at = (place.span.start as usize).clamp(from, to);
        let until = (place.span.end as usize).clamp(at, to);
        let kind = if place.primary {
            AnnotationKind::Primary
        } else {
            AnnotationKind::Context
        };
        kind.span(floor(text, at) - from..floor(text, until) - from)
            .label((!place.text.is_empty()).then_some(place.text))
    });
    let line = source.position(from as u32).line as usize;
    Some(
        Snippet::source(text.get(from..to).unwrap_or(""))
            .path(source.name.as_str())
            .line_start(line)
            .annotations(annotations.collect::<Vec<_>>()),
    )
}

fn line_start(text: &str, at: usize, lines_above: usize) -> usize {
    let bytes = &text.as_bytes()[..at];
    let mut breaks = bytes.iter().rposition(|&byte| byte == b'\n');
    for _ in 0..lines_above {
        breaks = breaks.and_then(|end| bytes[..end].iter().rposition(|&byte| byte == b'\n'));
    }
    breaks.map_or(0, |end| end + 1)
}

fn line_end(text: &str, at: usize, lines_below: usize) -> usize {
    let mut end = at;
    for _ in 0..=lines_below {
        match text.as_bytes()[end..]
            .iter()
            .position(|&byte| byte == b'\n')
        {
            Some(offset) => end += offset + 1,
            None => return text.len(),
        }
    }
    end
}

/// The last character boundary at or before `at`.
fn floor(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(text: &str) -> SourceMap {
        let mut sources = SourceMap::default();
        sources.add(SourceFile::new(".gitlab-ci.yml", text));
        sources
    }

    fn span(start: u32, end: u32) -> Span {
        Span {
            file: FileId(0),
            start,
            end,
        }
    }

    #[test]
    fn shows_the_place_the_text_and_the_way_out() {
        let sources = map("stages: [build]\nbuild:\n  stgae: build\n  script: make\n");
        let diagnostic = Diagnostic::error(
            "unknown-keyword",
            span(25, 30),
            "jobs:build:stgae config contains unknown key",
        )
        .with_label(span(16, 21), "in this job")
        .with_help("did you mean `stage`?");
        insta::assert_snapshot!(render([diagnostic].iter(), &sources, false));
    }

    #[test]
    fn without_a_place_there_is_no_empty_margin() {
        let diagnostic = Diagnostic {
            primary: None,
            ..Diagnostic::warning("none", span(0, 0), "no pipeline").with_help("--branch")
        };
        let shown = render([diagnostic].iter(), &SourceMap::default(), false);
        assert_eq!(shown, "warning[none]: no pipeline\nhelp: --branch");
    }

    #[test]
    fn a_span_that_does_not_fit_is_shown_as_far_as_it_does() {
        let sources = map("a: é");
        let diagnostic = Diagnostic::warning("odd", span(4, 900), "odd");
        assert!(render([diagnostic].iter(), &sources, false).contains("odd"));
    }

    #[test]
    fn places_behind_much_text_are_the_true_ones() {
        let long = "y".repeat(2 * MAX_EXCERPT);
        for (text, place) in [
            (format!("a: {long}\nb: odd\n"), "2:4"),
            (format!("b: [é{long}, odd]\n"), "1:131080"),
        ] {
            let at = text.find("odd").unwrap() as u32;
            let sources = map(&text);
            let diagnostic = Diagnostic::error("odd", span(at, at + 3), "odd").with_help("even");
            let shown = render([diagnostic].iter(), &sources, false);
            assert!(
                shown.contains(&format!(".gitlab-ci.yml:{place}\n")),
                "{shown}"
            );
            assert!(shown.contains("help: even"), "{shown}");
        }
    }

    #[test]
    fn a_line_of_megabytes_is_cut() {
        let sources = map(&"x".repeat(5_000_000));
        let diagnostic = Diagnostic::error("long", span(10, 4_000_000), "long");
        assert!(render([diagnostic].iter(), &sources, false).len() < 4 * MAX_EXCERPT);
    }
}
