//! What `git` says when something fails. It has one exit code for everything, so its words are all there is to go by; they are
//! asked for in English.

/// Longest text that is passed on, in characters.
const MAX_LINE: usize = 500;

/// What kind of failure it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// The server can't be reached, or broke off: trying again may help.
    Unreachable,
    /// The server has it not, or not for us.
    Refused,
    /// Something here.
    Other,
}

const REFUSED: &[&str] = &[
    "authentication failed",
    "could not read username",
    "couldn't find remote ref",
    "not our ref",
    "returned error: 401",
    "returned error: 403",
    "returned error: 404",
    "repository not found",
    "does not appear to be a git repository",
    "does not exist",
    "permission denied",
    "transport 'file' not allowed",
];
const UNREACHABLE: &[&str] = &[
    "unable to access",
    "could not resolve host",
    "connection refused",
    "connection reset",
    "connection timed out",
    "operation timed out",
    "could not connect",
    "couldn't connect",
    "failed to connect",
    "early eof",
    "hung up",
    "rpc failed",
    "unexpected disconnect",
    "empty reply",
    "returned error: 5",
    "returned error: 429",
    "bad band",
    "invalid server response",
    "protocol error",
    "expected flush",
    "unable to rewind",
];

/// The kind that these words speak of.
pub(super) fn trouble(said: &str) -> Trouble {
    let said = said.to_ascii_lowercase();
    let speaks = |words: &[&str]| words.iter().any(|word| said.contains(word));
    if speaks(REFUSED) {
        Trouble::Refused
    } else if speaks(UNREACHABLE) {
        Trouble::Unreachable
    } else {
        Trouble::Other
    }
}

/// What matters of the words, in one line.
pub(super) fn line(said: &str) -> String {
    let lines = || said.lines().map(str::trim).filter(|line| !line.is_empty());
    let names = ["fatal: ", "error: ", "remote: "];
    let plain = |line: &str| {
        let rest = names.iter().find_map(|name| line.strip_prefix(name));
        rest.map(str::trim).map(str::to_owned)
    };
    let mut parts: Vec<String> = lines().filter_map(plain).collect();
    parts.retain(|part| !part.is_empty());
    if parts.is_empty() {
        parts = lines().next_back().map(str::to_owned).into_iter().collect();
    }
    let line = parts.join("; ").replace(char::is_control, " ");
    line.chars().take(MAX_LINE).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_tell_what_may_help() {
        for (said, expected) in [
            (
                "fatal: unable to access 'http://x/': Failed to connect to x port 80",
                Trouble::Unreachable,
            ),
            (
                "fatal: unable to access 'http://x/': The requested URL returned error: 502",
                Trouble::Unreachable,
            ),
            (
                "error: RPC failed; curl 56 Recv failure\nfatal: early EOF",
                Trouble::Unreachable,
            ),
            (
                "fatal: unable to access 'http://x/': The requested URL returned error: 403",
                Trouble::Refused,
            ),
            (
                "fatal: couldn't find remote ref refs/heads/x",
                Trouble::Refused,
            ),
            (
                "fatal: Authentication failed for 'http://x/'",
                Trouble::Refused,
            ),
            ("fatal: reference is not a tree: abc", Trouble::Other),
        ] {
            assert_eq!(trouble(said), expected, "{said}");
        }
    }

    #[test]
    fn the_line_is_what_git_means() {
        assert_eq!(
            line("Cloning…\nremote: no\u{1b}[31m way\nfatal: early EOF\n"),
            "no [31m way; early EOF"
        );
        assert_eq!(line("something else\n"), "something else");
        assert_eq!(line(""), "");
    }
}
