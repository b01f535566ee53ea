//! Whole logs: what they say is kept, whatever is in them and wherever they are cut.

use proptest::prelude::*;

use super::*;

const LAST: Limits = Limits {
    last: true,
    ..Limits::ALL
};

/// A log as its viewer has it.
fn whole(log: &[u8]) -> String {
    html(&render(Cursor::default(), log, LAST))
}

/// The text of HTML: tags gone, line numbers too, entities resolved.
fn text(html: &str) -> String {
    let mut text = String::new();
    for line in html.split_inclusive("</span></div>\n") {
        let body = line.split_once("class=\"x\">").map_or("", |(_, body)| body);
        let mut rest = body;
        while let Some(at) = rest.find('<') {
            text.push_str(&rest[..at]);
            rest = rest[at..].split_once('>').map_or("", |(_, rest)| rest);
        }
        text.push_str(rest.trim_end_matches('\n'));
        if line.ends_with('\n') {
            text.push('\n');
        }
    }
    let entities = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&amp;", "&"),
    ];
    entities
        .iter()
        .fold(text, |text, (entity, c)| text.replace(entity, c))
}

#[test]
fn a_log_of_our_runner() {
    let log = "Running on one\n\
        section_start:1700000000:prepare\r\x1b[0K\x1b[0K\x1b[36;1mFetching sources\x1b[0;m\n\
        HEAD is now at 0123abcd\n\
        section_end:1700000003:prepare\r\x1b[0Ksection_start:1700000003:step_script[collapsed=true]\r\x1b[0K\x1b[0K\x1b[36;1mRun\x1b[0;m\n\
        \x1b[32;1m$ make <all> & \"more\"\x1b[0;m\n\
        10 %\r50 %\r100 %\n\
        2024-05-22T12:43:46.962646Z 01O \x1b[38;5;208mstamped\x1b[0m\n\
        section_end:1700000070:step_script\r\x1b[0K\x1b[31;1mERROR: failed\x1b[0;m\n";
    insta::assert_snapshot!(whole(log.as_bytes()));
}

#[test]
fn nothing_of_a_log_becomes_markup() {
    let hostile = [
        "<script>alert(1)</script>\n",
        "\x1b]8;;javascript:alert(1)\x07link\x1b]8;;\x07\n",
        "section_start:1:x\r<img src=x onerror=alert(1)>\n",
        "section_start:1:<b>\rtext\n",
        "\x1b[31;\"><script>m\n",
        "2024-05-22T12:43:46\"><b>Z 01O x\n",
    ];
    for log in hostile {
        let html = whole(log.as_bytes());
        for markup in ["<script", "<img", "<b>", "javascript:"] {
            assert!(!html.contains(markup), "{log:?} → {html}");
        }
    }
    assert!(whole(hostile[1].as_bytes()).contains("link"));
}

#[test]
fn a_line_of_any_length_is_shown_in_rows() {
    let line = "é".repeat(40_000);
    let log = format!("a\n{line}\nb");
    let html = whole(log.as_bytes());
    assert_eq!(
        text(&html),
        log.clone().replace(&line, &split(&line)) + "\n"
    );
    assert!(html.contains("id=\"L2\"") && html.contains("id=\"L3\">"));
    assert_eq!(html.matches("<span class=\"n\"></span>").count(), 4);
    let coloured = format!("{}\x1b[31mred\n", "x".repeat(ROW_LIMIT - 3));
    let html = whole(coloured.as_bytes());
    assert!(html.contains("<span class=\"f1\">red</span>"), "{html}");
}

/// Where rows break: every 16 KiB, back to a character's beginning.
fn split(line: &str) -> String {
    let mut rest = line;
    let mut rows = Vec::new();
    while rest.len() >= ROW_LIMIT {
        let mut at = ROW_LIMIT - 1;
        while !rest.is_char_boundary(at) {
            at -= 1;
        }
        rows.push(&rest[..at]);
        rest = &rest[at..];
    }
    rows.push(rest);
    rows.join("\n")
}

#[test]
fn sections_of_earlier_parts_go_on() {
    let log = b"section_start:1:outer\rOuter\nsection_start:2:inner\rInner\none\ntwo\nsection_end:9:outer\rafter\n";
    let first = render(
        Cursor::default(),
        log,
        Limits {
            rows: 3,
            ..Limits::ALL
        },
    );
    assert_eq!(first.to.sections.len(), 2);
    assert_eq!(html(&first).matches("data-open").count(), 2);
    let rest = &log[first.to.offset as usize..];
    let second = render(first.to, rest, Limits::ALL);
    insta::assert_snapshot!(html(&second));
    assert_eq!(second.to.sections, []);
}

/// Reads a log in pieces into an index.
fn indexed(log: &[u8], piece: usize) -> Index {
    let mut index = Index::default();
    let mut read = 0;
    while read < log.len() {
        read = log.len().min(read + piece);
        let from = index.end().offset as usize;
        index.feed(&log[from..read]);
    }
    index
}

#[test]
fn an_index_finds_every_line_of_a_long_log() {
    let mut log = String::new();
    for number in 1..=25_000 {
        let line = match number % 1000 {
            7 => format!("\x1b[{}mline {number}\n", 30 + number % 8),
            9 => format!("section_start:1:s{number}\rline {number}\n"),
            10 => format!("section_end:2:s{}\rline {number}\n", number - 1),
            _ => format!("line {number}\n"),
        };
        log.push_str(&line);
    }
    let index = indexed(log.as_bytes(), 70_000);
    assert_eq!(index.end().lines, 25_000);
    for line in [1, 2, 999, 1000, 1001, 7008, 17_010, 24_999, 25_000] {
        let place = index.before_line(line);
        assert!(line - 1 - place.lines <= 1000, "{line}: {place:?}");
        let mut cursor = place.clone();
        let rest = &log.as_bytes()[place.offset as usize..];
        cursor.skip(
            rest,
            Limits {
                until: line - 1,
                ..Limits::ALL
            },
        );
        let row = &log.as_bytes()[cursor.offset as usize..];
        let one = Limits {
            rows: 1,
            ..Limits::ALL
        };
        let shown = html(&render(cursor.clone(), row, one));
        assert!(shown.contains(&format!("line {line}<")), "{line}: {shown}");
        // The same state as by reading all that is before it.
        let mut straight = Cursor::default();
        straight.skip(&log.as_bytes()[..cursor.offset as usize], Limits::ALL);
        assert_eq!(cursor, straight);
    }
    assert_eq!(index.before_offset(0), Cursor::default());
    assert_eq!(index.before_line(99_999), *index.end());
}

/// What logs are made of.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let known = [
        "\n",
        "\r\n",
        "\r",
        "\x1b[31m",
        "\x1b[0m",
        "\x1b[",
        "\x1b]0;t\x07",
        "\x1b",
        "<b>&",
        "é",
        "\t",
        "section_start:1:a\r",
        "section_end:2:a\r",
        "section_start:1:b[collapsed=true]\r",
        "section_",
        "2024-05-22T12:43:46Z 01O ",
    ];
    prop_oneof![
        proptest::sample::select(known.to_vec()).prop_map(|text| text.as_bytes().to_vec()),
        "[a-z <>&\"']{0,12}".prop_map(String::into_bytes),
        proptest::collection::vec(any::<u8>(), 0..8),
        (1_usize..40_000).prop_map(|length| vec![b'x'; length]),
    ]
}

fn logs() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(piece(), 0..60).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn plain_text_is_kept(lines in proptest::collection::vec("[ -~à-ü\t]{0,40}", 1..20)) {
        let log = lines.join("\n") + "\n";
        prop_assume!(!log.contains("section_"));
        prop_assert_eq!(text(&whole(log.as_bytes())), log);
    }

    #[test]
    fn pieces_show_what_the_whole_shows(log in logs(), cut in 1_usize..50) {
        let whole = render(Cursor::default(), &log, LAST);
        let mut ops = Vec::new();
        let mut at = Cursor::default();
        while (at.offset as usize) < log.len() {
            let limits = Limits { rows: cut, ..LAST };
            let part = render(at.clone(), &log[at.offset as usize..], limits);
            prop_assert!(part.to.offset > at.offset);
            ops.extend(part.ops);
            at = part.to;
        }
        prop_assert_eq!(&ops, &whole.ops);
        prop_assert_eq!(at, whole.to);
    }

    #[test]
    fn an_index_says_the_same_however_the_log_came(log in logs(), piece in 1_usize..100_000) {
        let one = indexed(&log, log.len().max(1));
        let many = indexed(&log, piece);
        prop_assert_eq!(one.end(), many.end());
        let mut straight = Cursor::default();
        straight.skip(&log, Limits::ALL);
        prop_assert_eq!(one.end(), &straight);
    }

    #[test]
    fn every_log_is_wellformed(log in logs()) {
        let html = whole(&log);
        for (open, close) in [("<details", "</details>"), ("<div", "</div>"), ("<span", "</span>")] {
            prop_assert_eq!(html.matches(open).count(), html.matches(close).count());
        }
        prop_assert!(!html.contains("<b>"));
    }
}
