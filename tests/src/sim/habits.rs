//! What a run does again: the plain list of its calls, and what one more call would be on it.
//!
//! Not here: how the guard tells it; this keeps every call and looks at whole lists. Invariant: a call is looked at as
//! it stands in the list, by what is nearly equal; what is exactly equal is nearly equal too.

use super::scenario::Tool;
use std::collections::HashMap;
use toolgate::call::{CallId, Denial};
use toolgate::guard::event::{Admitted, Blame, Ended, Refused};
use toolgate::guard::{Pattern, Refusal, Why};

const HOUR_MS: u64 = 3_600_000;

#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Works(Option<u64>),
    Fails(Option<u64>),
    CutOff,
}

struct Done {
    call: CallId,
    tool: String,
    near: u64,
    at_ms: u64,
    end: Option<End>,
}

/// What one more call would be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sight {
    Fine,
    /// A poll before its time, so long.
    Early(u64),
    Repeats,
}

#[derive(Default)]
pub(super) struct Habits {
    calls: Vec<Done>,
    /// Refused repeats of a call since it ran last.
    refused: HashMap<u64, u64>,
    /// Refused repeats since any call ran.
    refused_in_a_row: u64,
}

impl Habits {
    pub(super) fn admitted(
        &mut self,
        tool: &Tool,
        admitted: &Admitted,
        at_ms: u64,
        repeats_are_refused: bool,
    ) {
        let near = admitted.fingerprint.near;
        match self.sight(tool, near, at_ms) {
            Sight::Repeats => assert!(!repeats_are_refused, "a repeat of {} was admitted", tool.name),
            Sight::Early(ms) => panic!("{} was polled {ms} ms early", tool.name),
            Sight::Fine => {}
        }
        let tool = admitted.tool.clone();
        self.calls.push(Done { call: admitted.call, tool, near, at_ms, end: None });
        self.refused.remove(&near);
        self.refused_in_a_row = 0;
    }

    pub(super) fn ended(&mut self, ended: &Ended) {
        // A person may have made it forgotten.
        let Some(done) = self.calls.iter_mut().find(|done| done.call == ended.call) else { return };
        done.end = Some(match ended.blame {
            Blame::Works => End::Works(ended.result),
            Blame::Fails(_) | Blame::Misused => End::Fails(ended.result),
            Blame::Nothing => End::CutOff,
        });
    }

    pub(super) fn refused(&mut self, refused: &Refused) {
        if let (Some(Denial::Repetition), Some(fingerprint)) = (refused.code, refused.fingerprint) {
            *self.refused.entry(fingerprint.near).or_default() += 1;
            self.refused_in_a_row += 1;
        }
    }

    /// A guard refused the call: for a repeat only if it is one, and the third time the run is halted.
    pub(super) fn agree(&self, tool: &Tool, near: u64, refusal: &Refusal, at_ms: u64) {
        let sight = self.sight(tool, near, at_ms);
        match refusal.why {
            Why::Repeated(pattern) => {
                assert_eq!(sight, Sight::Repeats, "{} is no repeat: {pattern:?}", tool.name);
                let before = match pattern {
                    Pattern::Errors { .. } => self.refused_in_a_row,
                    _ => self.refused.get(&near).copied().unwrap_or(0),
                };
                assert_eq!(refusal.halts, before >= 2, "after {before} refused repeats of {}", tool.name);
            }
            Why::PolledEarly { .. } => assert_eq!(Some(sight), refusal.retry_after_ms.map(Sight::Early)),
            _ => {}
        }
    }

    fn sight(&self, tool: &Tool, near: u64, at_ms: u64) -> Sight {
        let same = self.same_results(near);
        let repeats = match tool.guards.poll_ms {
            None => self.goes_round(near) || same > 3,
            Some(poll_ms) => {
                let last_ms = self.calls.iter().filter(|done| done.near == near).map(|done| done.at_ms).max();
                let past_ms = last_ms.map_or(u64::MAX, |last_ms| at_ms - last_ms);
                if past_ms < poll_ms {
                    return Sight::Early(poll_ms - past_ms);
                }
                same >= 3 && past_ms < (poll_ms << (same - 3)).min(HOUR_MS)
            }
        };
        if repeats || self.only_fails(tool) { Sight::Repeats } else { Sight::Fine }
    }

    /// With this call, one to four calls would stand there twice, and begin a third time.
    fn goes_round(&self, near: u64) -> bool {
        let mut nears: Vec<u64> = self.calls.iter().map(|done| done.near).collect();
        nears.push(near);
        nears.reverse();
        (1..=4)
            .any(|period| nears.len() > 2 * period && (0..=period).all(|at| nears[at] == nears[at + period]))
    }

    /// How often such a call gave, without another between, what it gave last.
    fn same_results(&self, near: u64) -> usize {
        let results: Vec<End> =
            self.known().filter(|done| done.near == near).filter_map(|done| done.end).collect();
        let equal = |end: &&End| Some(**end) == results.first().copied() && **end != End::Works(None);
        results.iter().take_while(equal).count()
    }

    /// More than five calls failed, this tool's among them, and none worked since.
    fn only_fails(&self, tool: &Tool) -> bool {
        let fails: Vec<&Done> =
            self.known().take_while(|done| matches!(done.end, Some(End::Fails(_)))).collect();
        fails.len() > 5 && fails.iter().any(|done| done.tool == tool.name)
    }

    /// Calls that ended, not cut off, the newest first.
    fn known(&self) -> impl Iterator<Item = &Done> {
        self.calls.iter().rev().filter(|done| !matches!(done.end, None | Some(End::CutOff)))
    }
}
