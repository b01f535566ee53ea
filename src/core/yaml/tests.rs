//! What the reader makes of YAML, good and bad.

use super::{Limits, Node, Read, Value, read};
use crate::diag::{FileId, SourceFile};

fn read_text(text: &str) -> Read {
    read(FileId(0), text, Limits::LANGUAGE)
}

/// Documents in a compact notation, then the diagnostics with their places.
fn show(text: &str) -> String {
    let read = read_text(text);
    let file = SourceFile::new("f", text);
    let mut out = Vec::new();
    for document in &read.documents {
        out.push(compact(document));
    }
    for found in read.diagnostics.iter() {
        let at = found.primary.map(|span| file.position(span.start));
        let at = at.map_or_else(String::new, |at| format!("{}:{}", at.line, at.column));
        out.push(format!(
            "{:?} {at} {}: {}",
            found.severity, found.code, found.message
        ));
        for label in &found.labels {
            let at = file.position(label.span.start);
            out.push(format!("  {}:{} {}", at.line, at.column, label.message));
        }
        out.extend(found.help.iter().map(|help| format!("  help: {help}")));
    }
    out.join("\n")
}

fn compact(node: &Node) -> String {
    match node.value() {
        Value::Sequence(items) => format!("[{}]", list(items)),
        Value::Reference(items) => format!("!ref[{}]", list(items)),
        Value::Mapping(mapping) => {
            let entries = mapping
                .iter()
                .map(|(key, entry)| format!("{key}: {}", compact(&entry.value)));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
        }
        Value::String(text) => format!("{text:?}"),
        Value::Null => "null".into(),
        _ => node.to_text().unwrap_or_default().into_owned(),
    }
}

fn list(items: &[Node]) -> String {
    items.iter().map(compact).collect::<Vec<_>>().join(", ")
}

#[test]
fn trees() {
    let table: &[(&str, &str)] = &[
        ("", ""),
        ("# only a comment\n", ""),
        ("a:", "{a: null}"),
        ("a: 1\r\nb: [x, 'y']\r\n", r#"{a: 1, b: ["x", "y"]}"#),
        ("a: |\n  one\n  two\n", r#"{a: "one\ntwo\n"}"#),
        ("a: |\n  one", r#"{a: "one"}"#),
        ("a: >-\n  one\n  two\n", r#"{a: "one two"}"#),
        ("on: push\n1: x\n~: y", r#"{true: "push", 1: "x", : "y"}"#),
        (
            "a: !!str 1\nb: !!int '2'\nc: ! 3",
            r#"{a: "1", b: 2, c: "3"}"#,
        ),
        ("a: !reference [.x, script]", r#"{a: !ref[".x", "script"]}"#),
        ("a: 1\n---\nb: 2\n...\n", "{a: 1}\n{b: 2}"),
        ("a: &x {k: 1}\nb: *x\n", "{a: {k: 1}, b: {k: 1}}"),
    ];
    for (text, expected) in table {
        assert_eq!(show(text), *expected, "{text:?}");
    }
}

#[test]
fn merge_keys() {
    let anchors = "x: &x {k: 1, l: 1}\ny: &y {k: 2, m: 2}\n";
    let table: &[(&str, &str)] = &[
        ("z: {<<: *x, l: 3}", "{k: 1, l: 3}"),
        ("z: {<<: [*x, *y]}", "{k: 1, m: 2, l: 1}"),
        ("z: {<<: *x, <<: *y}", "{k: 2, l: 1, m: 2}"),
        ("z: {<<: {n: {o: 1}}, n: {p: 1}}", "{n: {p: 1}}"),
        ("z: {'<<': *x}", "{<<: {k: 1, l: 1}}"),
    ];
    for (text, expected) in table {
        let read = read_text(&format!("{anchors}{text}"));
        assert_eq!(read.diagnostics.iter().count(), 0, "{text}");
        assert_eq!(
            compact(read.documents[0].get("z").unwrap()),
            *expected,
            "{text}"
        );
    }
}

#[test]
fn a_merge_key_below_a_key_overrides_it_as_in_ruby() {
    insta::assert_snapshot!(show("x: &x {k: 1}\nz:\n  k: 2\n  <<: *x\n"), @r"
    {x: {k: 1}, z: {k: 1}}
    Warning 3:3 yaml-merge-overrides: key `k` is overridden by the merge key below it
      4:3 merged here
      help: as in Ruby's YAML the later one wins; put `<<` above the keys that are to win
    ");
}

#[test]
fn mistakes_are_explained() {
    let table = [
        "job:\n\tscript: x\n",
        "a: b: c\n",
        "job:\n  script:\n    - echo 'a': b: c\n",
        "a: @b\n",
        "a: %b\n",
        "a: `b`\n",
        "a: *.js\n",
        "a: &x 1\nb: *xx\nc: *y\n",
        "a: [1, 2\nb: 3\n",
        "a: 'open\nb: 1\n",
        "a: [1}\n",
        "a: \"x\" y\n",
        "job:\n  a: 1\n b: 2\n",
        "a: 1\na: 2\n",
        "a: !ref [x]\nb: !foo y\nc: !reference x\n",
        "a: 2026-01-01\n",
        "? [a]\n: 1\n",
        "a: {<<: 1}\n",
        "a: &x [*x]\n",
        "a: \0\n",
        "a: - b\n",
        "- a\nb: c\n",
        "a: 'x\\y'\nb: \"x\\y\"\n",
    ];
    let shown = table.map(|text| format!("{text}=>\n{}\n", show(text)));
    insta::assert_snapshot!(shown.join("\n"));
}

#[test]
fn one_syntax_error_does_not_hide_the_next() {
    let text = "a: &x {k: 1}\nbad: x: y\nb: *x\nworse: [1, 2\nc: 3\nlast: @\n";
    insta::assert_snapshot!(show(text), @r#"
    {a: {k: 1}, bad: "x", b: {k: 1}}
    Error 2:7 yaml-colon: `: ` in an unquoted value: YAML reads it as another key
      help: quote the value, or use a block: `|` and the text below it
    Error 4:8 yaml-open-bracket: this `[` is never closed
      help: put the whole text in quotes if it holds brackets of its own
    Error 6:7 yaml-reserved-character: a value can't begin with `@` unless it is quoted
      help: write it in quotes: "@…"
    "#);
}
