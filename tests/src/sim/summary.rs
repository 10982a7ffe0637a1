//! How often what happened in a life, by word.
//!
//! Not here: whether it may. Invariant: what never happened has no word.

use std::collections::BTreeMap;
use toolgate::guard::{Pattern, Refusal, Why};

#[derive(Debug, Default)]
pub(super) struct Summary(BTreeMap<&'static str, u64>);

impl Summary {
    pub(super) fn note(&mut self, what: &'static str) {
        *self.0.entry(what).or_default() += 1;
    }

    /// The guard that refused, and which repetition it saw.
    pub(super) fn note_refusal(&mut self, refusal: &Refusal) {
        self.note(refusal.why.guard().as_str());
        let Why::Repeated(pattern) = refusal.why else { return };
        self.note(match pattern {
            Pattern::Same { .. } => "same",
            Pattern::Cycle { .. } => "cycle",
            Pattern::SameResult { .. } => "same_result",
            Pattern::Unchanged { .. } => "unchanged",
            Pattern::Errors { .. } => "errors",
        });
    }

    pub(super) fn count(&self, what: &str) -> u64 {
        self.0.get(what).copied().unwrap_or(0)
    }

    pub(super) fn add(&mut self, other: &Self) {
        other.0.iter().for_each(|(what, times)| *self.0.entry(what).or_default() += times);
    }
}
