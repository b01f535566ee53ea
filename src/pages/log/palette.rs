//! The 256 colours of terminals, made readable on the log's dark ground, and the style rules for them.

use std::{fmt::Write as _, sync::LazyLock};

type Rgb = [u8; 3];

/// The ground of a log, in both themes.
const GROUND: Rgb = [0x14, 0x18, 0x1d];
/// Least contrast of text (WCAG 2.2, 1.4.3).
const CONTRAST: f64 = 4.5;

/// The 16 that have names. They are ours: what terminals show for them differs too.
const NAMED: [Rgb; 16] = [
    [0x7d, 0x87, 0x93],
    [0xf4, 0x6d, 0x6d],
    [0x6c, 0xc6, 0x7d],
    [0xe0, 0xb4, 0x4f],
    [0x6f, 0xa8, 0xf5],
    [0xc9, 0x8b, 0xee],
    [0x4f, 0xc3, 0xc9],
    [0xc9, 0xd1, 0xd9],
    [0x97, 0xa1, 0xad],
    [0xff, 0x8f, 0x8a],
    [0x8b, 0xdd, 0x98],
    [0xf2, 0xcf, 0x76],
    [0x93, 0xc1, 0xff],
    [0xdd, 0xae, 0xf8],
    [0x7d, 0xdd, 0xe0],
    [0xff, 0xff, 0xff],
];

/// Levels of the colour cube's axes.
const LEVELS: [u8; 6] = [0, 95, 135, 175, 215, 255];

/// One of the 256.
fn rgb(index: u8) -> Rgb {
    match index {
        0..=15 => NAMED[usize::from(index)],
        16..=231 => {
            let cube = usize::from(index) - 16;
            [cube / 36, cube / 6 % 6, cube % 6].map(|level| LEVELS[level])
        }
        232.. => [8 + (index - 232) * 10; 3],
    }
}

/// The one of the cube and the greys that comes nearest.
pub(super) fn nearest(wanted: Rgb) -> u8 {
    let distance = |index: &u8| -> u32 {
        let pairs = rgb(*index).into_iter().zip(wanted);
        pairs.map(|(a, b)| u32::from(a.abs_diff(b)).pow(2)).sum()
    };
    (16..=255).min_by_key(distance).unwrap_or(16)
}

/// Relative luminance (WCAG 2.2).
fn luminance(colour: Rgb) -> f64 {
    let linear = colour.map(|part| {
        let part = f64::from(part) / 255.0;
        if part <= 0.040_45 {
            part / 12.92
        } else {
            ((part + 0.055) / 1.055).powf(2.4)
        }
    });
    0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
}

fn contrast(one: Rgb, other: Rgb) -> f64 {
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

/// The colour, lightened until it can be read on the ground.
fn readable(colour: Rgb) -> Rgb {
    let mut colour = colour;
    while contrast(colour, GROUND) < CONTRAST {
        colour = colour.map(|part| part.saturating_add(6));
    }
    colour
}

/// Black or white, whichever is better read on the colour.
fn on(colour: Rgb) -> Rgb {
    let (black, white) = ([0; 3], [255; 3]);
    if contrast(black, colour) >= contrast(white, colour) {
        black
    } else {
        white
    }
}

fn hex([red, green, blue]: Rgb) -> String {
    format!("#{red:02x}{green:02x}{blue:02x}")
}

/// The rules of all classes that [`super::Style::classes`] gives. A background comes with a text colour that is read on it; a
/// text colour on top of it stays what the job asked for.
pub static CSS: LazyLock<String> = LazyLock::new(|| {
    let mut css = String::new();
    for index in 0..=255 {
        let colour = rgb(index);
        // Writing to a text can't fail.
        let _ = write!(
            css,
            ".b{index}{{background:{};color:{}}}",
            hex(colour),
            hex(on(colour))
        );
    }
    for index in 0..=255 {
        let _ = write!(css, ".f{index}{{color:{}}}", hex(readable(rgb(index))));
    }
    let _ = write!(
        css,
        ".fi{{color:{}}}.bi{{background:{}}}",
        hex(GROUND),
        hex(NAMED[7])
    );
    css
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_colour_can_be_read() {
        for index in 0..=255 {
            let shown = readable(rgb(index));
            assert!(contrast(shown, GROUND) >= CONTRAST, "{index}");
            assert!(contrast(on(rgb(index)), rgb(index)) >= CONTRAST, "{index}");
        }
        for named in NAMED {
            assert_eq!(readable(named), named);
        }
        assert_eq!(CSS.matches(".f").count(), 257);
    }

    #[test]
    fn true_colours_find_their_neighbours() {
        for (wanted, index) in [
            ([0, 0, 0], 16),
            ([255, 255, 255], 231),
            ([255, 0, 0], 196),
            ([94, 136, 176], 67),
            ([9, 9, 9], 232),
        ] {
            assert_eq!(nearest(wanted), index, "{wanted:?}");
        }
    }
}
