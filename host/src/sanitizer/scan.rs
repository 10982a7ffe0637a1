//! The fast path: is there anything at all to do in this string?
//!
//! Clean text is the rule, so this reads it once, ASCII a block at a time, and allocates nothing. Invariant:
//! a string that [`is_clean`] accepts would come out of `clean.rs` byte for byte.

use super::unicode::{Kind, is_mark, kind};
use super::{MARKS_MAX, envelope};

/// Bytes checked together in long and in short runs; the compiler makes vector instructions of it.
const BLOCK_BYTES: usize = 64;
const SMALL_BLOCK_BYTES: usize = 8;

/// After so many ASCII characters in a row among others, blocks are tried again.
const ASCII_RUN: usize = 8;

/// Whether the string needs no work. May say no to a clean string, never yes to another.
pub(super) fn is_clean(text: &str) -> bool {
    let mut rest = text;
    while !rest.is_empty() {
        let plain = plain_ascii_bytes(rest.as_bytes());
        match clean_mixed(rest.get(plain..).unwrap_or_default()) {
            Some(unread) => rest = unread,
            None => return false,
        }
    }
    !envelope::is_imitated(text)
}

/// Reads characters up to a run of ASCII, behind which blocks are worth trying. Gives what is left to read,
/// or nothing if a character needs work.
fn clean_mixed(text: &str) -> Option<&str> {
    let mut chars = text.chars();
    let (mut marks, mut ascii) = (0, 0);
    while let Some(c) = chars.next() {
        let followed = || chars.as_str().starts_with('\n');
        match c {
            ' '..='~' | '\n' | '\t' => ascii += 1,
            c if is_common(c) => ascii = 0,
            '\r' if followed() => ascii += 1,
            c if kind(c) != Kind::Plain => return None,
            c if is_mark(c) => {
                (marks, ascii) = (marks + 1, 0);
                if marks > MARKS_MAX {
                    return None;
                }
                continue;
            }
            _ => ascii = 0,
        }
        marks = 0;
        if ascii > ASCII_RUN {
            break;
        }
    }
    Some(chars.as_str())
}

/// How many bytes from the start are printable ASCII, tab or newline.
pub(super) fn plain_ascii_bytes(bytes: &[u8]) -> usize {
    let long = plain_blocks::<BLOCK_BYTES>(bytes);
    let rest = bytes.get(long..).unwrap_or_default();
    let short = plain_blocks::<SMALL_BLOCK_BYTES>(rest);
    let rest = rest.get(short..).unwrap_or_default();
    long + short + rest.iter().take_while(|b| is_plain(**b)).count()
}

/// How many bytes from the start are in whole plain blocks.
fn plain_blocks<const BYTES: usize>(bytes: &[u8]) -> usize {
    let (blocks, _) = bytes.as_chunks::<BYTES>();
    let is_whole = |block: &&[u8; BYTES]| block.iter().fold(true, |all, b| all & is_plain(*b));
    blocks.iter().take_while(is_whole).count() * BYTES
}

fn is_plain(byte: u8) -> bool {
    (byte.wrapping_sub(0x20) < 0x5F) | (byte == b'\n') | (byte == b'\t')
}

/// Letters of the most common scripts, none of them a mark or anything else of note (a test compares): they
/// need no look into the tables.
pub(super) fn is_common(c: char) -> bool {
    matches!(u32::from(c),
        // Latin, Greek and Cyrillic; Arabic.
        0xAE..=0x2C1 | 0x370..=0x482 | 0x48A..=0x52F | 0x620..=0x64A | 0x66E..=0x66F | 0x671..=0x6D3
        // Devanagari and Thai; kana, ideographs, Hangul.
        | 0x904..=0x939 | 0xE01..=0xE30 | 0xE40..=0xE46
        | 0x3041..=0x3096 | 0x30A0..=0x30FF | 0x3400..=0x9FFF | 0xAC00..=0xD7A3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_letters_are_plain_and_no_marks() {
        for c in ('\0'..=char::MAX).filter(|c| is_common(*c)) {
            assert_eq!(kind(c), Kind::Plain, "U+{:04X}", u32::from(c));
            assert!(!unicode_normalization::char::is_combining_mark(c), "U+{:04X}", u32::from(c));
        }
    }

    #[test]
    fn a_run_of_marks_counts_across_the_ways_of_reading() {
        let marks = "\u{301}".repeat(MARKS_MAX);
        assert!(is_clean(&format!("{}{marks}a{marks}", "a".repeat(100))));
        assert!(!is_clean(&format!("{}{marks}\u{301}", "a".repeat(100))));
    }

    #[test]
    fn bytes_at_the_edges_of_blocks_are_read() {
        for length in 0..200 {
            let text = "x".repeat(length);
            assert_eq!(plain_ascii_bytes(format!("{text}\u{7F}").as_bytes()), length);
            assert!(is_clean(&text) && !is_clean(&(text + "\u{1B}")));
        }
    }
}
