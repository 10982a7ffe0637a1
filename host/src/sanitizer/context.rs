//! Characters that are needed in one place and an attack in another: joiners, selectors, tags, marks.
//!
//! Rules: emoji sequences (Unicode Technical Standard #51), joiners (Unicode Standard Annex #31 §2.3.1,
//! contexts A1, A2 and B, and the Bengali and Arabic uses of ZWJ in chapters 9 and 12 of the Unicode
//! Standard), variation sequences (chapter 23.4), combining marks (Annex #15 §13, Stream-Safe Text Format).
//! Where a rule asks for a property that we have no table of, a script's letters stand for it: lenient, but
//! never two in a row. Invariant: a decision looks back at what was kept and ahead at one character that is
//! sure to be kept, so the same text, sanitized again, is decided the same.

use super::MARKS_MAX;
use super::script::{is_cursive, is_ideograph, is_mongolian, is_pictograph, takes_standard_variants};
use super::unicode::{is_mark, next_visible};
use unicode_normalization::char::canonical_combining_class;

const ZWNJ: char = '\u{200C}';
const ZWJ: char = '\u{200D}';
const TEXT_STYLE: char = '\u{FE0E}';
const EMOJI_STYLE: char = '\u{FE0F}';
const KEYCAP: char = '\u{20E3}';
const BLACK_FLAG: char = '\u{1F3F4}';
const CANCEL_TAG: char = '\u{E007F}';
const MONGOLIAN_VOWEL_SEPARATOR: char = '\u{180E}';

/// The flags recommended for general interchange: England, Scotland, Wales.
const FLAGS: [&str; 3] = [
    "\u{E0067}\u{E0062}\u{E0065}\u{E006E}\u{E0067}\u{E007F}",
    "\u{E0067}\u{E0062}\u{E0073}\u{E0063}\u{E0074}\u{E007F}",
    "\u{E0067}\u{E0062}\u{E0077}\u{E006C}\u{E0073}\u{E007F}",
];

/// What was kept so far, as far as it matters.
#[derive(Debug, Default)]
pub(super) struct Context {
    /// The last character kept.
    last: Option<char>,
    /// The last one that stands on its own: no mark, joiner, selector or tag.
    base: Option<char>,
    /// Combining marks kept since the base.
    marks: usize,
}

impl Context {
    /// Keeps a character that stands on its own.
    pub(super) fn keep(&mut self, c: char) {
        *self = Self { last: Some(c), base: Some(c), marks: 0 };
    }

    /// Keeps a combining mark if its base has not too many.
    pub(super) fn keeps_mark(&mut self, c: char) -> bool {
        let keeps = self.marks < MARKS_MAX;
        if keeps {
            self.marks += 1;
            self.last = Some(c);
        }
        keeps
    }

    /// Keeps ZWJ or ZWNJ where a script or an emoji needs it. `rest` is what follows it.
    pub(super) fn keeps_joiner(&mut self, c: char, rest: &str) -> bool {
        let next = next_visible(rest);
        let keeps = match c {
            ZWJ => self.joins_emoji(next) || self.joins_letters(next),
            _ => self.parts_letters(next),
        };
        self.keep_if(keeps, c)
    }

    /// Keeps a variation selector where it selects something. `rest` is what follows it.
    pub(super) fn keeps_selector(&mut self, c: char, rest: &str) -> bool {
        let last = self.last.unwrap_or_default();
        let keeps = match c {
            TEXT_STYLE | EMOJI_STYLE if matches!(last, '0'..='9' | '#' | '*') => {
                next_visible(rest) == Some(KEYCAP)
            }
            TEXT_STYLE | EMOJI_STYLE => is_pictograph(last),
            '\u{FE00}'..='\u{FE02}' => is_ideograph(last) || takes_standard_variants(last),
            // Registered ideographic sequences, nearly all in the first 32: less room to smuggle in.
            '\u{E0100}'..='\u{E011F}' => is_ideograph(last),
            MONGOLIAN_VOWEL_SEPARATOR => is_mongolian(last) && next_visible(rest).is_some_and(is_mongolian),
            '\u{180B}'..='\u{180F}' => is_mongolian(last),
            _ => false,
        };
        self.keep_if(keeps, c)
    }

    /// How many bytes of tag characters here spell a flag after its black flag; 0 when they do not.
    pub(super) fn keeps_flag(&mut self, here: &str) -> usize {
        if self.last != Some(BLACK_FLAG) {
            return 0;
        }
        let flag = FLAGS.iter().find(|flag| here.starts_with(**flag));
        self.keep_if(flag.is_some(), CANCEL_TAG);
        flag.map_or(0, |flag| flag.len())
    }

    fn keep_if(&mut self, keeps: bool, c: char) -> bool {
        if keeps {
            self.last = Some(c);
        }
        keeps
    }

    /// UTS #51, ED-16: a ZWJ between two emoji, each with its style, skin tone or tags.
    fn joins_emoji(&self, next: Option<char>) -> bool {
        let ended = match self.last {
            Some(EMOJI_STYLE | CANCEL_TAG) => self.base.is_some_and(is_pictograph),
            last => last.is_some_and(is_pictograph),
        };
        ended && next.is_some_and(is_pictograph)
    }

    /// Context B: after a virama. Bengali and Kannada: between a letter and a virama. Arabic: after a letter.
    fn joins_letters(&self, next: Option<char>) -> bool {
        let last = self.last.unwrap_or_default();
        let letter = self.last == self.base && last.is_alphabetic();
        is_virama(last) || (letter && next.is_some_and(is_virama)) || self.after_cursive()
    }

    /// Contexts A1 (between letters of a cursive script) and A2 (between a virama and a letter).
    fn parts_letters(&self, next: Option<char>) -> bool {
        let Some(next) = next else { return false };
        let cursive = self.after_cursive() && is_cursive(next);
        cursive || (self.last.is_some_and(is_virama) && next.is_alphabetic() && !is_mark(next))
    }

    /// Whether the last thing kept is a letter of a cursive script, perhaps with marks.
    fn after_cursive(&self) -> bool {
        let bare = self.last == self.base || self.last.is_some_and(is_mark);
        bare && !matches!(self.last, Some(ZWNJ | ZWJ)) && self.base.is_some_and(is_cursive)
    }
}

/// Whether a character needs something before or after it to be kept, so that a cut next to it is unsafe.
pub(super) fn needs_next(c: char) -> bool {
    matches!(c, ZWNJ | ZWJ | MONGOLIAN_VOWEL_SEPARATOR | TEXT_STYLE | EMOJI_STYLE | '\r')
        || matches!(c, '\u{E0020}'..=CANCEL_TAG)
}

/// Canonical combining class 9.
fn is_virama(c: char) -> bool {
    canonical_combining_class(c) == 9
}
