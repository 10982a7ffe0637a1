//! How words of others are shown in our sentences: quoted, short, printable ASCII.
//!
//! A key of the arguments or a text of a tool's schema may carry escapes, invisible characters or a page of
//! instructions. Invariant: what leaves here is one line of printable ASCII of bounded length.

use std::fmt::Write;

/// Characters of one word that are shown.
const SHOWN_MAX: usize = 64;

/// `word` in double quotes, as a JSON string in ASCII, cut after 64 characters.
pub(super) fn quoted(word: &str) -> String {
    format!("\"{}\"", plain(word))
}

/// `word` without quotes, escaped and cut as in [`quoted`].
pub(super) fn plain(word: &str) -> String {
    let mut shown = String::new();
    for (index, character) in word.chars().enumerate() {
        if index == SHOWN_MAX {
            shown.push_str("...");
            break;
        }
        match character {
            '"' | '\\' => shown.extend(['\\', character]),
            ' '..='~' => shown.push(character),
            _ => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    // Writing to a `String` cannot fail.
                    let _ = write!(shown, "\\u{unit:04x}");
                }
            }
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_escape_sequence_and_a_bidi_mark_are_shown_as_escapes() {
        assert_eq!(quoted("a\u{1b}[2J\u{202e}b"), "\"a\\u001b[2J\\u202eb\"");
    }

    #[test]
    fn a_long_word_is_cut() {
        assert_eq!(quoted(&"x".repeat(65)), format!("\"{}...\"", "x".repeat(64)));
        assert_eq!(quoted(&"x".repeat(64)), format!("\"{}\"", "x".repeat(64)));
    }

    proptest! {
        #[test]
        fn whatever_the_word_is_the_shown_one_is_short_printable_ascii(word in any::<String>()) {
            let shown = quoted(&word);
            prop_assert!(shown.bytes().all(|byte| (0x20..0x7f).contains(&byte)));
            prop_assert!(shown.len() <= SHOWN_MAX * 12 + 5);
        }
    }
}
