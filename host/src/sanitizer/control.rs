//! Escape sequences: how far one reaches, so that it can be taken out whole.
//!
//! Grammar: ECMA-48 §5.4 (control sequences), §5.6 (control strings), ISO/IEC 2022 (escape sequences), and
//! what terminals do beyond them (BEL ends a control string). A terminal is not emulated: text that one would
//! have hidden by drawing over it stays visible. Invariant: a sequence is at least its introducer, so no
//! introducer survives, and what is left of a broken one is plain text.

use super::unicode::is_invisible;
use std::iter::Peekable;

/// The extent of one sequence.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Sequence {
    /// Bytes from the introducer on.
    pub(super) bytes: usize,
    /// What it is; printable ASCII.
    pub(super) what: &'static str,
}

const ESC: char = '\u{1B}';
const BEL: char = '\u{07}';
/// String terminator, 8-bit.
const ST: char = '\u{9C}';

/// Measures the sequence that a text starts with. The first character is ESC or one of the C1 controls
/// DCS, SOS, CSI, OSC, PM, APC. Invisible characters inside are read over, so that they cannot split it.
pub(super) fn sequence(text: &str) -> Sequence {
    let mut reader = Reader::new(text);
    match reader.take(|_| true) {
        Some(ESC) => seven_bit(reader, text),
        Some('\u{9B}') => control_sequence(reader),
        Some(opener) => eight_bit_string(reader, opener),
        None => Sequence { bytes: 0, what: "" },
    }
}

fn seven_bit(mut reader: Reader<'_>, text: &str) -> Sequence {
    if reader.take(|c| c == '[').is_some() {
        return control_sequence(reader);
    }
    if let Some(opener) = reader.take(|c| matches!(c, ']' | 'P' | 'X' | '^' | '_')) {
        let what = string_name(opener, reader.clone());
        let opened = reader.end;
        return match reader.string_end() {
            Some(bytes) => Sequence { bytes, what },
            // Terminals would swallow everything that follows: take its line, no more.
            None => Sequence { bytes: line_end(text, opened, reader.end), what },
        };
    }
    let intermediates = reader.take_while(|c| matches!(c, ' '..='/'));
    let ended = reader.take(|c| matches!(c, '0'..='~')).is_some();
    let what = if ended || intermediates { "escape sequence" } else { "escape character" };
    Sequence { bytes: reader.end, what }
}

/// CSI: parameter bytes, intermediate bytes, one final byte; a broken one ends where it breaks.
fn control_sequence(mut reader: Reader<'_>) -> Sequence {
    reader.take_while(|c| matches!(c, '0'..='?'));
    reader.take_while(|c| matches!(c, ' '..='/'));
    reader.take(|c| matches!(c, '@'..='~'));
    Sequence { bytes: reader.end, what: "control sequence (CSI)" }
}

/// A string opened by a C1 control. Text decoded with the wrong charset is full of these, so only a string
/// with a terminator before any other control counts; else the opener goes alone.
fn eight_bit_string(mut reader: Reader<'_>, opener: char) -> Sequence {
    let what = string_name(opener, reader.clone());
    let opened = reader.end;
    match reader.string_end() {
        Some(bytes) => Sequence { bytes, what },
        None => Sequence { bytes: opened, what },
    }
}

/// The end of the line that starts at `from`, but not beyond `to`.
fn line_end(text: &str, from: usize, to: usize) -> usize {
    let line = text.get(from..to).unwrap_or_default();
    from + line.find(['\n', '\r']).unwrap_or(line.len())
}

/// Names a control string; of an operating system command, the kinds that attackers like.
fn string_name(opener: char, mut payload: Reader<'_>) -> &'static str {
    match opener {
        ']' | '\u{9D}' => {}
        'P' | '\u{90}' => return "device control string (DCS)",
        _ => return "control string (SOS, PM or APC)",
    }
    let mut number = None;
    while let Some(digit) = payload.take(|c| c.is_ascii_digit()).and_then(|c| c.to_digit(10)) {
        number = Some(number.unwrap_or(0_u32).saturating_mul(10).saturating_add(digit));
    }
    match number {
        Some(0..=2) => "operating system command (OSC): window title",
        Some(8) => "operating system command (OSC): hyperlink",
        Some(52) => "operating system command (OSC): clipboard",
        _ => "operating system command (OSC)",
    }
}

/// Reads visible characters and knows where the last one taken ended.
#[derive(Clone)]
struct Reader<'a> {
    chars: Peekable<Visible<'a>>,
    end: usize,
}

type Visible<'a> = std::iter::Filter<std::str::CharIndices<'a>, fn(&(usize, char)) -> bool>;

impl<'a> Reader<'a> {
    fn new(text: &'a str) -> Self {
        let visible: fn(&(usize, char)) -> bool = |(_, c)| !is_invisible(*c);
        Self { chars: text.char_indices().filter(visible).peekable(), end: 0 }
    }

    /// Takes the next character if it is wanted.
    fn take(&mut self, wanted: impl Fn(char) -> bool) -> Option<char> {
        let (at, c) = self.chars.next_if(|(_, c)| wanted(*c))?;
        self.end = at + c.len_utf8();
        Some(c)
    }

    /// Takes characters as long as they are wanted; says whether there was any.
    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> bool {
        let before = self.end;
        while self.take(&wanted).is_some() {}
        self.end > before
    }

    /// Reads a control string's payload. Gives its end behind the terminator, or nothing when another
    /// sequence, CAN, SUB or the end of the text comes first; `end` is then before that.
    fn string_end(&mut self) -> Option<usize> {
        self.take_while(|c| !matches!(c, BEL | ESC | '\u{18}' | '\u{1A}' | '\u{80}'..='\u{9F}'));
        if self.take(|c| matches!(c, BEL | ST)).is_some() {
            return Some(self.end);
        }
        let mut ahead = self.clone();
        ahead.take(|c| c == ESC)?;
        ahead.take(|c| c == '\\')?;
        Some(ahead.end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(text: &str) -> &str {
        text.split_at(sequence(text).bytes).0
    }

    #[test]
    fn a_control_sequence_ends_with_its_final_byte() {
        assert_eq!(taken("\u{1B}[1;31mred"), "\u{1B}[1;31m");
        assert_eq!(taken("\u{9B}?25l!"), "\u{9B}?25l");
        assert_eq!(taken("\u{1B}[2 q."), "\u{1B}[2 q");
    }

    #[test]
    fn a_broken_control_sequence_ends_where_it_breaks() {
        assert_eq!(taken("\u{1B}[31\u{E9}"), "\u{1B}[31");
        assert_eq!(taken("\u{1B}[\u{1B}[m"), "\u{1B}[");
        assert_eq!(taken("\u{1B}["), "\u{1B}[");
    }

    #[test]
    fn a_control_string_ends_with_bel_or_st_and_may_span_lines() {
        assert_eq!(taken("\u{1B}]0;title\u{07}x"), "\u{1B}]0;title\u{07}");
        assert_eq!(taken("\u{1B}Pq\n\u{1B}\\x"), "\u{1B}Pq\n\u{1B}\\");
        assert_eq!(taken("\u{9D}8;;u\u{9C}x"), "\u{9D}8;;u\u{9C}");
        assert_eq!(taken("\u{1B}_apc\u{1B}\\x"), "\u{1B}_apc\u{1B}\\");
    }

    #[test]
    fn an_unterminated_string_takes_its_line_and_no_more() {
        assert_eq!(taken("\u{1B}]0;title\nnext"), "\u{1B}]0;title");
        assert_eq!(taken("\u{1B}]0;ti\u{1B}[mtle"), "\u{1B}]0;ti");
        assert_eq!(taken("\u{1B}]"), "\u{1B}]");
    }

    #[test]
    fn wrongly_decoded_quotes_do_not_swallow_the_text_between_them() {
        assert_eq!(taken("\u{9D} more text \u{E2}\u{80}\u{9C}next"), "\u{9D}");
        assert_eq!(taken("\u{90}\n"), "\u{90}");
    }

    #[test]
    fn other_escape_sequences_are_two_or_more_characters() {
        assert_eq!(taken("\u{1B}cx"), "\u{1B}c");
        assert_eq!(taken("\u{1B}(Bx"), "\u{1B}(B");
        assert_eq!(taken("\u{1B}\u{1B}[m"), "\u{1B}");
        assert_eq!(taken("\u{1B}\u{E9}"), "\u{1B}");
    }

    #[test]
    fn invisible_characters_do_not_split_a_sequence() {
        assert_eq!(taken("\u{1B}\u{200B}[3\u{200D}1mx"), "\u{1B}\u{200B}[3\u{200D}1m");
        assert_eq!(taken("\u{1B}]8;;u\u{1B}\u{AD}\\x"), "\u{1B}]8;;u\u{1B}\u{AD}\\");
    }

    #[test]
    fn the_clipboard_and_links_are_named() {
        assert!(sequence("\u{1B}]52;c;AA\u{07}").what.ends_with("clipboard"));
        assert!(sequence("\u{9D}8;;u\u{9C}").what.ends_with("hyperlink"));
    }
}
