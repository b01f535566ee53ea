//! Source files and places in them.

use std::sync::Arc;

/// A file of a [`SourceMap`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(pub u32);

/// A byte range of a file; `start == end` is a point.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// Which file.
    pub file: FileId,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

/// A place as people count: both from 1, columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LineColumn {
    /// From 1.
    pub line: u32,
    /// From 1, in characters (not bytes).
    pub column: u32,
}

/// A file that was read: its name as the user knows it, and its text.
#[derive(Clone, Debug)]
pub struct SourceFile {
    /// Path from the repository's root, or what was given on the command line.
    pub name: String,
    /// The text, with a byte order mark removed.
    pub text: Arc<str>,
    lines: Vec<u32>,
}

impl SourceFile {
    /// Indexes the lines of `text`; `\n`, `\r\n` and a lone `\r` end a line.
    pub fn new(name: impl Into<String>, text: impl Into<Arc<str>>) -> Self {
        let text = text.into();
        let bytes = text.as_bytes();
        let ends = (0..bytes.len()).filter(|&at| {
            bytes[at] == b'\n' || (bytes[at] == b'\r' && bytes.get(at + 1) != Some(&b'\n'))
        });
        let lines = std::iter::once(0)
            .chain(ends.map(|at| at as u32 + 1))
            .collect();
        Self {
            name: name.into(),
            text,
            lines,
        }
    }

    /// Line and column of the byte at `offset`; past the end it is the end.
    pub fn position(&self, offset: u32) -> LineColumn {
        let offset = (offset as usize).min(self.text.len());
        let line = self
            .lines
            .partition_point(|&start| start as usize <= offset)
            .max(1)
            - 1;
        let start = self.lines[line] as usize;
        let column = self
            .text
            .get(start..offset)
            .map_or(0, |text| text.chars().count());
        LineColumn {
            line: line as u32 + 1,
            column: column as u32 + 1,
        }
    }

    /// The text of `span`, or an empty string if it doesn't fit.
    pub fn slice(&self, span: Span) -> &str {
        self.text
            .get(span.start as usize..span.end as usize)
            .unwrap_or("")
    }
}

/// Every file that a compilation read, in the order it read them.
#[derive(Clone, Debug, Default)]
pub struct SourceMap {
    files: Vec<SourceFile>,
}

impl SourceMap {
    /// Adds a file and names it.
    pub fn add(&mut self, file: SourceFile) -> FileId {
        self.files.push(file);
        FileId(self.files.len() as u32 - 1)
    }

    /// Calls the files named `from` what the user called them.
    pub fn rename(&mut self, from: &str, to: &str) {
        for file in self.files.iter_mut().filter(|file| file.name == from) {
            to.clone_into(&mut file.name);
        }
    }

    /// The file behind an id that this map gave out.
    pub fn get(&self, id: FileId) -> Option<&SourceFile> {
        self.files.get(id.0 as usize)
    }

    /// All files with their ids.
    pub fn iter(&self) -> impl Iterator<Item = (FileId, &SourceFile)> {
        self.files
            .iter()
            .enumerate()
            .map(|(at, file)| (FileId(at as u32), file))
    }

    /// File name, line and column of a span's start.
    pub fn locate(&self, span: Span) -> Option<(&str, LineColumn)> {
        let file = self.get(span.file)?;
        Some((&file.name, file.position(span.start)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters_and_all_line_ends_count_once() {
        let file = SourceFile::new("a.yml", "é: x\r\nb: y\rc");
        let at = |needle: &str| file.position(file.text.find(needle).unwrap() as u32);
        assert_eq!(at("x"), LineColumn { line: 1, column: 4 });
        assert_eq!(at("y"), LineColumn { line: 2, column: 4 });
        assert_eq!(at("c"), LineColumn { line: 3, column: 1 });
        assert_eq!(file.position(999), LineColumn { line: 3, column: 2 });
    }
}
