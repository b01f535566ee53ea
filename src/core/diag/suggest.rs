//! "Did you mean …".

/// The candidate nearest to `word`, if it is near enough to be a slip of the keyboard: at most a third of the
/// letters differ (one for very short words), case apart.
pub fn did_you_mean<'c>(
    word: &str,
    candidates: impl IntoIterator<Item = &'c str>,
) -> Option<&'c str> {
    let word = word.to_lowercase();
    let length = word.chars().count();
    if length > MAX_LENGTH {
        return None;
    }
    let allowed = (length / 3).max(1);
    candidates
        .into_iter()
        .filter(|candidate| candidate.chars().count().abs_diff(length) <= allowed)
        .map(|candidate| (distance(&word, &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= allowed && *distance < length.max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Longer words are not names that somebody mistyped, and the search is quadratic.
const MAX_LENGTH: usize = 100;

/// Edits between two words: insertions, deletions, replacements and swaps of neighbours (optimal string alignment).
fn distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.chars().collect();
    let b: Vec<char> = b.chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut previous: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replaced = previous[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = replaced.min(previous[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(before[j - 2] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut previous, row);
    }
    previous[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_near_words_are_offered() {
        let table = [
            ("scirpt", Some("script")),
            ("Script", Some("script")),
            ("stages", Some("stage")),
            ("befor_script", Some("before_script")),
            ("xyz", None),
            ("", None),
        ];
        for (word, expected) in table {
            let known = ["script", "before_script", "stage", "image"];
            assert_eq!(did_you_mean(word, known), expected, "{word}");
        }
    }

    #[test]
    fn a_very_long_word_costs_nothing() {
        assert_eq!(did_you_mean(&"x".repeat(1 << 20), ["script"]), None);
    }
}
