//! Job names in columns: as wide as a terminal draws them, and without what would steer it.

use unicode_width::UnicodeWidthStr as _;

/// The name as it is shown.
pub(crate) fn label(name: &str) -> String {
    let is_plain = |c: &char| !c.is_control();
    name.chars()
        .map(|c| Some(c).filter(is_plain).unwrap_or('\u{fffd}'))
        .collect()
}

/// Columns that it takes.
pub(crate) fn columns(name: &str) -> usize {
    label(name).width()
}

/// The name, filled up to `width` columns.
pub(crate) fn padded(name: &str, width: usize) -> String {
    let mut text = label(name);
    let missing = width.saturating_sub(text.width());
    text.extend(std::iter::repeat_n(' ', missing));
    text
}

/// The name in at most `width` columns, with an ellipsis where it was cut.
pub(crate) fn shortened(name: &str, width: usize) -> String {
    let whole = label(name);
    if whole.width() <= width {
        return whole;
    }
    let mut text = String::new();
    for c in whole.chars() {
        text.push(c);
        if text.width() >= width {
            text.pop();
            break;
        }
    }
    text.push('…');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_those_of_a_terminal() {
        for (name, columns_of) in [("abc", 3), ("ünï", 3), ("日本", 4), ("a\x1b[2Jb", 6)] {
            assert_eq!(columns(name), columns_of, "{name:?}");
            assert_eq!(padded(name, 8).width(), 8, "{name:?}");
        }
        assert_eq!(padded("too long", 3), "too long");
    }

    #[test]
    fn a_long_name_is_cut_to_fit() {
        let table = [
            ("abcdef", 6, "abcdef"),
            ("abcdef", 4, "abc…"),
            ("日本語", 4, "日…"),
        ];
        for (name, width, cut) in table {
            assert_eq!(shortened(name, width), cut);
            assert!(shortened(name, width).width() <= width);
        }
    }
}
