//! Reads what `git ls-remote --symref` prints.

use aqueduct_core::refs::{Answer, RemoteRef, is_sha};

/// The answer in a listing: branches and tags, each once, by the bytes of their names. `None` if a line is none of git's,
/// since then nothing can be concluded from what is missing.
pub(crate) fn parse(listing: &[u8]) -> Option<Answer> {
    let mut answer = Answer::default();
    for line in listing
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
    {
        let tab = line.iter().position(|byte| *byte == b'\t')?;
        let (what, name) = (&line[..tab], &line[tab + 1..]);
        let what = std::str::from_utf8(what).ok()?;
        if let Some(target) = what.strip_prefix("ref: ") {
            if name == b"HEAD" {
                answer.default_branch = target.strip_prefix("refs/heads/").map(str::to_owned);
            }
            continue;
        }
        if !is_sha(what) {
            return None;
        }
        if !(name.starts_with(b"refs/heads/") || name.starts_with(b"refs/tags/")) {
            continue;
        }
        match std::str::from_utf8(name) {
            Ok(name) => add(&mut answer, name, what),
            Err(_) => answer.unreadable += 1,
        }
    }
    answer.refs.sort_by(|one, other| one.name.cmp(&other.name));
    answer
        .refs
        .dedup_by(|later, first| later.name == first.name);
    Some(answer)
}

/// A peeled tag follows its tag.
fn add(answer: &mut Answer, name: &str, sha: &str) {
    let Some(tag) = name.strip_suffix("^{}") else {
        answer.refs.push(RemoteRef {
            name: name.to_owned(),
            sha: sha.to_owned(),
            peeled: None,
        });
        return;
    };
    if let Some(last) = answer.refs.last_mut().filter(|last| last.name == tag) {
        last.peeled = Some(sha.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sha(digit: char) -> String {
        digit.to_string().repeat(40)
    }

    fn plain(name: &str, digit: char) -> RemoteRef {
        RemoteRef {
            name: name.into(),
            sha: sha(digit),
            peeled: None,
        }
    }

    #[test]
    fn branches_and_tags_are_taken_with_what_tags_lead_to() {
        let listing = format!(
            "ref: refs/heads/main\tHEAD\n{a}\tHEAD\n{a}\trefs/heads/main\n{b}\trefs/heads/feature/é\n{c}\trefs/pull/1/head\n\
             {c}\trefs/tags/v1\n{a}\trefs/tags/v1^{{}}\n",
            a = sha('a'),
            b = sha('b'),
            c = sha('c'),
        );
        let expected = Answer {
            default_branch: Some("main".into()),
            refs: vec![
                plain("refs/heads/feature/é", 'b'),
                plain("refs/heads/main", 'a'),
                RemoteRef {
                    peeled: Some(sha('a')),
                    ..plain("refs/tags/v1", 'c')
                },
            ],
            unreadable: 0,
        };
        assert_eq!(parse(listing.as_bytes()), Some(expected));
    }

    #[test]
    fn an_empty_repository_has_an_empty_answer() {
        assert_eq!(parse(b""), Some(Answer::default()));
    }

    #[test]
    fn names_that_are_no_text_are_counted() {
        let mut listing = format!("{}\trefs/heads/", sha('a')).into_bytes();
        listing.extend(b"\xff\n");
        let answer = parse(&listing).unwrap();
        assert_eq!((answer.refs.len(), answer.unreadable), (0, 1));
    }

    #[test]
    fn nothing_is_concluded_from_what_git_never_prints() {
        let table = ["<html>\n", "abc\trefs/heads/main\n", "\trefs/heads/main\n"];
        for listing in table {
            assert_eq!(parse(listing.as_bytes()), None, "{listing}");
        }
    }
}
