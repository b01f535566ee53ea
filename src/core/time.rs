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
    fn a_clock_that_steps_back_gives_zero() {
        assert_eq!(Timestamp(5).since(Timestamp(9)), Millis(0));
    }
}
