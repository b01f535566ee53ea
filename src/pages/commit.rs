//! What a page tells of a commit.

use aqueduct_core::lang::context::Commit;

/// The first line of a commit's message and its author's name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommitNote {
    /// First line of the message, shortened.
    pub title: String,
    /// Without the address.
    pub author: String,
}

/// Longest title, in characters.
const TITLE: usize = 120;

impl CommitNote {
    /// Of a commit.
    pub fn new(commit: &Commit) -> Self {
        let line = commit.message.lines().next().unwrap_or_default().trim();
        let mut title: String = line.chars().take(TITLE).collect();
        if title.len() < line.len() {
            title.push('…');
        }
        let author = commit.author.split('<').next().unwrap_or_default().trim();
        Self {
            title,
            author: author.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_short() {
        let commit = Commit {
            message: format!("{}\n\nbody", "ü".repeat(130)),
            author: "A <b> C <a@example.com>".into(),
            ..Commit::default()
        };
        let note = CommitNote::new(&commit);
        assert_eq!(note.title, "ü".repeat(120) + "…");
        assert_eq!(note.author, "A");
        assert_eq!(CommitNote::new(&Commit::default()), CommitNote::default());
    }
}
