//! What git's failures mean. Git has one exit code for most of them, so its words are read, in one place.

use std::{fmt, io};

use aqueduct_core::refs::RemoteUrl;
use aqueduct_ports::git::GitError;

use crate::children::{Ended, Stopped};

/// Longest part of git's words that goes into an error, in characters.
const WORDS: usize = 300;

/// Words that say that other credentials are wanted.
const DENIED: [&str; 8] = [
    "authentication failed",
    "could not read username",
    "could not read password",
    "terminal prompts disabled",
    "returned error: 401",
    "returned error: 403",
    "permission denied (",
    "host key verification failed",
];

/// Words that say that there is no such repository.
const NO_REPOSITORY: [&str; 6] = [
    "repository not found",
    "returned error: 404",
    "does not appear to be a git repository",
    "' not found",
    "does not exist",
    "not a git repository",
];

/// Words that say that the remote won't hand out an object.
const NO_OBJECT: [&str; 3] = [
    "not our ref",
    "couldn't find remote ref",
    "does not allow request for unadvertised object",
];

/// What a failed question to a remote means.
pub(crate) fn of_remote(url: &RemoteUrl, ended: &Ended) -> GitError {
    let words = ended.words.to_lowercase();
    let says = |list: &[&str]| list.iter().any(|text| words.contains(text));
    let url = url.to_string();
    let cause = essence(&ended.words);
    if says(&NO_OBJECT) {
        GitError::Missing(cause)
    } else if says(&DENIED) {
        GitError::Denied { url, cause }
    } else if says(&NO_REPOSITORY) {
        GitError::NoRepository(url)
    } else {
        GitError::Unavailable { url, cause }
    }
}

/// What it means that a question to a remote was stopped.
pub(crate) fn of_stopped_remote(url: &RemoteUrl, what: &str, stopped: &Stopped) -> GitError {
    match stopped {
        Stopped::Late(time) => GitError::Unavailable {
            url: url.to_string(),
            cause: format!("no end after {} s", time.as_secs()),
        },
        Stopped::TooMuch(limit) => too_large(what, *limit),
        Stopped::Io(error) => unstarted(error),
    }
}

/// What a failure on this machine means.
pub(crate) fn of_local(action: &str, ended: &Ended) -> GitError {
    GitError::Broken(format!("can't {action}: {}", essence(&ended.words)))
}

/// What it means that something on this machine was stopped.
pub(crate) fn of_stopped_local(action: &str, stopped: &Stopped) -> GitError {
    match stopped {
        Stopped::Io(error) => unstarted(error),
        Stopped::Late(time) => {
            GitError::Broken(format!("can't {action}: no end after {} s", time.as_secs()))
        }
        Stopped::TooMuch(limit) => {
            GitError::Broken(format!("can't {action}: git wrote more than {limit} bytes"))
        }
    }
}

/// `git` itself couldn't be used.
pub(crate) fn unstarted(error: &io::Error) -> GitError {
    if error.kind() == io::ErrorKind::NotFound {
        return GitError::Broken("there is no `git` program: install git".into());
    }
    GitError::Broken(format!("can't run git: {error}"))
}

/// A file operation failed.
pub(crate) fn of_io(action: &str, error: &io::Error) -> GitError {
    GitError::Broken(format!("can't {action}: {error}"))
}

/// libgit2 failed.
pub(crate) fn of_library(action: &str, error: &git2::Error) -> GitError {
    GitError::Broken(format!("can't {action}: {}", error.message()))
}

pub(crate) fn too_large(what: &str, limit: u64) -> GitError {
    GitError::TooLarge {
        what: what.to_owned(),
        limit,
    }
}

/// A commit's or a ref's name that is none.
pub(crate) fn refused(what: impl fmt::Display) -> GitError {
    GitError::Refused(what.to_string())
}

/// What git ends with whatever it was that failed.
const HOLLOW: [&str; 3] = [
    "fatal: could not read from remote repository.",
    "please make sure you have the correct access rights",
    "and the repository exists.",
];

/// The line that says most: the last one that begins with `fatal:` or `ERROR:`, else the last one.
fn essence(words: &str) -> String {
    let lines = || {
        words
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty() && !HOLLOW.contains(&line.to_lowercase().as_str()))
    };
    let marked = lines()
        .filter_map(|line| {
            line.strip_prefix("fatal: ")
                .or_else(|| line.strip_prefix("remote: ERROR: "))
        })
        .next_back();
    let line = marked
        .or_else(|| lines().next_back())
        .unwrap_or("git gave no reason");
    line.chars()
        .filter(|char| !char.is_control())
        .take(WORDS)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meaning(words: &str) -> GitError {
        let url = RemoteUrl::parse("https://git.example.com/a/b").unwrap();
        let ended = Ended {
            success: false,
            output: Vec::new(),
            words: words.to_owned(),
        };
        of_remote(&url, &ended)
    }

    #[test]
    fn words_become_errors() {
        let temporary = [
            "fatal: unable to access 'https://git.example.com/a/b/': Could not resolve host: git.example.com",
            "fatal: unable to access 'https://git.example.com/a/b/': The requested URL returned error: 502",
            "ssh: connect to host git.example.com port 22: Connection refused\nfatal: Could not read from remote repository.",
            "error: RPC failed; curl 18 transfer closed\nfatal: early EOF",
            "",
        ];
        for words in temporary {
            assert!(meaning(words).is_temporary(), "{words}");
        }
        let denied = [
            "fatal: could not read Username for 'https://git.example.com': terminal prompts disabled",
            "fatal: Authentication failed for 'https://git.example.com/a/b/'",
            "git@git.example.com: Permission denied (publickey).\nfatal: Could not read from remote repository.",
        ];
        for words in denied {
            assert!(matches!(meaning(words), GitError::Denied { .. }), "{words}");
        }
        let none = [
            "remote: Repository not found.\nfatal: repository 'https://git.example.com/a/b/' not found",
            "fatal: '/srv/git/x' does not appear to be a git repository",
        ];
        for words in none {
            assert!(
                matches!(meaning(words), GitError::NoRepository(_)),
                "{words}"
            );
        }
        let gone = "fatal: remote error: upload-pack: not our ref 1234";
        assert!(matches!(meaning(gone), GitError::Missing(_)));
    }

    #[test]
    fn the_line_that_says_most_is_told_without_control_characters() {
        let words = "remote: hello\nfatal: \u{1b}[31mno\nhint: try\n";
        assert_eq!(essence(words), "[31mno");
        assert_eq!(essence("\n"), "git gave no reason");
    }
}
