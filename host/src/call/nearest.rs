//! The nearest right word, for "did you mean".
//!
//! Not here: sentences. Invariant: a word is offered only when a slip of the keys explains the difference.

/// The candidate nearest to `word`, when it is near enough that a slip explains the difference: about one
/// changed, missing, doubled or swapped character in three, letter case and `-`/`_` aside.
///
/// Of equally near ones the first. Words over 64 characters have no neighbor.
pub fn nearest<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    const CHARS_MAX: usize = 64;
    let chars = word.chars().count();
    if chars == 0 || chars > CHARS_MAX {
        return None;
    }
    let folded = fold(word);
    let near = candidates.into_iter().filter_map(|candidate| {
        let candidate_chars = candidate.chars().take(CHARS_MAX + 1).count();
        if candidate_chars > CHARS_MAX {
            return None;
        }
        let distance = strsim::osa_distance(&folded, &fold(candidate));
        let distance_max = chars.max(candidate_chars).div_ceil(3);
        // Half of a short word is no slip: `id` is not `to`.
        (distance <= distance_max && distance * 2 <= chars.min(candidate_chars))
            .then_some((distance, candidate))
    });
    near.min_by_key(|(distance, _)| *distance).map(|(_, candidate)| candidate)
}

fn fold(word: &str) -> String {
    word.chars().map(|c| if c == '-' { '_' } else { c.to_ascii_lowercase() }).collect()
}

#[cfg(test)]
mod tests {
    use super::nearest;

    const KEYS: [&str; 5] = ["limit", "offset", "path", "max_results", "id"];

    #[test]
    fn a_slip_finds_the_word() {
        for (slip, word) in
            [("limt", "limit"), ("ofset", "offset"), ("paht", "path"), ("max-result", "max_results")]
        {
            assert_eq!(nearest(slip, KEYS), Some(word), "{slip}");
        }
    }

    #[test]
    fn letter_case_and_dashes_do_not_count() {
        assert_eq!(nearest("Max-Results", KEYS), Some("max_results"));
    }

    #[test]
    fn another_word_finds_nothing() {
        for word in ["query", "colour", "to", "x", ""] {
            assert_eq!(nearest(word, KEYS), None, "{word}");
        }
    }

    #[test]
    fn a_very_long_word_finds_nothing() {
        assert_eq!(nearest(&"limit".repeat(100), KEYS), None);
    }

    #[test]
    fn of_equally_near_words_the_first_is_offered() {
        assert_eq!(nearest("cart", ["card", "care"]), Some("card"));
    }
}
