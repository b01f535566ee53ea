//! Plain scalars by the rules of Ruby's YAML parser (Psych's scalar scanner, YAML 1.1), and the way back to text.
//!
//! Where Psych makes something a pipeline can't hold (dates, symbols) the scalar stays a string.

use std::sync::Arc;

use super::Value;

/// The value of an unquoted scalar.
pub fn resolve_plain(text: &str) -> Value {
    let Some(first) = text.bytes().next() else {
        return Value::Null;
    };
    // Anything that could be more than a string begins with one of these.
    let candidate = first.is_ascii_digit() || b"+-.~ntfyoNTFYO".contains(&first);
    if !candidate || text.len() > MAX_TYPED_LENGTH {
        return Value::String(text.into());
    }
    word(text)
        .or_else(|| special_float(text))
        .or_else(|| integer(text))
        .or_else(|| sexagesimal(text))
        .or_else(|| float(text))
        .unwrap_or_else(|| Value::String(Arc::from(text)))
}

/// Whether Psych would make a date or a time of it, which GitLab refuses.
pub(super) fn looks_like_date(text: &str) -> bool {
    let bytes = text.as_bytes();
    let digits = |from: usize| {
        bytes
            .get(from..)
            .unwrap_or_default()
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count()
    };
    let month = digits(5);
    let day_at = 5 + month + 1;
    let day = digits(day_at);
    let rest = bytes.get(day_at + day..).unwrap_or_default();
    digits(0) == 4
        && bytes.get(4) == Some(&b'-')
        && (1..=2).contains(&month)
        && bytes.get(5 + month) == Some(&b'-')
        && (1..=2).contains(&day)
        && (rest.is_empty() || (b"Tt ".contains(&rest[0]) && rest.contains(&b':')))
}

/// No number a person writes is longer; what is longer stays text.
const MAX_TYPED_LENGTH: usize = 400;

fn word(text: &str) -> Option<Value> {
    let is = |words: &[&str]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
    if text == "~" || is(&["null"]) {
        Some(Value::Null)
    } else if is(&["yes", "true", "on"]) {
        Some(Value::Bool(true))
    } else if is(&["no", "false", "off"]) {
        Some(Value::Bool(false))
    } else {
        None
    }
}

fn special_float(text: &str) -> Option<Value> {
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest.eq_ignore_ascii_case(".inf") {
        Some(Value::Float(sign * f64::INFINITY))
    } else if text.eq_ignore_ascii_case(".nan") {
        Some(Value::Float(f64::NAN))
    } else {
        None
    }
}

/// `10`, `1_000`, `0b101`, `0777` and `0x1F`; `0o17` is no number in YAML 1.1 and stays text.
fn integer(text: &str) -> Option<Value> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (digits, radix) = match unsigned.as_bytes() {
        [b'0', b'b', ..] => (&unsigned[2..], 2),
        [b'0', b'x', ..] => (&unsigned[2..], 16),
        [b'0', _, ..] => (&unsigned[1..], 8),
        [b'0'..=b'9', ..] => (unsigned, 10),
        _ => return None,
    };
    let legal = |digit: char| digit.is_digit(radix) || digit == '_' || digit == ',';
    if !digits.chars().all(legal) || !digits.contains(|digit: char| digit.is_digit(radix)) {
        return None;
    }
    let mut plain: String = digits
        .chars()
        .filter(|digit| digit.is_digit(radix))
        .collect();
    if text.starts_with('-') {
        plain.insert(0, '-');
    }
    Some(match i64::from_str_radix(&plain, radix) {
        Ok(value) => Value::Int(value),
        // Ruby's integers have no limit; as text the digits are the same.
        Err(_) if radix == 10 => Value::String(plain.into()),
        Err(_) => Value::String(text.into()),
    })
}

/// `1:30` is 5,400 and `1:30:00` too: up to three groups to the base of 60, the first of them hours.
fn sexagesimal(text: &str) -> Option<Value> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let groups: Vec<&str> = unsigned.split(':').collect();
    let (first, others) = groups.split_first()?;
    let legal = first.starts_with(|digit: char| digit.is_ascii_digit())
        && first
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'_')
        && (1..=2).contains(&others.len())
        && others.iter().all(|group| sixty(group));
    if !legal {
        return None;
    }
    let hours: i64 = text[..text.find(':')?].replace('_', "").parse().ok()?;
    let mut total = hours.checked_mul(3600)?;
    for (group, factor) in others.iter().zip([60, 1]) {
        total = total.checked_add(group.parse::<i64>().ok()? * factor)?;
    }
    Some(Value::Int(total))
}

fn sixty(group: &str) -> bool {
    match group.as_bytes() {
        [digit] => digit.is_ascii_digit(),
        [tens, ones] => (b'0'..=b'5').contains(tens) && ones.is_ascii_digit(),
        _ => false,
    }
}

/// A point is needed, and an exponent needs its sign: `1.5e+3` is a number, `1e3` and `1.5e3` are strings.
fn float(text: &str) -> Option<Value> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (whole, rest) = unsigned.split_once('.')?;
    let (fraction, exponent) = match rest.find(['e', 'E']) {
        Some(at) => (&rest[..at], Some(&rest[at + 1..])),
        None => (rest, None),
    };
    let whole_legal = whole.is_empty()
        || (whole.as_bytes()[0].is_ascii_digit()
            && whole
                .bytes()
                .all(|byte| byte.is_ascii_digit() || byte == b'_' || byte == b','));
    let fraction_legal = fraction.bytes().all(|byte| byte.is_ascii_digit());
    let exponent_legal = exponent.is_none_or(|exponent| {
        exponent.strip_prefix(['-', '+']).is_some_and(|digits| {
            !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
        })
    });
    let some_digit = !whole.is_empty() || !fraction.is_empty();
    if !(whole_legal && fraction_legal && exponent_legal && some_digit) {
        return None;
    }
    text.replace(['_', ','], "").parse().map(Value::Float).ok()
}

/// A float by Ruby's `to_s`: the shortest digits that read back, a point always, an exponent from 10^16 up and
/// below 10^-4.
pub fn float_text(value: f64) -> String {
    if value.is_nan() {
        return "NaN".into();
    }
    if value.is_infinite() {
        return if value > 0.0 { "Infinity" } else { "-Infinity" }.into();
    }
    let magnitude = value.abs();
    if magnitude != 0.0 && !(1e-4..1e16).contains(&magnitude) {
        let scientific = format!("{value:e}");
        let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
        let digits = if digits.contains('.') {
            digits.to_owned()
        } else {
            format!("{digits}.0")
        };
        let (sign, exponent) = match exponent.strip_prefix('-') {
            Some(exponent) => ('-', exponent),
            None => ('+', exponent),
        };
        return format!("{digits}e{sign}{exponent:0>2}");
    }
    let plain = value.to_string();
    if plain.contains('.') {
        plain
    } else {
        format!("{plain}.0")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{diag::Span, yaml::Node};

    #[test]
    fn plain_scalars_become_what_ruby_makes_of_them() {
        let table: &[(&str, &str, &str)] = &[
            // (written, kind, as text)
            ("", "nothing", ""),
            ("~", "nothing", ""),
            ("Null", "nothing", ""),
            ("yes", "a boolean", "true"),
            ("On", "a boolean", "true"),
            ("OFF", "a boolean", "false"),
            ("no", "a boolean", "false"),
            ("y", "a string", "y"),
            ("n", "a string", "n"),
            ("nope", "a string", "nope"),
            ("0", "a number", "0"),
            ("-12", "a number", "-12"),
            ("1_000", "a number", "1000"),
            ("1,000", "a number", "1000"),
            ("0777", "a number", "511"),
            ("010", "a number", "8"),
            ("08", "a string", "08"),
            ("0o17", "a string", "0o17"),
            ("0x1F", "a number", "31"),
            ("0b101", "a number", "5"),
            ("1:30", "a number", "5400"),
            ("22:22", "a number", "80520"),
            ("1:30:15", "a number", "5415"),
            ("1:99", "a string", "1:99"),
            ("1.10", "a number", "1.1"),
            ("1.0", "a number", "1.0"),
            ("3.", "a number", "3.0"),
            (".5", "a number", "0.5"),
            (".", "a string", "."),
            ("-.", "a string", "-."),
            ("1.2.3", "a string", "1.2.3"),
            ("1e3", "a string", "1e3"),
            ("1.5e3", "a string", "1.5e3"),
            ("1.5e+3", "a number", "1500.0"),
            ("1.0e+20", "a number", "1.0e+20"),
            ("0.00001", "a number", "1.0e-05"),
            (".inf", "a number", "Infinity"),
            ("-.INF", "a number", "-Infinity"),
            (".NaN", "a number", "NaN"),
            ("99999999999999999999", "a string", "99999999999999999999"),
            ("2026-01-31", "a string", "2026-01-31"),
            ("v1", "a string", "v1"),
            ("-", "a string", "-"),
            ("+", "a string", "+"),
            ("0x", "a string", "0x"),
            ("0_", "a string", "0_"),
        ];
        for (text, kind, shown) in table {
            let node = Node::new(Span::default(), resolve_plain(text));
            assert_eq!(node.kind(), *kind, "{text}");
            assert_eq!(node.to_text().as_deref(), Some(*shown), "{text}");
        }
    }

    #[test]
    fn dates_are_recognised() {
        for text in [
            "2026-01-31",
            "2026-1-3",
            "2026-01-31 10:00:00",
            "2026-01-31T10:00:00Z",
        ] {
            assert!(looks_like_date(text), "{text}");
        }
        for text in ["2026-01", "2026", "2026-01-31-rc1", "20260-01-31", ""] {
            assert!(!looks_like_date(text), "{text}");
        }
    }

    #[test]
    fn a_very_long_number_is_text() {
        let digits = "9".repeat(1_000);
        assert!(matches!(resolve_plain(&digits), Value::String(_)));
    }
}
