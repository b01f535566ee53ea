//! How long to wait: a little apart from others, and longer after each failure.

use aqueduct_core::time::Millis;

/// `base` doubled with each failure after the first, at most `cap` (but never less than `base`).
pub(super) fn after(base: Millis, failures: u32, cap: Millis) -> Millis {
    let doublings = failures.saturating_sub(1).min(20);
    let longer = base.0.saturating_mul(1 << doublings);
    Millis(longer.min(cap.0.max(base.0)))
}

/// `time` give or take a tenth, so that many with the same period don't all come at once. Which, `seed` says.
pub(super) fn spread(time: Millis, seed: u64) -> Millis {
    // One round of SplitMix64: neighbouring seeds end far apart.
    let mut mixed = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^= mixed >> 31;
    let width = time.0 / 5;
    let offset = if width == 0 { 0 } else { mixed % (width + 1) };
    Millis(time.0 - time.0 / 10 + offset)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_double_the_wait_up_to_a_cap() {
        let wait = |failures| after(Millis(10), failures, Millis(60)).0;
        assert_eq!(
            [0, 1, 2, 3, 4, u32::MAX].map(wait),
            [10, 10, 20, 40, 60, 60]
        );
        assert_eq!(after(Millis(100), 3, Millis(60)), Millis(100));
    }

    #[test]
    fn waits_differ_by_a_tenth_at_most() {
        let times: Vec<u64> = (0..100).map(|seed| spread(Millis(1000), seed).0).collect();
        assert!(
            times.iter().all(|time| (900..=1100).contains(time)),
            "{times:?}"
        );
        assert!(times.iter().any(|time| *time < 950) && times.iter().any(|time| *time > 1050));
        assert_eq!(spread(Millis(1), 7), Millis(1));
    }
}
