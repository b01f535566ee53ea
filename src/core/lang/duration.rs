//! Durations as people write them in a pipeline: `1h 30m`, `90 minutes`, `3 weeks and 2 days`, `3600`.

use crate::time::Millis;

/// Reads a duration; a number that stands alone counts seconds.
///
/// Units are seconds to years with their usual short forms, in any case; `and` and commas may stand between the parts.
/// A month has 30 days and a year 365.25 days, as in GitLab's parser. `None` for anything else, and for what overflows.
pub fn parse(text: &str) -> Option<Millis> {
    let mut rest = text.trim();
    let mut total: f64 = 0.0;
    let mut parts = 0;
    while !rest.is_empty() {
        let (number, after) = number(rest)?;
        let after = after.trim_start();
        let end = after
            .find(|c: char| !c.is_ascii_alphabetic())
            .unwrap_or(after.len());
        let (unit, after) = after.split_at(end);
        if unit.is_empty() && (parts > 0 || !after.is_empty()) {
            return None;
        }
        total += number * if unit.is_empty() { 1.0 } else { seconds(unit)? };
        parts += 1;
        rest = separator(after);
    }
    let milliseconds = total * 1000.0;
    (parts > 0 && milliseconds < 9.0e15).then_some(Millis(milliseconds.round() as u64))
}

/// A decimal number at the start, and what follows it.
fn number(text: &str) -> Option<(f64, &str)> {
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    Some((digits.parse().ok()?, rest))
}

fn separator(text: &str) -> &str {
    let text = text.trim_start().trim_start_matches(',').trim_start();
    match text.split_once(char::is_whitespace) {
        Some(("and", rest)) => rest.trim_start(),
        _ => text,
    }
}

fn seconds(unit: &str) -> Option<f64> {
    const DAY: f64 = 86_400.0;
    Some(match unit.to_ascii_lowercase().as_str() {
        "s" | "sec" | "secs" | "second" | "seconds" => 1.0,
        "m" | "min" | "mins" | "minute" | "minutes" => 60.0,
        "h" | "hr" | "hrs" | "hour" | "hours" => 3600.0,
        "d" | "day" | "days" => DAY,
        "w" | "wk" | "wks" | "week" | "weeks" => 7.0 * DAY,
        "mo" | "mos" | "month" | "months" => 30.0 * DAY,
        "y" | "yr" | "yrs" | "year" | "years" => 365.25 * DAY,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_real_pipelines() {
        let table = [
            ("42", 42),
            ("42 seconds", 42),
            ("3 mins 4 sec", 184),
            ("2 hrs 20 min", 8400),
            ("2h20min", 8400),
            ("1h 30m", 5400),
            ("90 minutes", 5400),
            ("1 Day", 86_400),
            ("6 mos 1 day", 15_638_400),
            ("3 weeks and 2 days", 1_987_200),
            ("1 hour, 30 minutes", 5400),
            ("1.5h", 5400),
        ];
        for (text, seconds) in table {
            assert_eq!(parse(text), Some(Millis::from_secs(seconds)), "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            " ",
            "soon",
            "1 fortnight",
            "h",
            "1h 30",
            "-5m",
            "1..5h",
            "5 5",
            "1e400y",
            "and",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
