//! A turn: what an agent says about its own run, by the host's own tools.
//!
//! A turn that changes anything counts as one proposal, so that the run's budget bounds how often an agent can have one
//! written. Not here: what each word changes (`run.rs`). Invariant: pure; nothing that an agent says is written for a
//! run that stands.

use super::board::Board;
use super::budget::Budget;
use super::event::Steer;
use super::inquiry::{self, No};
use super::run::RunState;
use super::settings::RunGuards;
use super::verdict::{GuardName, Reading, Refusal, Why};
use crate::call::{Denial, RunId};

impl Board {
    /// Which of these words change anything, place by place, and so are to be written: tokens where they are more than
    /// are known, a new segment where the last one is old enough, a report and an end always. A refusal is for all of
    /// them; where none changes anything there is nothing to refuse.
    ///
    /// Needs every scope that [`missing`](Self::missing) asks for; without them the run is unknown. An end is not
    /// refused for want of proposals: there is one at most.
    pub fn turn(
        &self,
        run: RunId,
        words: &[&Steer],
        guards: &RunGuards,
        at_ms: u64,
    ) -> Result<Vec<bool>, Refusal> {
        self.weigh(run, words, guards, at_ms).map_err(|no| no.refusal(run))
    }

    /// The number that such words are asked about: the run's proposals. `None` for a run that is not in memory.
    pub fn turn_reading(&self, run: RunId, guards: &RunGuards) -> Option<Reading> {
        let (guard, limit) = (GuardName::Proposals, guards.budgets.proposals);
        self.run(run).map(|state| Reading { guard, used: state.proposals, limit })
    }

    fn weigh(&self, run: RunId, words: &[&Steer], guards: &RunGuards, at_ms: u64) -> Result<Vec<bool>, No> {
        let lineage = if self.missing(run, None).is_none() { self.lineage(run) } else { Vec::new() };
        let Some((_, own)) = lineage.first() else {
            return Err(No::new(Denial::UnknownRun, run, Why::UnknownRun));
        };
        let course = inquiry::course(&lineage);
        let changes = |word: &&Steer| match word {
            Steer::Tokens(tokens) => course.is_ok() && *tokens > own.tokens.known(run),
            // Whoever asks for a segment of a run that stands is told so.
            Steer::Refreshed => course.is_err() || own.segment_age_ms(at_ms) >= guards.segment_ms,
            _ => true,
        };
        let changing: Vec<bool> = words.iter().map(changes).collect();
        if changing.contains(&true) {
            course?;
            if !words.iter().any(|word| matches!(word, Steer::Finished { .. })) {
                proposals(&lineage, guards)?;
            }
        }
        Ok(changing)
    }
}

/// One more proposal must be left, of the run and of each ancestor.
fn proposals(lineage: &[(RunId, &RunState)], guards: &RunGuards) -> Result<(), No> {
    let (budget, limit) = (Budget::Proposals, guards.budgets.proposals);
    match lineage.iter().find(|(_, state)| state.proposals >= limit) {
        None => Ok(()),
        Some((run, state)) => {
            let why = Why::Budget { budget, used: state.proposals, held: 0, asked: 1, limit };
            Err(inquiry::uncovered(*run, why))
        }
    }
}
