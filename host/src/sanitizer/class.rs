//! The stable words for what the sanitizer finds: the `class` of a finding.
//!
//! Results, ledger and metrics carry these words, so they are only ever added to. Invariant: each is one
//! snake_case word, and [`ALL`] lists every one.

/// Replaced by a newline or removed: C0 and C1 control characters and DEL, outside any escape sequence.
pub const CONTROL_CHARACTER: &str = "control_character";
/// Removed: a whole ANSI/VT escape sequence (ECMA-48, ISO 2022), 7-bit or 8-bit, with its payload.
pub const ESCAPE_SEQUENCE: &str = "escape_sequence";
/// Replaced or removed: a carriage return or backspace by which later text is drawn over earlier text.
pub const OVERPRINT: &str = "overprint";
/// Replaced by a newline: VT, FF, NEL, U+2028 and U+2029.
pub const LINE_SEPARATOR: &str = "line_separator";
/// Removed: zero-width spaces and joiners where no script or emoji needs them, and byte order marks.
pub const ZERO_WIDTH: &str = "zero_width";
/// Removed: characters that only change the direction of other text (Unicode Annex #9).
pub const BIDI: &str = "bidi";
/// Removed: tag characters outside the three flags that use them (Unicode Technical Standard #51).
pub const TAG_CHARACTERS: &str = "tag_characters";
/// Removed: variation selectors that select nothing.
pub const VARIATION_SELECTOR: &str = "variation_selector";
/// Removed: other characters that draw nothing: soft hyphen, fillers, invisible operators and the like.
pub const INVISIBLE: &str = "invisible";
/// Removed: interlinear annotation and object replacement characters; the annotated text stays.
pub const ANNOTATION: &str = "annotation";
/// Removed: code points that Unicode keeps out of interchange for ever.
pub const NONCHARACTER: &str = "noncharacter";
/// Removed: combining marks beyond [`super::MARKS_MAX`] on one base.
pub const COMBINING_FLOOD: &str = "combining_flood";
/// Replaced: text that poses as the envelope around results from outside.
pub const ENVELOPE_IMITATION: &str = "envelope_imitation";
/// Replaced: an object key that became equal to another one and now carries a number.
pub const KEY_COLLISION: &str = "key_collision";
/// Replaced by U+FFFD: bytes that are not UTF-8.
pub const INVALID_UTF8: &str = "invalid_utf8";
/// Truncated: a string over its limit.
pub const STRING_TOO_LONG: &str = "string_too_long";
/// Truncated: everything together is over its limit.
pub const TOTAL_TOO_LARGE: &str = "total_too_large";
/// Truncated: arrays and objects are nested too deep; `null` stands in their place.
pub const TOO_DEEP: &str = "too_deep";
/// Truncated: too many array items and object members.
pub const TOO_MANY_ITEMS: &str = "too_many_items";
/// Labelled: findings beyond [`super::FINDINGS_MAX`]; the detail counts them by class.
pub const MORE_FINDINGS: &str = "more_findings";

/// Every class.
pub const ALL: &[&str] = &[
    CONTROL_CHARACTER,
    ESCAPE_SEQUENCE,
    OVERPRINT,
    LINE_SEPARATOR,
    ZERO_WIDTH,
    BIDI,
    TAG_CHARACTERS,
    VARIATION_SELECTOR,
    INVISIBLE,
    ANNOTATION,
    NONCHARACTER,
    COMBINING_FLOOD,
    ENVELOPE_IMITATION,
    KEY_COLLISION,
    INVALID_UTF8,
    STRING_TOO_LONG,
    TOTAL_TOO_LARGE,
    TOO_DEEP,
    TOO_MANY_ITEMS,
    MORE_FINDINGS,
];
