//! What each character is to the sanitizer, by code point alone.
//!
//! Not here: whether a character that depends on its neighbours stays (`context.rs`). Nothing is normalized:
//! NFC or NFKC would change honest data. Private-use characters, odd spaces and look-alike letters are
//! visible and stay. Invariant: every `Default_Ignorable_Code_Point` of the Unicode Character Database is
//! something other than [`Kind::Plain`] (a test asks another crate's tables).

use super::class;

/// What a character is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Stays; may still be a combining mark.
    Plain,
    /// Stays, unless it opens an imitated envelope: a look-alike of `<`.
    Bracket,
    /// Ends a line in a way that not every reader sees: becomes a newline.
    LineBreak,
    /// CR: stays before LF, else becomes a newline.
    Return,
    /// ESC, or a C1 control that opens a sequence.
    Introducer,
    /// Any other control character.
    Control,
    /// ZWNJ or ZWJ.
    Joiner,
    /// A variation selector or the Mongolian vowel separator.
    Selector,
    /// A tag character that may spell a flag.
    Tag,
    /// Never needed by any text.
    Hidden(Hidden),
}

/// The characters that always go, by what they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hidden {
    ZeroWidth,
    Bidi,
    Tag,
    SoftHyphen,
    Filler,
    Operator,
    Ignorable,
    Annotation,
    Noncharacter,
}

impl Hidden {
    pub(super) fn class(self) -> &'static str {
        match self {
            Self::ZeroWidth => class::ZERO_WIDTH,
            Self::Bidi => class::BIDI,
            Self::Tag => class::TAG_CHARACTERS,
            Self::SoftHyphen | Self::Filler | Self::Operator | Self::Ignorable => class::INVISIBLE,
            Self::Annotation => class::ANNOTATION,
            Self::Noncharacter => class::NONCHARACTER,
        }
    }

    pub(super) fn what(self) -> &'static str {
        match self {
            Self::ZeroWidth => "zero-width space or byte order mark",
            Self::Bidi => "text direction control",
            Self::Tag => "tag character",
            Self::SoftHyphen => "soft hyphen",
            Self::Filler => "character that looks like nothing",
            Self::Operator => "invisible operator",
            Self::Ignorable => "invisible character",
            Self::Annotation => "annotation or object mark",
            Self::Noncharacter => "noncharacter",
        }
    }
}

/// Says what a character is. Ranges are from the Unicode Character Database: `Default_Ignorable_Code_Point`,
/// `Bidi_Control`, `Variation_Selector`, `Noncharacter_Code_Point`.
pub(super) fn kind(c: char) -> Kind {
    match u32::from(c) {
        0x09 | 0x0A | 0x20..=0x7E => Kind::Plain,
        0x0B | 0x0C | 0x85 | 0x2028 | 0x2029 => Kind::LineBreak,
        0x0D => Kind::Return,
        0x1B | 0x90 | 0x98 | 0x9B | 0x9D..=0x9F => Kind::Introducer,
        0x00..=0x1F | 0x7F..=0x9F => Kind::Control,
        0xAD => Kind::Hidden(Hidden::SoftHyphen),
        0x200B | 0x2060 | 0xFEFF => Kind::Hidden(Hidden::ZeroWidth),
        0x061C | 0x200E | 0x200F | 0x202A..=0x202E | 0x2066..=0x2069 => Kind::Hidden(Hidden::Bidi),
        // Hangul, halfwidth and Khmer fillers, and the musical null notehead.
        0x115F | 0x1160 | 0x17B4 | 0x17B5 | 0x3164 | 0xFFA0 | 0x1D159 => Kind::Hidden(Hidden::Filler),
        0x2061..=0x2064 => Kind::Hidden(Hidden::Operator),
        // Grapheme joiner, deprecated format controls, shorthand and musical controls, reserved.
        0x034F | 0x2065 | 0x206A..=0x206F | 0xFFF0..=0xFFF8 | 0x1BCA0..=0x1BCA3 => {
            Kind::Hidden(Hidden::Ignorable)
        }
        0x1D173..=0x1D17A => Kind::Hidden(Hidden::Ignorable),
        0x200C | 0x200D => Kind::Joiner,
        0x180B..=0x180F | 0xFE00..=0xFE0F | 0xE0100..=0xE01EF => Kind::Selector,
        0xE0020..=0xE007F => Kind::Tag,
        0xE0000..=0xE001F => Kind::Hidden(Hidden::Tag),
        0xE0080..=0xE0FFF => Kind::Hidden(Hidden::Ignorable),
        0xFFF9..=0xFFFC => Kind::Hidden(Hidden::Annotation),
        0xFDD0..=0xFDEF => Kind::Hidden(Hidden::Noncharacter),
        code if code & 0xFFFE == 0xFFFE => Kind::Hidden(Hidden::Noncharacter),
        // Single angle quotation marks, brackets and less-than signs that look like `<`.
        0x02C2 | 0x2039 | 0x2329 | 0x276C | 0x276E | 0x27E8 | 0x3008 | 0xFE64 | 0xFF1C => Kind::Bracket,
        _ => Kind::Plain,
    }
}

/// Whether a reader would not see it: what may stand inside an escape sequence without ending it.
pub(super) fn is_invisible(c: char) -> bool {
    matches!(kind(c), Kind::Hidden(_) | Kind::Joiner | Kind::Selector | Kind::Tag)
}

/// The first character that is sure to be in the output, if nothing else comes before it.
pub(super) fn next_visible(rest: &str) -> Option<char> {
    rest.chars().find(|c| !matches!(kind(*c), Kind::Hidden(_)))
}

/// Whether the general category is Mark.
pub(super) fn is_mark(c: char) -> bool {
    // Nothing below U+0300 is one, nor any ideograph or Hangul syllable: the common case stays cheap.
    let code = u32::from(c);
    !matches!(code, 0..0x300 | 0x3400..=0x9FFF | 0xAC00..=0xD7FF)
        && unicode_normalization::char::is_combining_mark(c)
}
