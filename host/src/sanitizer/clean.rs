//! One string through the first layer: every character is kept, removed or replaced, in one pass.
//!
//! Not here: size limits (`bound.rs`), the walk over a JSON value (`walk.rs`). What always goes is skipped by
//! every look ahead, and what depends on its neighbours is judged by what was kept; so removing something
//! never creates something new, and one pass is enough. Invariant: cleaning the outcome changes nothing.

use super::context::Context;
use super::edit::{Edits, Splice};
use super::log::{Log, Note};
use super::unicode::{Kind, is_mark, kind, next_visible};
use super::{class, control, envelope, scan};
use crate::call::Action;

/// Cleans a string. Gives nothing when it is clean, else the outcome and where its places were.
pub(super) fn clean(raw: &str, log: &mut Log) -> Option<(String, Edits)> {
    if scan::is_clean(raw) {
        return None;
    }
    let edited = Pass::new(raw, log).run();
    let seen = edited.as_ref().map_or(raw, |(text, _)| text);
    let Some((text, places)) = envelope::defanged(seen) else {
        return edited;
    };
    // Same length before and after, so the places of the first edits still hold.
    let edits = edited.map(|(_, edits)| edits).unwrap_or_default();
    for place in places {
        log.note(envelope::imitation(edits.raw(place.start), edits.raw(place.end)));
    }
    Some((text, edits))
}

struct Pass<'a, 'l> {
    raw: &'a str,
    /// Bytes judged so far.
    at: usize,
    context: Context,
    splice: Splice<'a>,
    log: &'l mut Log,
}

impl<'a, 'l> Pass<'a, 'l> {
    fn new(raw: &'a str, log: &'l mut Log) -> Self {
        Self { raw, at: 0, context: Context::default(), splice: Splice::new(raw), log }
    }

    fn run(mut self) -> Option<(String, Edits)> {
        while let Some(c) = self.rest().chars().next() {
            if c.is_ascii() && kind(c) == Kind::Plain {
                self.keep_plain_ascii();
            } else if scan::is_common(c) {
                self.keep(c);
            } else {
                self.judge(c);
            }
        }
        self.splice.finish()
    }

    /// What is not judged yet.
    fn rest(&self) -> &'a str {
        self.raw.get(self.at..).unwrap_or_default()
    }

    fn keep_plain_ascii(&mut self) {
        let rest = self.rest();
        let run = scan::plain_ascii_bytes(rest.as_bytes());
        if let Some(last) = rest.get(..run).and_then(|run| run.chars().next_back()) {
            self.context.keep(last);
        }
        self.at += run;
    }

    fn judge(&mut self, c: char) {
        let after = self.raw.get(self.at + c.len_utf8()..).unwrap_or_default();
        match kind(c) {
            Kind::Plain | Kind::Bracket if is_mark(c) => {
                let keeps = self.context.keeps_mark(c);
                self.keep_or_remove(keeps, c, class::COMBINING_FLOOD, "combining mark too many");
            }
            Kind::Plain | Kind::Bracket => self.keep(c),
            Kind::Return if next_visible(after) == Some('\n') => self.keep(c),
            Kind::Return => self.break_line(c, class::OVERPRINT, "carriage return"),
            Kind::LineBreak => self.break_line(c, class::LINE_SEPARATOR, "line separator"),
            Kind::Introducer => self.remove_sequence(),
            Kind::Control if c == '\u{08}' => self.remove(c, class::OVERPRINT, "backspace"),
            Kind::Control => self.remove(c, class::CONTROL_CHARACTER, "control character"),
            Kind::Hidden(hidden) => self.remove(c, hidden.class(), hidden.what()),
            Kind::Joiner => {
                let keeps = self.context.keeps_joiner(c, after);
                self.keep_or_remove(keeps, c, class::ZERO_WIDTH, "joiner that joins nothing");
            }
            Kind::Selector => {
                let keeps = self.context.keeps_selector(c, after);
                let what = "variation selector that selects nothing";
                self.keep_or_remove(keeps, c, class::VARIATION_SELECTOR, what);
            }
            Kind::Tag => match self.context.keeps_flag(self.rest()) {
                0 => self.remove(c, class::TAG_CHARACTERS, "tag character"),
                bytes => self.at += bytes,
            },
        }
    }

    fn keep(&mut self, c: char) {
        self.context.keep(c);
        self.at += c.len_utf8();
    }

    fn keep_or_remove(&mut self, keeps: bool, c: char, class: &'static str, what: &'static str) {
        if keeps {
            self.at += c.len_utf8();
        } else {
            self.remove(c, class, what);
        }
    }

    fn remove(&mut self, c: char, class: &'static str, what: &'static str) {
        self.replace(c.len_utf8(), "", class, what);
    }

    fn break_line(&mut self, c: char, class: &'static str, what: &'static str) {
        self.context.keep('\n');
        self.replace(c.len_utf8(), "\n", class, what);
    }

    fn remove_sequence(&mut self) {
        let sequence = control::sequence(self.rest());
        self.replace(sequence.bytes, "", class::ESCAPE_SEQUENCE, sequence.what);
    }

    fn replace(&mut self, bytes: usize, by: &str, class: &'static str, what: &'static str) {
        let (start, end) = (self.at, self.at + bytes);
        self.splice.replace(start, end, by);
        self.at = end;
        let action = if by.is_empty() { Action::Removed } else { Action::Replaced };
        self.log.note(Note { class, action, start, end, what: what.into() });
    }
}
