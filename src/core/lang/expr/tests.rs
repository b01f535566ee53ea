use proptest::prelude::*;

use super::*;

fn scope() -> BTreeMap<String, String> {
    [
        ("A", "a"),
        ("EMPTY", ""),
        ("BLANK", " \t"),
        ("FALSE", "false"),
        ("TAG", "v1.2.3"),
        ("PATH_LIKE", "feature/x"),
        ("RE", "/^V\\d+/i"),
        ("NOT_RE", "v1"),
        ("BAD_RE", "/(/"),
        ("ARABIC", "\u{0663}"),
        ("UMLAUT", "é"),
        ("LINES", "one\ntwo"),
        ("BRACES", "x{y}"),
    ]
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .into()
}

#[test]
fn truth_tables() {
    let table = [
        ("$A", true),
        ("$UNDEFINED", false),
        ("$EMPTY", false),
        ("$BLANK", false),
        ("$FALSE", true),
        ("\"\"", false),
        ("'x'", true),
        ("null", false),
        ("$UNDEFINED == null", true),
        ("$EMPTY == null", false),
        ("\"\" == null", false),
        ("null == null", true),
        ("$EMPTY == \"\"", true),
        ("$UNDEFINED == \"\"", false),
        ("$UNDEFINED != \"\"", true),
        ("$A != null", true),
        ("$A == 'a'", true),
        ("'a' == $A", true),
        ("\"a\"==\"a\"", true),
        ("$A == \"A\"", false),
        ("$A == $A && $EMPTY", false),
        ("$EMPTY || $A", true),
        ("$EMPTY && $A", false),
        // `&&` binds tighter than `||`, and the comparison tighter than both.
        ("$A || $A && $UNDEFINED", true),
        ("($A || $A) && $UNDEFINED", false),
        ("$A && $A == \"b\" || $A == \"a\"", true),
        ("$A == \"a\" || $A == \"b\" && $UNDEFINED", true),
        ("((($A)))", true),
        ("$TAG =~ /^v\\d+/", true),
        ("$TAG =~ /^V/", false),
        ("$TAG =~ /^V/i", true),
        ("$TAG !~ /^V/i", false),
        ("$PATH_LIKE =~ /^feature\\/.+$/", true),
        ("$PATH_LIKE =~ /./", true),
        ("$UNDEFINED =~ /^$/", true),
        ("$UNDEFINED !~ /x/", true),
        ("$A =~ $UNDEFINED", false),
        ("$A !~ $UNDEFINED", true),
        ("$TAG =~ $RE", true),
        ("$A =~ $RE", false),
        ("$A !~ $RE", true),
        ("$TAG =~ \"/^v/\"", true),
        // What fails while evaluating makes the whole expression false.
        ("$TAG =~ $NOT_RE", false),
        ("$TAG !~ $NOT_RE", false),
        ("$TAG =~ $BAD_RE || $A", false),
        ("$A || $TAG =~ $BAD_RE", true),
        // The classes are ASCII, a literal character is not.
        ("$ARABIC =~ /\\d/", false),
        ("$ARABIC =~ /^\\D$/", true),
        ("$UMLAUT =~ /\\w/", false),
        ("$UMLAUT =~ /^.$/", true),
        ("$UMLAUT =~ /^[^\\d\\s]$/", true),
        ("$UMLAUT =~ /\\bx/", false),
        ("$LINES =~ /one.two/", false),
        ("$LINES =~ /one.two/s", true),
        ("$LINES =~ /^two/", false),
        ("$LINES =~ /^two$/m", true),
        ("$BRACES =~ /x{y}/", true),
        ("$A =~ /^a{1,2}$/", true),
        ("$A =~ /[[a]/", true),
        ("$PATH_LIKE =~ /^[\\w-\\/]+$/", true),
        ("$A =~ /^[[:alpha:]]$/", true),
        ("$TAG =~ /\\Qv1.\\E2/", true),
        // Legal, and never equal.
        ("$A == /a/", false),
        ("$A == \"x\" == null", false),
    ];
    for (text, expected) in table {
        let expression = Expression::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(expression.is_true(&scope()), expected, "{text}");
    }
}

#[test]
fn errors_name_the_place() {
    let table = [
        "",
        "  ",
        "${A} == \"x\"",
        "%A% == \"x\"",
        "$A == \"x",
        "$A = \"x\"",
        "$A & $A",
        "!$A",
        "$A < 3",
        "$A == 3",
        "$A == x",
        "$A ==",
        "== $A",
        "$A $A",
        "($A",
        "$A)",
        "()",
        "$A =~ /x",
        "$A =~ //",
        "$A =~ /(/",
        "$A =~ /(?=x)/",
        "$",
        "$A == nullable",
        "$A == é",
    ];
    let report: Vec<String> = table
        .iter()
        .map(|text| {
            let error = Expression::parse(text).unwrap_err();
            let at = &text[error.range.clone()];
            format!(
                "{text:24} {:?} {at:?}: {error}{}",
                error.range,
                error
                    .help
                    .map(|help| format!(" ({help})"))
                    .unwrap_or_default()
            )
        })
        .collect();
    insta::assert_snapshot!(report.join("\n"));
}

#[test]
fn a_hundred_tokens_are_the_limit() {
    let of = |comparisons: usize| vec!["$A"; comparisons].join("||");
    assert!(Expression::parse(&of(50)).is_ok());
    let error = Expression::parse(&of(51)).unwrap_err();
    assert_eq!(error.message, "expression has more than 100 tokens");
    assert!(Expression::parse(&format!("{}$A{}", "(".repeat(49), ")".repeat(49))).is_ok());
    assert!(Expression::parse(&"(".repeat(100_000)).is_err());
}

#[test]
fn tells_what_it_reads() {
    let expression = Expression::parse("$A == $B || ($A =~ /x/ && $C == /y/)").unwrap();
    assert_eq!(expression.variables(), ["A", "B", "C"]);
    let compared = expression.compared_patterns();
    assert_eq!((compared.len(), compared[0].clone()), (1, 32..35));
}

proptest! {
    #[test]
    fn never_panics(text in "\\PC{0,60}") {
        if let Ok(expression) = Expression::parse(&text) {
            expression.is_true(&scope());
        }
    }

    #[test]
    fn never_panics_on_its_own_alphabet(
        parts in prop::collection::vec(
            prop::sample::select(vec![
                "$A", "$RE", "$BAD_RE", "null", "\"x\"", "/a/i", "/[/", "(", ")", "==", "!=", "=~", "!~", "&&", "||", " ",
            ]),
            0..30,
        )
    ) {
        let text = parts.concat();
        match Expression::parse(&text) {
            Ok(expression) => { expression.is_true(&scope()); }
            Err(error) => prop_assert!(text.get(error.range).is_some()),
        }
    }

    #[test]
    fn patterns_never_panic(source in "[\\[\\]\\\\^$.*+?(){}|&~a-z0-9:,-]{1,20}") {
        if let Ok(pattern) = Pattern::parse(&format!("/{source}/")) {
            pattern.is_match("abc");
        }
    }
}
