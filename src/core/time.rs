//! Time as integers. The core never reads a clock: a [`Timestamp`] is always an argument.

use std::{fmt, ops};

use serde::{Deserialize, Serialize};

/// Milliseconds since the Unix epoch.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

/// A length of time in milliseconds; never negative.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Millis(pub u64);

impl Millis {
    /// `seconds` as milliseconds, saturating.
    pub const fn from_secs(seconds: u64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// As the standard library's duration.
    pub const fn to_std(self) -> std::time::Duration {
        std::time::Duration::from_millis(self.0)
    }
}

impl Timestamp {
    /// How long ago `earlier` was; zero if it lies in the future (clocks step back).
    pub fn since(self, earlier: Self) -> Millis {
        Millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// In UTC to the second, as RFC 3339 writes it: `2026-11-24T08:30:00Z`.
    pub fn rfc3339(self) -> String {
        let seconds = self.0.div_euclid(1000);
        let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
        let (year, month, day) = civil(days);
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }
}

impl Timestamp {
    /// To the second in a zone that many minutes east of UTC, as `CI_COMMIT_TIMESTAMP` has it: `2026-11-24T09:30:00+01:00`.
    /// `None` where the year has no four digits.
    pub fn rfc3339_at(self, offset: i32) -> Option<String> {
        // No zone is as far away as a day.
        let offset = if offset.abs() < 1440 { offset } else { 0 };
        let local = Self(self.0.checked_add(i64::from(offset) * 60_000)?);
        // Years -9999 to 9999, in milliseconds.
        if !(-377_705_116_800_000..253_402_300_800_000).contains(&local.0) {
            return None;
        }
        let text = local.rfc3339();
        let sign = if offset < 0 { '-' } else { '+' };
        let (hours, minutes) = (offset.abs() / 60, offset.abs() % 60);
        Some(format!(
            "{}{sign}{hours:02}:{minutes:02}",
            text.trim_end_matches('Z')
        ))
    }

    /// Reads RFC 3339 (`2026-11-24T08:30:00.5+01:00`), to the second; `None` if it isn't.
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        let number = |from: usize, to: usize| -> Option<i64> {
            let digits = text.get(from..to)?;
            let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
            plain.then(|| digits.parse().ok()).flatten()
        };
        let marks = [(4, "-"), (7, "-"), (13, ":"), (16, ":")];
        if !marks
            .iter()
            .all(|(at, mark)| text.get(*at..at + 1) == Some(mark))
        {
            return None;
        }
        let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
        let seconds = number(11, 13)? * 3600 + number(14, 16)? * 60 + number(17, 19)?;
        let zone = text
            .get(19..)?
            .trim_start_matches(|c: char| c == '.' || c.is_ascii_digit());
        let offset = match zone {
            "Z" | "z" => 0,
            _ => {
                let at = text.len() - zone.len();
                let minutes = number(at + 1, at + 3)? * 60 + number(at + 4, at + 6)?;
                match zone.get(..1)? {
                    "+" => minutes * 60,
                    "-" => -minutes * 60,
                    _ => return None,
                }
            }
        };
        let days = (1..=12)
            .contains(&month)
            .then(|| day_number(year, month, day))?;
        Some(Self((days * 86_400 + seconds - offset) * 1000))
    }
}

/// The inverse of [`civil`].
fn day_number(year: i64, month: i64, day: i64) -> i64 {
    let shifted_year = year - i64::from(month <= 2);
    let shifted_month = if month > 2 { month - 3 } else { month + 9 };
    let (era, year_of_era) = (shifted_year.div_euclid(400), shifted_year.rem_euclid(400));
    let day_of_year = (153 * shifted_month + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// Year, month and day of a day counted from 1970-01-01, in the proleptic Gregorian calendar. Counts in eras of 400 years
/// that begin on 1 March, so that the leap day is the last of its year.
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

impl ops::Add<Millis> for Timestamp {
    type Output = Self;
    fn add(self, rhs: Millis) -> Self {
        Self(
            self.0
                .saturating_add(i64::try_from(rhs.0).unwrap_or(i64::MAX)),
        )
    }
}

impl fmt::Display for Millis {
    /// `850ms`, `1.2s`, `3m 04s`, `2h 05m`: what a person reads in a summary.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = self.0;
        let seconds = ms / 1000;
        match seconds {
            0 => write!(f, "{ms}ms"),
            1..=59 => write!(f, "{}.{}s", seconds, (ms % 1000) / 100),
            60..=3599 => write!(f, "{}m {:02}s", seconds / 60, seconds % 60),
            _ => write!(f, "{}h {:02}m", seconds / 3600, (seconds / 60) % 60),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn millis_read_like_a_person_writes_them() {
        let table = [
            (0, "0ms"),
            (850, "850ms"),
            (1250, "1.2s"),
            (184_000, "3m 04s"),
            (7_500_000, "2h 05m"),
        ];
        for (ms, text) in table {
            assert_eq!(Millis(ms).to_string(), text);
        }
    }

    #[test]
    fn timestamps_read_as_utc() {
        let table = [
            (0, "1970-01-01T00:00:00Z"),
            (-1, "1969-12-31T23:59:59Z"),
            (951_782_400_000, "2000-02-29T00:00:00Z"),
            (1_709_251_199_999, "2024-02-29T23:59:59Z"),
            (4_102_444_800_000, "2100-01-01T00:00:00Z"),
            (1_795_509_000_000, "2026-11-24T08:30:00Z"),
        ];
        for (ms, text) in table {
            assert_eq!(Timestamp(ms).rfc3339(), text);
        }
    }

    #[test]
    fn timestamps_carry_their_offset() {
        let table = [
            (0, 0, Some("1970-01-01T00:00:00+00:00")),
            (951_782_400, 60, Some("2000-02-29T01:00:00+01:00")),
            (1_735_689_599, -330, Some("2024-12-31T18:29:59-05:30")),
            (0, 1440, Some("1970-01-01T00:00:00+00:00")),
            (i64::MAX / 1000, 0, None),
            (253_402_300_799, 1, None),
        ];
        for (seconds, offset, text) in table {
            let shown = Timestamp(seconds * 1000).rfc3339_at(offset);
            assert_eq!(shown.as_deref(), text, "{seconds}");
        }
    }

    #[test]
    fn rfc3339_is_read_as_it_is_written() {
        for ms in [
            0,
            951_782_400_000,
            1_700_000_000_000,
            -1_000,
            4_102_444_800_000,
        ] {
            let time = Timestamp(ms);
            assert_eq!(Timestamp::parse_rfc3339(&time.rfc3339()), Some(time));
        }
        let table = [
            ("2023-11-14T23:13:20+01:00", Some(1_700_000_000_000)),
            ("2023-11-14T22:13:20.75Z", Some(1_700_000_000_000)),
            ("2023-11-14 22:13:20", None),
            ("2023-13-14T22:13:20Z", None),
            ("yesterday", None),
            ("2023-11-14T22:13:20+é", None),
        ];
        for (text, ms) in table {
            assert_eq!(Timestamp::parse_rfc3339(text), ms.map(Timestamp), "{text}");
        }
    }

    #[test]
    fn a_clock_that_steps_back_gives_zero() {
        assert_eq!(Timestamp(5).since(Timestamp(9)), Millis(0));
    }
}
