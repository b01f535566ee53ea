//! Colours and styles: what `ESC [ … m` asks for (ECMA-48, SGR), as classes of the stylesheet.

use std::fmt::Write as _;

use super::palette;

/// How text looks from some point of a log on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// Colour of the text, in the palette of 256.
    foreground: Option<u8>,
    /// Colour behind it.
    background: Option<u8>,
    bold: bool,
    faint: bool,
    italic: bool,
    underline: bool,
    strike: bool,
    inverse: bool,
}

impl Style {
    /// Whether it is what a log begins with.
    pub fn is_plain(&self) -> bool {
        *self == Self::default()
    }

    /// What the parameters of a sequence change; unknown ones change nothing.
    pub(super) fn apply(&mut self, parameters: &str) {
        let mut groups = parameters.split(';');
        while let Some(group) = groups.next() {
            if group.contains(':') {
                self.apply_colons(group);
                continue;
            }
            let code = number(group);
            if let 38 | 48 = code {
                let colour = colour(&mut groups);
                self.paint(code, colour);
            } else {
                self.apply_code(code);
            }
        }
    }

    /// `38:5:N`, `38:2:R:G:B`, `38:2:SPACE:R:G:B`, `4:3`.
    fn apply_colons(&mut self, group: &str) {
        let parts: Vec<u16> = group.split(':').map(number).collect();
        match parts[..] {
            [code @ (38 | 48), 5, .., index] => self.paint(code, u8::try_from(index).ok()),
            [code @ (38 | 48), 2, .., red, green, blue] => {
                self.paint(code, nearest(red, green, blue));
            }
            [4, kind] => self.underline = kind != 0,
            _ => {}
        }
    }

    fn paint(&mut self, code: u16, colour: Option<u8>) {
        let Some(colour) = colour else { return };
        if code == 38 {
            self.foreground = Some(colour);
        } else {
            self.background = Some(colour);
        }
    }

    fn apply_code(&mut self, code: u16) {
        match code {
            0 => *self = Self::default(),
            1 => self.bold = true,
            2 => self.faint = true,
            3 => self.italic = true,
            4 | 21 => self.underline = true,
            7 => self.inverse = true,
            9 => self.strike = true,
            22 => (self.bold, self.faint) = (false, false),
            23 => self.italic = false,
            24 => self.underline = false,
            27 => self.inverse = false,
            29 => self.strike = false,
            39 => self.foreground = None,
            49 => self.background = None,
            30..=37 => self.foreground = Some((code - 30) as u8),
            40..=47 => self.background = Some((code - 40) as u8),
            90..=97 => self.foreground = Some((code - 90 + 8) as u8),
            100..=107 => self.background = Some((code - 100 + 8) as u8),
            _ => {}
        }
    }

    /// The classes of the stylesheet, separated by spaces; empty for plain text.
    pub fn classes(&self) -> String {
        let mut classes = String::new();
        let mut add = |class: &str| {
            let space = if classes.is_empty() { "" } else { " " };
            // Writing to a text can't fail.
            let _ = write!(classes, "{space}{class}");
        };
        let (mut front, mut back) = (
            self.foreground.map(|n| format!("f{n}")),
            self.background.map(|n| format!("b{n}")),
        );
        if self.inverse {
            front = Some(self.background.map_or("fi".into(), |n| format!("f{n}")));
            back = Some(self.foreground.map_or("bi".into(), |n| format!("b{n}")));
        }
        for class in front.iter().chain(&back) {
            add(class);
        }
        let flags = [
            (self.bold, "bo"),
            (self.faint, "fa"),
            (self.italic, "it"),
            (self.underline, "un"),
            (self.strike, "st"),
        ];
        for (set, class) in flags {
            if set {
                add(class);
            }
        }
        classes
    }
}

/// What follows 38 or 48: `5;N` or `2;R;G;B`.
fn colour<'a>(groups: &mut impl Iterator<Item = &'a str>) -> Option<u8> {
    match number(groups.next()?) {
        5 => u8::try_from(number(groups.next()?)).ok(),
        2 => {
            let mut part = || groups.next().map(number);
            nearest(part()?, part()?, part()?)
        }
        _ => None,
    }
}

fn nearest(red: u16, green: u16, blue: u16) -> Option<u8> {
    let part = |value: u16| u8::try_from(value).ok();
    Some(palette::nearest([part(red)?, part(green)?, part(blue)?]))
}

/// An empty parameter is 0; one that is no number is none that is known.
fn number(text: &str) -> u16 {
    if text.is_empty() {
        return 0;
    }
    text.parse().unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequences_become_classes() {
        let table: &[(&[&str], &str)] = &[
            (&[""], ""),
            (&["31"], "f1"),
            (&["0;32;1"], "f2 bo"),
            (&["1", "22"], ""),
            (&["97;44"], "f15 b4"),
            (&["38;5;208"], "f208"),
            (&["38;5;300"], ""),
            (&["48;2;255;0;0"], "b196"),
            (&["38:2::0:255:0"], "f46"),
            (&["38:5:17", "39"], ""),
            (&["4:3"], "un"),
            (&["4", "4:0"], ""),
            (&["7"], "fi bi"),
            (&["31;7"], "fi b1"),
            (&["31;42;7"], "f2 b1"),
            (&["2;3;4;9"], "fa it un st"),
            (&["38;5"], ""),
            (&["38;2;1"], ""),
            (&["999;x;?25"], ""),
            (&["38;9;31"], "f1"),
        ];
        for (sequences, expected) in table {
            let mut style = Style::default();
            for sequence in *sequences {
                style.apply(sequence);
            }
            assert_eq!(style.classes(), *expected, "{sequences:?}");
        }
    }
}
