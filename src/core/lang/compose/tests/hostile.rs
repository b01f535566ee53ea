//! Input that means no good: bounded in time and memory, an error, never a panic.

use std::fmt::Write;

use proptest::prelude::*;

use super::Repository;

/// Codes of all that is found in one file.
fn codes(text: &str) -> Vec<&'static str> {
    let composed = Repository::new(&[(".gitlab-ci.yml", text)]).compose();
    composed
        .diagnostics
        .iter()
        .map(|found| found.code)
        .collect()
}

fn codes_of_bytes(bytes: &[u8]) -> Vec<&'static str> {
    let mut repository = Repository::new(&[(".gitlab-ci.yml", "")]);
    let request = super::SourceRequest::Local(".gitlab-ci.yml".to_owned());
    repository.sources.insert(request, Some(bytes.to_vec()));
    let composed = repository.compose();
    composed
        .diagnostics
        .iter()
        .map(|found| found.code)
        .collect()
}

#[test]
fn aliases_of_aliases_end_at_a_budget() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let _ = writeln!(
            text,
            "a{level}: &a{level} [{}]",
            format!("*a{}, ", level - 1).repeat(10)
        );
    }
    assert_eq!(codes(&text), ["yaml-too-many-aliases"]);
}

#[test]
fn references_of_references_end_at_a_budget() {
    let mut text = ".r0: {k: [x, x, x, x, x, x, x, x, x, x]}\n".to_owned();
    for level in 1..10 {
        let item = format!("!reference [.r{}, k], ", level - 1);
        let _ = writeln!(text, ".r{level}: {{k: [{}]}}", item.repeat(10));
    }
    text.push_str("j: {script: !reference [.r9, k]}\n");
    assert_eq!(codes(&text), ["reference-too-large"]);
}

#[test]
fn a_huge_base_of_many_jobs_ends_at_a_budget() {
    let mut text = format!(".b: {{script: [{}]}}\n", "x, ".repeat(100_000));
    for job in 0..1_000 {
        let _ = writeln!(text, "j{job}: {{extends: .b}}");
    }
    assert_eq!(codes(&text), ["pipeline-too-large"]);
}

#[test]
fn interpolation_that_multiplies_ends_at_a_budget() {
    let long = "x".repeat(100_000);
    let blocks = "$[[ inputs.x ]]".repeat(9);
    let items = format!("  - a{blocks}\n").repeat(1_000);
    let text = format!("spec: {{inputs: {{x: {{default: {long}}}}}}}\n---\nj:\n  script:\n{items}");
    assert_eq!(codes(&text), ["interpolation-too-large"]);
    let text = format!(
        "spec: {{inputs: {{x: {{default: a}}}}}}\n---\nj:\n  script:\n{}",
        "  - $[[ inputs.x ]]\n".repeat(10_001)
    );
    assert_eq!(codes(&text), ["interpolation-too-many"]);
}

#[test]
fn deep_nesting_is_refused() {
    let table = [
        "[".repeat(100_000),
        format!("a: {}", "{a: ".repeat(50_000)),
        (0..2_000)
            .map(|depth| format!("{}a:\n", " ".repeat(depth)))
            .collect::<Vec<_>>()
            .concat(),
        "- ".repeat(50_000),
        format!("a: {}x{}", "[".repeat(101), "]".repeat(101)),
    ];
    for text in table {
        let found = codes(&text);
        assert!(
            found.contains(&"yaml-too-deep"),
            "{found:?} {}",
            &text[..20]
        );
    }
    let fits = format!("a: {}x{}", "[".repeat(98), "]".repeat(98));
    assert_eq!(codes(&fits), Vec::<&str>::new());
}

#[test]
fn a_file_over_the_limit_is_refused_unread() {
    let huge = "a: b\n".repeat(2 * 1024 * 1024);
    assert_eq!(codes(&huge), ["yaml-too-large"]);
    assert_eq!(codes_of_bytes(&vec![0xff; 10 << 20]), ["yaml-too-large"]);
}

#[test]
fn encodings_and_line_ends() {
    let table: [(&[u8], &[&str]); 8] = [
        (b"\xEF\xBB\xBFj: {script: x}\n", &[]),
        (b"j:\r\n  script:\r\n    - x\r\n", &[]),
        (b"j:\r  script: x\r", &[]),
        (b"j: {script: \xff\xfe}\n", &["invalid-utf8"]),
        (
            b"\xff\xfej\0:\0",
            &["invalid-utf8", "yaml-control-character"],
        ),
        (b"j: {script: \"\x1b[0m\"}\n", &["yaml-control-character"]),
        (b"j:\n\tscript: x\n", &["yaml-tab"]),
        (b"j:\n  script: x\n  \tstage: y\n", &["yaml-tab"]),
    ];
    for (bytes, expected) in table {
        assert_eq!(
            codes_of_bytes(bytes),
            expected,
            "{}",
            String::from_utf8_lossy(bytes)
        );
    }
}

#[test]
fn many_errors_stay_bounded() {
    let text = (0..5_000)
        .map(|job| format!("j{job}: {{extends: .none}}\n"))
        .collect::<Vec<_>>()
        .concat();
    let composed = Repository::new(&[(".gitlab-ci.yml", &text)]).compose();
    assert_eq!(composed.diagnostics.iter().count(), 1_000);
    assert_eq!(composed.diagnostics.dropped(), 4_000);
}

#[test]
fn a_chain_of_bases_does_not_grow_the_stack() {
    let text = (0..20_000)
        .map(|job| format!(".j{job}: {{extends: .j{}}}\n", job + 1))
        .collect::<Vec<_>>()
        .concat();
    assert!(codes(&text).contains(&"extends-too-deep"));
}

/// Fragments that the language reacts to, in any order and nesting.
fn fragment() -> impl Strategy<Value = String> {
    const FRAGMENTS: &[&str] = &[
        "a",
        "b",
        ":",
        ": ",
        "\n",
        "\n  ",
        "\n    ",
        "- ",
        "[",
        "]",
        "{",
        "}",
        ", ",
        "&a ",
        "*a ",
        "<<: ",
        "!reference ",
        "[.b, script]",
        ".b",
        "extends: ",
        "include: ",
        "a.yml",
        "spec:\n  inputs:\n    x:\n---\n",
        "$[[ inputs.x ]]",
        "$[[",
        "]]",
        "default: ",
        "script: ",
        "'",
        "\"",
        "#",
        "|\n",
        "\t",
        "\r",
        "é",
        "\u{378}",
        "\u{378}0__\u{379}",
        "~",
        "null",
        "---\n",
        "?",
        "%",
        "@",
        "!x ",
        "inherit: {default: false}",
        "rules: [{if: $A}]",
        "local: ",
        "job",
    ];
    proptest::collection::vec(proptest::sample::select(FRAGMENTS), 0..60)
        .prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        codes_of_bytes(&bytes);
    }

    #[test]
    fn arbitrary_fragments_never_panic(entry in fragment(), included in fragment()) {
        let files = [(".gitlab-ci.yml", entry.as_str()), ("a.yml", included.as_str())];
        let composed = Repository::new(&files).compose();
        for found in composed.diagnostics.iter() {
            for span in found.primary.iter().chain(found.labels.iter().map(|label| &label.span)) {
                let file = composed.sources.get(span.file).unwrap();
                prop_assert!(span.start <= span.end);
                prop_assert!(file.text.get(span.start as usize..span.end as usize).is_some(), "{found:?}");
            }
        }
    }
}
