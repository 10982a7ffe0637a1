//! The scanner behind [`strict`](super::strict): one pass over the bytes, no recursion, no value built.
//!
//! Its memory is a stack of open arrays and objects and the names of the objects still open. Invariant: it
//! stops at the first byte that cannot continue a JSON text.

use super::names::{self, Name};
use super::strict::{Caps, DEPTH_MAX, Fault, StrictKind};
use super::words;
use std::borrow::Cow;

type Step<T = ()> = Result<T, Fault>;

/// Digits that always fit in 64 bits, so that only longer integers are parsed to see.
const DIGITS_SURELY_FIT: usize = 18;
/// Length below which a number without exponent is surely a finite double that is zero only when written so.
const DECIMAL_SURELY_FITS: usize = 300;

/// An open array or object.
enum Frame {
    Array,
    /// An object, with the index of its first name.
    Object(usize),
}

/// A pass over one text.
pub(super) struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
    depth_max: usize,
    frames: Vec<Frame>,
    names: Vec<Name<'a>>,
}

impl<'a> Scanner<'a> {
    /// Checks the whole text.
    pub(super) fn check(bytes: &'a [u8], caps: &Caps) -> Step {
        if bytes.len() > caps.bytes_max {
            let message = format!(
                "the JSON text is {} bytes long and at most {} are accepted; send less",
                bytes.len(),
                caps.bytes_max
            );
            return Err(Fault::new(StrictKind::TooLarge, caps.bytes_max, message));
        }
        if let Err(error) = std::str::from_utf8(bytes) {
            let message = "these bytes are not UTF-8; encode the text as UTF-8";
            return Err(Fault::new(StrictKind::NotUtf8, error.valid_up_to(), message));
        }
        if bytes.starts_with(b"\xEF\xBB\xBF") {
            return Err(Fault::new(
                StrictKind::Syntax,
                0,
                "the text starts with a byte order mark; leave it out",
            ));
        }
        let mut scanner = Self {
            bytes,
            at: 0,
            depth_max: caps.depth_max.min(DEPTH_MAX),
            frames: Vec::new(),
            names: Vec::new(),
        };
        scanner.text()
    }

    fn text(&mut self) -> Step {
        loop {
            self.space();
            if self.value()? {
                continue;
            }
            // A value has ended: close what ends with it, up to the next comma.
            loop {
                self.space();
                let Some(frame) = self.frames.last() else {
                    return self.end();
                };
                let (first_name, close) = match frame {
                    Frame::Array => (None, b']'),
                    Frame::Object(first_name) => (Some(*first_name), b'}'),
                };
                match self.peek() {
                    Some(b',') => {
                        self.at += 1;
                        if first_name.is_some() {
                            self.space();
                            self.name()?;
                        }
                        break;
                    }
                    Some(byte) if byte == close => self.close(first_name)?,
                    _ if close == b']' => {
                        return Err(self.syntax("expected `,` or `]` here; correct the array"));
                    }
                    _ => return Err(self.syntax("expected `,` or `}` here; correct the object")),
                }
            }
        }
    }

    /// Reads a scalar, an empty array or an empty object, or opens one that is not empty.
    ///
    /// True when it opened one and another value must follow.
    fn value(&mut self) -> Step<bool> {
        match self.peek() {
            Some(b'"') => self.string().map(|_| false),
            Some(b'{') => {
                self.open(Frame::Object(self.names.len()))?;
                if self.peek() == Some(b'}') {
                    self.close(None)?;
                    return Ok(false);
                }
                self.name()?;
                Ok(true)
            }
            Some(b'[') => {
                self.open(Frame::Array)?;
                if self.peek() == Some(b']') {
                    self.close(None)?;
                    return Ok(false);
                }
                Ok(true)
            }
            Some(b'-' | b'0'..=b'9') => self.number().map(|()| false),
            Some(b't') => self.word(b"true").map(|()| false),
            Some(b'f') => self.word(b"false").map(|()| false),
            Some(b'n') => self.word(b"null").map(|()| false),
            None => Err(self.syntax("the text ends where a value is expected; send the whole of it")),
            Some(_) => Err(self.syntax(
                "this starts no JSON value; use a string, number, object, array, true, false or null",
            )),
        }
    }

    fn open(&mut self, frame: Frame) -> Step {
        if self.frames.len() >= self.depth_max {
            let message =
                format!("arrays and objects are nested more than {} deep; flatten the value", self.depth_max);
            return Err(Fault::new(StrictKind::TooDeep, self.at, message));
        }
        self.frames.push(frame);
        self.at += 1;
        self.space();
        Ok(())
    }

    fn close(&mut self, first_name: Option<usize>) -> Step {
        self.at += 1;
        self.frames.pop();
        match first_name {
            Some(first) => self.names_differ(first),
            None => Ok(()),
        }
    }

    /// Refuses the earliest repeated name of the object that ends here, and forgets its names.
    fn names_differ(&mut self, first: usize) -> Step {
        let names = self.names.get_mut(first..).unwrap_or_default();
        if let Some(name) = names::repeated(names) {
            let message = format!(
                "the name {} stands twice in one object; keep one of them",
                words::quoted(&String::from_utf8_lossy(&name.text))
            );
            return Err(Fault::new(StrictKind::DuplicateKey, name.at, message));
        }
        self.names.truncate(first);
        Ok(())
    }

    fn name(&mut self) -> Step {
        let at = self.at;
        if self.peek() != Some(b'"') {
            return Err(self.syntax("expected a name in double quotes here; correct the object"));
        }
        let escaped = self.string()?;
        let raw = self.bytes.get(at..self.at).unwrap_or_default();
        let text = if escaped {
            let decoded: String =
                serde_json::from_slice(raw).map_err(|_| self.syntax("this name cannot be read"))?;
            Cow::Owned(decoded.into_bytes())
        } else {
            Cow::Borrowed(raw.get(1..raw.len().saturating_sub(1)).unwrap_or_default())
        };
        self.names.push(Name { text, at });
        self.space();
        if self.peek() != Some(b':') {
            return Err(self.syntax("expected `:` after the name; correct the object"));
        }
        self.at += 1;
        Ok(())
    }

    /// Reads a string; true when it holds an escape.
    fn string(&mut self) -> Step<bool> {
        self.at += 1;
        let mut escaped = false;
        loop {
            self.at = plain_run(self.bytes, self.at);
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(escaped);
                }
                Some(b'\\') => {
                    escaped = true;
                    self.escape()?;
                }
                None => return Err(self.syntax("the text ends within a string; close it")),
                Some(_) => {
                    return Err(self.syntax(
                        "a control character stands in a string; write it as an escape such as \\n",
                    ));
                }
            }
        }
    }

    fn escape(&mut self) -> Step {
        match self.bytes.get(self.at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                self.at += 2;
                Ok(())
            }
            Some(b'u') => self.unicode_escape(),
            _ => Err(self.syntax("this is no JSON escape; write a backslash as \\\\")),
        }
    }

    /// Reads `\uXXXX`, or the two of a surrogate pair.
    fn unicode_escape(&mut self) -> Step {
        const LONE: &str =
            "this \\u escape is half of a surrogate pair; write both halves or the character itself";
        match self.code_unit(self.at)? {
            0xD800..=0xDBFF => {
                if self.bytes.get(self.at + 6..self.at + 8) != Some(b"\\u") {
                    return Err(self.syntax(LONE));
                }
                if !matches!(self.code_unit(self.at + 6)?, 0xDC00..=0xDFFF) {
                    return Err(self.syntax(LONE));
                }
                self.at += 12;
            }
            0xDC00..=0xDFFF => return Err(self.syntax(LONE)),
            _ => self.at += 6,
        }
        Ok(())
    }

    /// The number in the `\uXXXX` at `at`.
    fn code_unit(&self, at: usize) -> Step<u32> {
        let digits = self.bytes.get(at + 2..at + 6).unwrap_or_default();
        let unit = digits
            .iter()
            .try_fold(0, |unit, byte| char::from(*byte).to_digit(16).map(|digit| unit * 16 + digit));
        unit.filter(|_| digits.len() == 4)
            .ok_or_else(|| self.syntax("\\u must be followed by four hexadecimal digits; correct the escape"))
    }

    fn number(&mut self) -> Step {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        let integer_digits = self.digits()?;
        let integer_start = self.at - integer_digits;
        if integer_digits > 1 && self.bytes.get(integer_start) == Some(&b'0') {
            return Err(self.syntax("a number must not start with 0; leave the zeros out"));
        }
        let mut fraction = false;
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
            fraction = true;
        }
        let mut exponent = false;
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits()?;
            exponent = true;
        }
        let text = self.bytes.get(start..self.at).unwrap_or_default();
        if fraction || exponent {
            let surely = !exponent && text.len() < DECIMAL_SURELY_FITS;
            if !surely && !fits_double(text) {
                let message = "this number is outside the range of a double; send a smaller one, or a string";
                return Err(Fault::new(StrictKind::NumberOutOfRange, start, message));
            }
        } else if integer_digits > DIGITS_SURELY_FIT && !fits_integer(text) {
            let message = "this integer does not fit in 64 bits; send it as a string";
            return Err(Fault::new(StrictKind::NumberOutOfRange, start, message));
        }
        Ok(())
    }

    /// Reads one digit or more; how many.
    fn digits(&mut self) -> Step<usize> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += count;
        if count == 0 {
            return Err(self.syntax("expected a digit here; correct the number"));
        }
        Ok(count)
    }

    fn word(&mut self, word: &[u8]) -> Step {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        if !rest.starts_with(word) {
            return Err(self.syntax("this is no JSON word; only true, false and null are"));
        }
        self.at += word.len();
        Ok(())
    }

    fn end(&self) -> Step {
        if self.at == self.bytes.len() {
            return Ok(());
        }
        let message = "something follows the JSON value; send one value and nothing after it";
        Err(Fault::new(StrictKind::TrailingData, self.at, message))
    }

    #[inline]
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    #[inline]
    fn space(&mut self) {
        while let Some(b' ' | b'\n' | b'\t' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    #[cold]
    fn syntax(&self, message: &str) -> Fault {
        Fault::new(StrictKind::Syntax, self.at, message)
    }
}

/// First byte from `at` on that is a quote, a backslash or a control character, eight bytes at a step.
#[inline]
fn plain_run(bytes: &[u8], mut at: usize) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = 0x8080_8080_8080_8080;
    const QUOTES: u64 = ONES * b'"' as u64;
    const BACKSLASHES: u64 = ONES * b'\\' as u64;
    let zero_byte = |word: u64| word.wrapping_sub(ONES) & !word & HIGHS;
    while let Some(chunk) = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let word = u64::from_le_bytes(*chunk);
        let control = word.wrapping_sub(ONES * 0x20) & !word & HIGHS;
        // A borrow can only mark bytes above a true hit, so the lowest mark is exact.
        let marks = control | zero_byte(word ^ QUOTES) | zero_byte(word ^ BACKSLASHES);
        if marks != 0 {
            return at + (marks.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    while let Some(0x20..=0x21 | 0x23..=0x5B | 0x5D..) = bytes.get(at) {
        at += 1;
    }
    at
}

fn fits_integer(text: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(text) else {
        return false;
    };
    text.parse::<u64>().is_ok() || text.parse::<i64>().is_ok()
}

/// Whether `serde_json` reads `text` as a double, and as zero only when it is written as zero.
fn fits_double(text: &[u8]) -> bool {
    let mantissa = text.iter().take_while(|byte| !matches!(byte, b'e' | b'E'));
    let written_as_zero = !mantissa.clone().any(|byte| matches!(byte, b'1'..=b'9'));
    match serde_json::from_slice::<f64>(text) {
        Ok(number) => number != 0.0 || written_as_zero,
        Err(_) => false,
    }
}
