//! Which letters belong to the scripts and symbols that need invisible characters.
//!
//! Only ranges; the rules that use them are in `context.rs`. Invariant: no character here is itself one that
//! the sanitizer may take out, a combining mark apart.

/// A letter of a script whose letters join: Unicode blocks with `Joining_Type` values other than U.
pub(super) fn is_cursive(c: char) -> bool {
    let in_block = matches!(u32::from(c),
        // Arabic, Syriac, N'Ko, Mandaic and their supplements.
        0x0620..=0x077F | 0x07C0..=0x07FF | 0x0840..=0x08FF | 0xFB50..=0xFDCF | 0xFDF0..=0xFDFF
        | 0xFE70..=0xFEFC
        // Phags-pa; Manichaean, Psalter Pahlavi, Hanifi Rohingya, Garay, Sogdian, Uyghur, Chorasmian, Adlam.
        | 0xA840..=0xA877 | 0x10AC0..=0x10AFF | 0x10B80..=0x10BAF | 0x10D00..=0x10D8F
        | 0x10F30..=0x10FDF | 0x1E900..=0x1E95F);
    (in_block || is_mongolian(c)) && c.is_alphabetic() && !super::unicode::is_mark(c)
}

/// A letter of the Mongolian block: Mongolian, Todo, Sibe, Manchu.
pub(super) fn is_mongolian(c: char) -> bool {
    matches!(u32::from(c), 0x1820..=0x1878 | 0x1880..=0x1884 | 0x1887..=0x18A8 | 0x18AA)
}

/// A Han ideograph: the bases of ideographic variation sequences (UTS #37).
pub(super) fn is_ideograph(c: char) -> bool {
    matches!(u32::from(c), 0x3400..=0x4DBF | 0x4E00..=0x9FFF | 0xF900..=0xFAFF | 0x20000..=0x323AF)
}

/// Other bases of standardized variation sequences 1 to 3: Myanmar, Phags-pa, mathematical operators, and
/// CJK punctuation with its fullwidth forms.
pub(super) fn takes_standard_variants(c: char) -> bool {
    matches!(u32::from(c), 0x1000..=0x1081 | 0xA856..=0xA872 | 0x2205..=0x22FF | 0x2A00..=0x2AFF
        | 0x3001..=0x3002 | 0xFF01..=0xFF1F)
}

/// An emoji or a symbol reserved to become one (`Extended_Pictographic`), or a skin tone.
pub(super) fn is_pictograph(c: char) -> bool {
    matches!(u32::from(c),
        0x1F3FB..=0x1F3FF | 0xA9 | 0xAE | 0x203C | 0x2049 | 0x2122 | 0x2139 | 0x2194..=0x2199
        | 0x21A9..=0x21AA | 0x231A..=0x231B | 0x2328 | 0x2388 | 0x23CF | 0x23E9..=0x23F3
        | 0x23F8..=0x23FA | 0x24C2 | 0x25AA..=0x25AB | 0x25B6 | 0x25C0 | 0x25FB..=0x25FE
        | 0x2600..=0x2605 | 0x2607..=0x2612 | 0x2614..=0x2685 | 0x2690..=0x2705 | 0x2708..=0x2712
        | 0x2714 | 0x2716 | 0x271D | 0x2721 | 0x2728 | 0x2733..=0x2734 | 0x2744 | 0x2747 | 0x274C
        | 0x274E | 0x2753..=0x2755 | 0x2757 | 0x2763..=0x2767 | 0x2795..=0x2797 | 0x27A1 | 0x27B0
        | 0x27BF | 0x2934..=0x2935 | 0x2B05..=0x2B07 | 0x2B1B..=0x2B1C | 0x2B50 | 0x2B55 | 0x3030
        | 0x303D | 0x3297 | 0x3299 | 0x1F000..=0x1F0FF | 0x1F10D..=0x1F10F | 0x1F12F
        | 0x1F16C..=0x1F171 | 0x1F17E..=0x1F17F | 0x1F18E | 0x1F191..=0x1F19A | 0x1F1AD..=0x1F1E5
        | 0x1F201..=0x1F20F | 0x1F21A | 0x1F22F | 0x1F232..=0x1F23A | 0x1F23C..=0x1F23F
        | 0x1F249..=0x1F3FA | 0x1F400..=0x1F53D | 0x1F546..=0x1F64F | 0x1F680..=0x1F6FF
        | 0x1F774..=0x1F77F | 0x1F7D5..=0x1F7FF | 0x1F80C..=0x1F80F | 0x1F848..=0x1F84F
        | 0x1F85A..=0x1F85F | 0x1F888..=0x1F88F | 0x1F8AE..=0x1F8FF | 0x1F90C..=0x1F93A
        | 0x1F93C..=0x1F945 | 0x1F947..=0x1FAFF | 0x1FC00..=0x1FFFD)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictographs_are_those_of_the_unicode_character_database_and_the_skin_tones() {
        let listed = regex::Regex::new(r"^[\p{Extended_Pictographic}\p{Emoji_Modifier}]$").unwrap();
        for c in '\0'..=char::MAX {
            let expected = listed.is_match(c.encode_utf8(&mut [0; 4]));
            assert_eq!(is_pictograph(c), expected, "U+{:04X}", u32::from(c));
        }
    }

    #[test]
    fn cursive_letters_are_letters_of_joining_scripts() {
        assert!(is_cursive('\u{0645}') && is_cursive('\u{0710}') && is_cursive('\u{1820}'));
        assert!(!is_cursive('a') && !is_cursive('\u{0661}') && !is_cursive('\u{064E}'));
    }
}
