//! What a typed section says about a tree that does not fit it, in parts rather than in prose.
//!
//! serde's own error trait, so that `#[derive(Deserialize)]` reports keys and words as data. Invariant:
//! an error that reaches the reader names the bytes at fault, and the member to prune where there is one.

use crate::call::nearest;
use crate::policy::diagnostic::{Diagnostic, Place};
use serde::de::{self, Expected, Unexpected};
use std::fmt;
use std::ops::Range;

/// A tree that does not fit its section.
#[derive(Debug)]
pub(in crate::policy) struct ShapeError {
    pub(super) fault: Fault,
    /// The bytes at fault.
    pub(super) span: Option<Range<usize>>,
    /// Where the key or array item begins that can be left out to look for more errors.
    pub(super) prune: Option<usize>,
    /// True when it only follows from another error that was reported already.
    pub(super) echo: bool,
}

/// What does not fit.
#[derive(Debug)]
pub(in crate::policy) enum Fault {
    /// A key that the section does not have.
    UnknownKey { section: &'static str, key: String, known: &'static [&'static str] },
    /// A key that the section must have.
    MissingKey(&'static str),
    /// A word that is not in the list.
    UnknownWord { word: String, known: &'static [&'static str] },
    /// A value of another type.
    WrongType { found: String, expected: String },
    /// A value of the right type that means nothing here.
    WrongValue { expected: String },
    /// Anything else.
    Other(String),
}

impl ShapeError {
    fn new(fault: Fault) -> Self {
        Self { fault, span: None, prune: None, echo: false }
    }

    /// The same, at this node unless a place is known; a missing key belongs to its table's parent.
    pub(super) fn at(mut self, span: &Range<usize>) -> Self {
        if !matches!(self.fault, Fault::MissingKey(_)) {
            self.span.get_or_insert(span.clone());
        }
        self
    }

    /// The same, inside this member or item unless a nearer one is known.
    pub(super) fn inside(mut self, span: &Range<usize>) -> Self {
        self.span.get_or_insert(span.clone());
        self.prune.get_or_insert(span.start);
        self
    }

    /// For a person.
    pub(super) fn diagnostic(&self, place: &Place, source: &str) -> Diagnostic {
        match &self.fault {
            Fault::UnknownKey { section, key, known } => unknown_key(place, section, key, known),
            Fault::MissingKey(key) => {
                let message = format!("the key `{key}` is missing");
                Diagnostic::error("missing_key", place, message).expected(format!("`{key} = …`"))
            }
            Fault::UnknownWord { word, known } => {
                let message = "this is not one of the words that may stand here";
                let problem = Diagnostic::error("unknown_word", place, message);
                let problem = problem.found(shown(source)).expected(listed(known));
                suggest(problem, word, known)
            }
            Fault::WrongType { found, expected } => {
                let message = format!("{found} cannot stand here");
                Diagnostic::error("wrong_type", place, message)
                    .found(shown(source))
                    .expected(expected.clone())
            }
            Fault::WrongValue { expected } => {
                Diagnostic::error("wrong_value", place, "the value means nothing here")
                    .found(shown(source))
                    .expected(expected.clone())
            }
            Fault::Other(message) => {
                Diagnostic::error("wrong_value", place, message.clone()).found(shown(source))
            }
        }
    }
}

fn unknown_key(place: &Place, section: &str, key: &str, known: &[&str]) -> Diagnostic {
    if super::later::is_later_key(section, key) {
        let message = format!("`{key}` is not supported by this version");
        return Diagnostic::error("unsupported_key", place, message)
            .found(format!("`{key}`"))
            .help("take it out: a limit that nothing enforces would only look like one");
    }
    let message = format!("unknown key `{key}`");
    let problem = Diagnostic::error("unknown_key", place, message);
    let problem = problem.found(format!("`{key}`")).expected(listed(known));
    match super::elsewhere::home(section, key) {
        Some(home) => problem.help(format!("did you mean `{home}.{key}`?")),
        None => suggest(problem, key, known),
    }
}

fn suggest(problem: Diagnostic, word: &str, known: &[&str]) -> Diagnostic {
    match nearest(word, known.iter().copied()) {
        Some(right) => problem.help(format!("did you mean `{right}`?")),
        None => problem,
    }
}

/// `a`, `b` or `c`, each in backticks.
pub(super) fn listed(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
        None => "nothing".to_owned(),
    }
}

/// The first line of the offending text, cut to what fits a line. As it was written: an environment
/// value that was filled in does not show.
fn shown(source: &str) -> String {
    const CHARS_MAX: usize = 60;
    let line = source.lines().next().unwrap_or("");
    let cut: String = line.chars().take(CHARS_MAX).collect();
    let more = cut.len() < source.trim_end().len();
    format!("`{cut}{}`", if more { "…" } else { "" })
}

/// The words of a policy's author for the words of serde.
fn plain(expected: &dyn Expected) -> String {
    let text = expected.to_string();
    match text.as_str() {
        "u64" | "u32" | "usize" | "u16" | "u8" => "a whole number, 0 or more".to_owned(),
        "a boolean" => "`true` or `false`".to_owned(),
        "a map" => "a table".to_owned(),
        "a sequence" => "an array".to_owned(),
        "a JSON number" => "a number".to_owned(),
        "any valid JSON value" => "a value".to_owned(),
        _ if text.starts_with("struct ") => "a table".to_owned(),
        _ => text,
    }
}

fn type_name(found: &Unexpected<'_>) -> String {
    let name = match found {
        Unexpected::Bool(_) => "a boolean",
        Unexpected::Unsigned(_) | Unexpected::Signed(_) => "an integer",
        Unexpected::Float(_) => "a float",
        Unexpected::Str(_) => "a string",
        Unexpected::Seq => "an array",
        Unexpected::Map => "a table",
        other => return other.to_string(),
    };
    name.to_owned()
}

impl de::Error for ShapeError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(Fault::Other(message.to_string()))
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::new(Fault::WrongType { found: type_name(&found), expected: plain(expected) })
    }

    fn invalid_value(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::new(Fault::WrongValue { expected: plain(expected) })
    }

    fn unknown_variant(word: &str, known: &'static [&'static str]) -> Self {
        Self::new(Fault::UnknownWord { word: word.to_owned(), known })
    }

    fn unknown_field(key: &str, known: &'static [&'static str]) -> Self {
        Self::new(Fault::UnknownKey { section: "", key: key.to_owned(), known })
    }

    fn missing_field(key: &'static str) -> Self {
        Self::new(Fault::MissingKey(key))
    }
}

impl std::error::Error for ShapeError {}

impl fmt::Display for ShapeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.fault)
    }
}
