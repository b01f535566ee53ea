//! Interpolation blocks before the text is YAML.
//!
//! GitLab interpolates the text of a file, so a block may stand where its brackets and commas would mean something
//! to YAML: `tags: [$[[ inputs.tag ]]]`. Here each block is replaced by a word of the same length before the file is
//! read, so that places stay right, and found again in the tree.

use crate::diag::{FileId, Span};

/// Frames of a masked block: characters that no text has, since Unicode leaves them unassigned.
const OPEN: char = '\u{378}';
const CLOSE: char = '\u{379}';

/// Longest block, in bytes.
const MAX_BLOCK: usize = 1024;

/// Shortest block: frames and the digits of 10,000 blocks.
const MIN_BLOCK: usize = 9;

/// A block as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::lang::compose) struct Block {
    /// `$[[ inputs.x | f ]]`
    pub(in crate::lang::compose) text: String,
    /// `inputs.x | f`
    pub(in crate::lang::compose) data: String,
    /// Where.
    pub(in crate::lang::compose) span: Span,
}

/// The blocks of a file, in order.
#[derive(Clone, Debug, Default)]
pub(in crate::lang::compose) struct Blocks(Vec<Block>);

/// A piece of a scalar.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::lang::compose) enum Piece<'t> {
    /// Text as it is.
    Text(&'t str),
    /// A block.
    Block(&'t Block),
}

/// Replaces every block; `None` if there is none.
pub(in crate::lang::compose) fn mask(file: FileId, text: &str) -> Option<(String, Blocks)> {
    if !text.contains("$[[") {
        return None;
    }
    let mut blocks = Vec::new();
    let mut masked = String::with_capacity(text.len());
    let mut rest = 0;
    let mut search = 0;
    while let Some(start) = text[search..].find("$[[").map(|at| search + at) {
        search = start + 3;
        let Some((end, data)) = block_at(text, start) else {
            continue;
        };
        masked.push_str(&text[rest..start]);
        push_placeholder(&mut masked, blocks.len(), end - start);
        blocks.push(Block {
            text: text[start..end].to_owned(),
            data: data.to_owned(),
            span: Span {
                file,
                start: start as u32,
                end: end as u32,
            },
        });
        rest = end;
        search = end;
    }
    masked.push_str(&text[rest..]);
    Some((masked, Blocks(blocks)))
}

/// End and content of the block that begins at `start`, if it is one: it ends on its line, and holds two
/// characters at least.
fn block_at(text: &str, start: usize) -> Option<(usize, &str)> {
    let inner = &text[start + 3..];
    let line = &inner[..inner.find(['\n', '\r']).unwrap_or(inner.len())];
    let close = line.find("]]")?;
    let end = start + 3 + close + 2;
    let data = line[..close].trim();
    let legal = data.chars().nth(1).is_some() && end - start >= MIN_BLOCK;
    (legal && end - start <= MAX_BLOCK).then_some((end, data))
}

fn push_placeholder(out: &mut String, index: usize, length: usize) {
    let digits = index.to_string();
    out.push(OPEN);
    out.push_str(&digits);
    let frame = OPEN.len_utf8() + CLOSE.len_utf8() + digits.len();
    out.extend(std::iter::repeat_n('_', length.saturating_sub(frame)));
    out.push(CLOSE);
}

impl Blocks {
    /// How many there are.
    pub(in crate::lang::compose) fn len(&self) -> usize {
        self.0.len()
    }

    /// All of them.
    pub(in crate::lang::compose) fn iter(&self) -> impl Iterator<Item = &Block> {
        self.0.iter()
    }

    /// Whether a scalar holds a block.
    pub(in crate::lang::compose) fn is_masked(text: &str) -> bool {
        text.contains(OPEN)
    }

    /// A scalar's text and blocks in order.
    pub(in crate::lang::compose) fn pieces<'t>(&'t self, text: &'t str) -> Vec<Piece<'t>> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, block, after)) = self.next(rest) {
            if !before.is_empty() {
                pieces.push(Piece::Text(before));
            }
            pieces.push(Piece::Block(block));
            rest = after;
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest));
        }
        pieces
    }

    fn next<'t>(&'t self, text: &'t str) -> Option<(&'t str, &'t Block, &'t str)> {
        let (before, inner) = text.split_once(OPEN)?;
        let (word, after) = inner.split_once(CLOSE)?;
        let index: usize = word.trim_end_matches('_').parse().ok()?;
        Some((before, self.0.get(index)?, after))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masking_keeps_the_length_and_comes_back() {
        let texts = [
            "a: $[[ inputs.x ]]\n",
            "tags: $[[inputs.a]], $[[ inputs.b | truncate(0,5) ]]",
            "é $[[ inputs.é | split(',') ]] é",
        ];
        for text in texts {
            let (masked, blocks) = mask(FileId(0), text).unwrap();
            assert_eq!(masked.len(), text.len(), "{text}");
            assert!(!masked.contains('['), "{masked}");
            let pieces = blocks.pieces(&masked);
            let back: String = pieces
                .iter()
                .map(|piece| match piece {
                    Piece::Text(text) => text,
                    Piece::Block(block) => &block.text[..],
                })
                .collect();
            assert_eq!(back, text);
        }
    }

    #[test]
    fn what_is_no_block_stays() {
        for text in ["$[[ ]]", "$[[ x", "$[[ a\n]]", "if [[ $x ]]", "$[[x]]"] {
            let masked = mask(FileId(0), text).map(|(masked, _)| masked);
            assert!(masked.is_none_or(|masked| masked == text), "{text}");
        }
    }
}
