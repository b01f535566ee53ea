use proptest::prelude::*;

use super::{MASK, Masker, is_too_short};

/// The definition, in quadratic time: a byte is masked if any occurrence of any secret covers it.
fn naive(secrets: &[String], input: &[u8]) -> Vec<u8> {
    let mut covered = vec![false; input.len()];
    for secret in secrets.iter().map(String::as_bytes) {
        for start in 0..input.len() {
            if input[start..].starts_with(secret) {
                covered[start..start + secret.len()].fill(true);
            }
        }
    }
    let mut out = Vec::new();
    for (at, &byte) in input.iter().enumerate() {
        if !covered[at] {
            out.push(byte);
        } else if at == 0 || !covered[at - 1] {
            out.extend_from_slice(MASK.as_bytes());
        }
    }
    out
}

fn masked<'a>(secrets: &[String], chunks: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let (mut masker, mut out) = (Masker::new(secrets), Vec::new());
    for chunk in chunks {
        masker.push(chunk, &mut out);
    }
    masker.finish(&mut out);
    out
}

fn text(secrets: &[&str], input: &str) -> String {
    let secrets: Vec<String> = secrets.iter().map(ToString::to_string).collect();
    String::from_utf8(masked(&secrets, [input.as_bytes()])).unwrap()
}

#[test]
fn secrets_are_masked_and_nothing_else_is() {
    let table: &[(&[&str], &str, &str)] = &[
        (&[], "hunter22", "hunter22"),
        (&["hunter22"], "pass=hunter22;", "pass=[MASKED];"),
        (&["hunter22"], "hunter2", "hunter2"),
        (
            &["hunter22", "22secret"],
            "a hunter22secret b",
            "a [MASKED] b",
        ),
        (
            &["abcd", "abcdefgh"],
            "abcdefgh abcde",
            "[MASKED] [MASKED]e",
        ),
        (&["abcd"], "abcdabcd abcabcd", "[MASKED] abc[MASKED]"),
        (&["abab"], "xababab", "x[MASKED]"),
        (&["  spaced  "], "a spaced b", "a [MASKED] b"),
        (&["abc"], "abc", "abc"),
        (&["", "\n"], "ab\n", "ab\n"),
        (&["pässword"], "pässword?", "[MASKED]?"),
    ];
    for (secrets, input, expected) in table {
        assert_eq!(text(secrets, input), *expected, "{secrets:?} in {input:?}");
    }
}

#[test]
fn a_secret_of_several_lines_is_masked_line_by_line() {
    let key = "-----BEGIN KEY-----\nMIIEpAIBAAKCAQEA\n}\r\nq83vEjRWeJq83g==\n-----END KEY-----\n";
    assert_eq!(
        text(
            &[key],
            "cat:\r\nMIIEpAIBAAKCAQEA\r\n}\r\nq83vEjRWeJq83g==\r\n"
        ),
        "cat:\r\n[MASKED]\r\n}\r\n[MASKED]\r\n"
    );
}

#[test]
fn only_what_may_begin_a_secret_is_held_back() {
    let table = [
        ("", 0),
        ("plain text", 0),
        ("xhu", 2),
        ("hunter2", 7),
        ("hunter22", 0),
        ("hunter2h", 1),
    ];
    for (input, held) in table {
        let (mut masker, mut out) = (Masker::new(["hunter22"]), Vec::new());
        masker.push(input.as_bytes(), &mut out);
        assert_eq!(masker.held.len(), held, "{input:?}");
    }
}

#[test]
fn a_quiet_stream_shows_prompts_but_never_more_than_half_a_secret() {
    let (mut masker, mut out) = (Masker::new(["hunter22"]), Vec::new());
    masker.push(b"name: hunt", &mut out);
    masker.quiet(&mut out);
    assert_eq!(out, b"name: hunt");
    masker.push(b"er22 and hunte", &mut out);
    masker.quiet(&mut out);
    assert_eq!(out, b"name: hunt[MASKED] and ");
    masker.push(b"r22", &mut out);
    masker.finish(&mut out);
    assert_eq!(out, b"name: hunt[MASKED] and [MASKED]");
}

#[test]
fn its_debug_output_holds_no_secret() {
    let mut masker = Masker::new(["hunter22"]);
    masker.push(b"hunter2", &mut Vec::new());
    assert!(!format!("{masker:?}").contains("hunt"));
}

#[test]
fn every_chunking_of_a_short_text_gives_the_same() {
    let secrets = ["abab".to_owned(), "babcab".to_owned(), "cabb".to_owned()];
    let input = b"ababcabbab";
    let expected = naive(&secrets, input);
    for cuts in 0_u32..1 << (input.len() - 1) {
        let mut chunks = Vec::new();
        let mut start = 0;
        for at in 1..=input.len() {
            if at == input.len() || cuts & 1 << (at - 1) != 0 {
                chunks.push(&input[start..at]);
                start = at;
            }
        }
        assert_eq!(masked(&secrets, chunks), expected, "cuts {cuts:b}");
    }
}

#[test]
fn secrets_that_will_show_are_known_before() {
    let table = [
        ("", false),
        (" \n", false),
        ("abc", true),
        (" abc\n", true),
        ("abcd", false),
        ("{\n short\n}", true),
        ("{\n long enough\n}", false),
    ];
    for (secret, shows) in table {
        assert_eq!(is_too_short(secret), shows, "{secret:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn it_equals_the_naive_one(
        secrets in prop::collection::vec("[ab]{4,7}|[abc]{4}|[ab\u{e9}]{4}", 0..5),
        input in "[ab]{0,40}|[abc]{0,40}|[ab\u{e9} ]{0,40}",
        lengths in prop::collection::vec(0_usize..6, 0..40),
    ) {
        let bytes = input.as_bytes();
        let mut rest = bytes;
        let mut chunks = Vec::new();
        for length in lengths {
            let (chunk, tail) = rest.split_at(length.min(rest.len()));
            chunks.push(chunk);
            rest = tail;
        }
        chunks.push(rest);
        prop_assert_eq!(masked(&secrets, chunks), naive(&secrets, bytes));
    }

    #[test]
    fn whole_secrets_never_come_through(
        secrets in prop::collection::vec("[ab]{4,7}", 1..4),
        pieces in prop::collection::vec("[abc]{0,6}", 0..12),
        quiet in prop::collection::vec(any::<bool>(), 12),
    ) {
        let (mut masker, mut out) = (Masker::new(&secrets), Vec::new());
        for (piece, quiet) in pieces.iter().zip(quiet) {
            masker.push(piece.as_bytes(), &mut out);
            if quiet {
                masker.quiet(&mut out);
            }
        }
        masker.finish(&mut out);
        let out = String::from_utf8(out).unwrap();
        for secret in &secrets {
            prop_assert!(!out.contains(secret.as_str()), "{} in {}", secret, out);
        }
    }
}
