//! Spellings of references, those that docker takes and those that it doesn't.

use proptest::prelude::*;

use super::*;

fn parse(text: &str) -> Reference {
    text.parse().unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn registries_repositories_tags_and_digests() {
    let digest = Digest::of(b"x");
    let at = format!("r.example.com:5000/a/b:1.2@{digest}");
    let table = [
        ("busybox", "docker.io/library/busybox", "latest"),
        ("busybox:1", "docker.io/library/busybox:1", "1"),
        ("me/app", "docker.io/me/app", "latest"),
        ("index.docker.io/me/app:x", "docker.io/me/app:x", "x"),
        ("localhost/app", "localhost/app", "latest"),
        ("localhost:5000/app:v_1", "localhost:5000/app:v_1", "v_1"),
        (
            "127.0.0.1:5000/a/b-c__d.e",
            "127.0.0.1:5000/a/b-c__d.e",
            "latest",
        ),
        ("[::1]:5000/app:t", "[::1]:5000/app:t", "t"),
        (&at, &at, digest.as_str()),
        ("oci:dir/image", "oci:dir/image", "latest"),
        ("oci:/abs/dir:v1", "oci:/abs/dir:v1", "v1"),
        ("oci:a@b/c:v1", "oci:a@b/c:v1", "v1"),
    ];
    for (text, whole, target) in table {
        let reference = parse(text);
        assert_eq!(reference.to_string(), whole, "{text}");
        assert_eq!(reference.target().to_string(), target, "{text}");
        assert_eq!(parse(&reference.to_string()), reference, "{text}");
    }
}

#[test]
fn what_is_no_reference_says_why() {
    let table = [
        ("", "repository is missing"),
        ("App", "no upper-case"),
        ("r.example.com/App", "no upper-case"),
        ("https://r.example.com/app", "URL"),
        ("app:", "a tag has"),
        ("app:-x", "a tag has"),
        ("app:a b", "a tag has"),
        ("app@sha256:12", "not a digest"),
        ("a//b", "lower-case letters"),
        ("a..b", "lower-case letters"),
        ("-a", "lower-case letters"),
        ("a/../b", "lower-case letters"),
        ("ä", "lower-case letters"),
        ("oci:", "wants a path"),
        ("oci::tag", "wants a path"),
    ];
    for (text, reason) in table {
        let error = text.parse::<Reference>().unwrap_err().to_string();
        assert!(error.contains(reason), "{text}: {error}");
    }
}

#[test]
fn another_target_keeps_the_place() {
    let reference = parse("localhost:5000/app:1");
    let digest = Digest::of(b"y");
    let other = reference.with_target(&Target::Digest(digest.clone()));
    assert_eq!(other.to_string(), format!("localhost:5000/app@{digest}"));
    assert!(reference.same_place(&other));
    assert!(!reference.same_place(&parse("localhost:5000/other")));
}

proptest! {
    #[test]
    fn parsing_never_panics_and_is_stable(text in "\\PC{0,60}") {
        if let Ok(reference) = text.parse::<Reference>() {
            let again: Reference = reference.to_string().parse().unwrap();
            prop_assert_eq!(again, reference);
        }
    }

    #[test]
    fn generated_references_come_back(
        host in "(localhost|[a-z]{1,8}\\.[a-z]{2,4})(:[0-9]{1,5})?",
        repository in "[a-z0-9]{1,6}((\\.|_|__|-)[a-z0-9]{1,4}){0,2}(/[a-z0-9]{1,6}){0,2}",
        tag in "[a-zA-Z0-9_][a-zA-Z0-9._-]{0,20}",
    ) {
        let text = format!("{host}/{repository}:{tag}");
        prop_assert_eq!(text.parse::<Reference>().unwrap().to_string(), text);
    }
}

#[test]
fn a_password_in_front_of_the_host_is_not_repeated() {
    for text in [
        "user:s3cr3t@r.example.com/app:1",
        "https://user:s3cr3t@r.example.com/app:1",
    ] {
        let error = text.parse::<Reference>().unwrap_err().to_string();
        assert!(error.contains("`…@r.example.com/app:1`"), "{error}");
    }
}
