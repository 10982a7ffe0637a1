//! Repetition: the agent does again what it just did, and gets again what it just got.
//!
//! A call repeats another when tool and arguments are equal, exactly or after what makes no difference is
//! normalized (`near`). Four patterns are seen, over the last 32 executed calls of the run:
//!
//! | pattern | first sight: notice | then: refusal |
//! |---|---|---|
//! | a cycle of period 1 (the same call in a row) to 4 | the cycle is complete a second time | each further call of it |
//! | the same call with the same result 3 times, whatever lies between | the fourth | the fifth and on |
//! | 5 errors in a row, of any tools over any arguments | the sixth call | of a tool among those that failed |
//!
//! The third refused repeat of one call halts the run, as does the third refusal in a row for errors. Calls in
//! flight count by what they ask, failed calls by failing; calls that were cut off count as calls and have no
//! result; recorded answers are no calls. A person's `continued` forgets the past.
//!
//! A **polling tool** is made to be asked again. Once its interval has passed since the last such call, cycles do
//! not count for it; earlier it is told to wait. Three polls with the same result bring the notice; from then on
//! each further unchanged poll doubles the interval (up to an hour): earlier is a refused repeat, later is allowed
//! with the notice. So an agent can wait for what takes long, and cannot spend its steps on it.
//!
//! Not here: how it is said. Invariant: only executed calls are in the history, in the order of their admission.

use super::clock::Clock;
use super::event::{Admitted, Fingerprint};
use crate::call::CallId;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// Executed calls remembered; four cycles of the longest period and more.
const REMEMBERED: usize = 32;
/// The longest cycle.
const PERIOD_MAX: usize = 4;
/// Rounds of a cycle, or equal calls in a row, that are borne.
const ROUNDS: u64 = 2;
/// Equal results that are a pattern.
const SAME_RESULTS: u64 = 3;
/// Errors in a row that are a pattern.
const ERRORS: u64 = 5;
/// Refused repeats that are borne; the next one halts.
const REFUSED_MAX: u64 = 2;
/// The longest interval that an unchanged polled state brings about.
const POLL_MS_MAX: u64 = 3_600_000;

/// How a call of the history ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Settled {
    /// With a result, by its fingerprint where there is one.
    Works(Option<u64>),
    /// With an error.
    Failed(Option<u64>),
    /// Cut off: nobody knows.
    Unknown,
}

/// One executed call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Done {
    call: CallId,
    tool: String,
    fingerprint: Fingerprint,
    at_ms: u64,
    /// `None` as long as it runs.
    settled: Option<Settled>,
}

impl Done {
    fn repeats(&self, asked: Fingerprint) -> bool {
        self.fingerprint.exact == asked.exact || self.fingerprint.near == asked.near
    }
}

/// The last executed calls of a run, and the repeats refused since.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct History {
    done: VecDeque<Done>,
    /// Refused repeats by near fingerprint, since such a call was executed.
    refused: VecDeque<(u64, u64)>,
    /// Refused repeats of any call since one was executed.
    refused_in_a_row: u64,
}

/// What repeats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pattern {
    /// The same call in a row.
    Same {
        /// How often, this one included.
        times: u64,
        /// Equal only after normalizing.
        near: bool,
    },
    /// A cycle of calls.
    Cycle {
        /// Its length.
        period: u64,
        /// Equal only after normalizing.
        near: bool,
    },
    /// The same call gave the same result.
    SameResult {
        /// How often already.
        times: u64,
        /// Equal only after normalizing.
        near: bool,
    },
    /// A polled state does not change.
    Unchanged {
        /// How often it was seen.
        times: u64,
        /// The interval that is now asked for.
        interval_ms: u64,
    },
    /// Errors in a row.
    Errors {
        /// How many.
        times: u64,
    },
}

/// What the history says of one more call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sight {
    /// Nothing repeats.
    New,
    /// It begins to repeat.
    Notice(Pattern),
    /// A poll before its time; ask again after this long.
    Early { retry_after_ms: u64 },
    /// It repeats.
    Refuse { pattern: Pattern, retry_after_ms: Option<u64>, halts: bool },
}

impl Sight {
    /// How often it is seen with this call, and how often that is borne; `None` where an interval decides.
    pub(super) fn numbers(&self) -> Option<(u64, u64)> {
        let (pattern, refused) = match self {
            Self::New => return Some((1, ROUNDS)),
            Self::Early { .. } => return None,
            Self::Notice(pattern) => (pattern, false),
            Self::Refuse { pattern, .. } => (pattern, true),
        };
        Some(match *pattern {
            Pattern::Same { times, .. } => (times, ROUNDS),
            Pattern::Cycle { .. } => (ROUNDS + u64::from(refused), ROUNDS),
            Pattern::SameResult { times, .. } => (times + 1, SAME_RESULTS + 1),
            Pattern::Unchanged { times, .. } => (times, SAME_RESULTS),
            Pattern::Errors { times } => (times, ERRORS),
        })
    }
}

impl History {
    /// A call starts.
    pub(super) fn admitted(&mut self, at_ms: u64, admitted: &Admitted) {
        if self.done.len() >= REMEMBERED {
            self.done.pop_front();
        }
        let (call, fingerprint) = (admitted.call, admitted.fingerprint);
        self.done.push_back(Done { call, tool: admitted.tool.clone(), fingerprint, at_ms, settled: None });
        self.refused.retain(|(near, _)| *near != fingerprint.near);
        self.refused_in_a_row = 0;
    }

    /// A call has ended.
    pub(super) fn ended(&mut self, call: CallId, settled: Settled) {
        if let Some(done) = self.done.iter_mut().rev().find(|done| done.call == call) {
            done.settled = Some(settled);
        }
    }

    /// A repeat was refused.
    pub(super) fn refused(&mut self, asked: Fingerprint) {
        self.refused_in_a_row += 1;
        if let Some((_, times)) = self.refused.iter_mut().find(|(near, _)| *near == asked.near) {
            *times += 1;
            return;
        }
        if self.refused.len() >= REMEMBERED {
            self.refused.pop_front();
        }
        self.refused.push_back((asked.near, 1));
    }

    /// A person has looked: what was done before is no repetition of what comes.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }

    /// The clock was set back to this time.
    pub(super) fn set_back(&mut self, clock: Clock, at_ms: u64) {
        self.done.iter_mut().for_each(|done| done.at_ms = clock.read(done.at_ms, at_ms));
    }

    /// What one more call would be; `poll_ms` is the interval of a polling tool.
    pub(super) fn sight(&self, tool: &str, asked: Fingerprint, poll_ms: Option<u64>, at_ms: u64) -> Sight {
        let seen = match poll_ms {
            Some(poll_ms) => self.poll(asked, poll_ms, at_ms),
            None => self.cycle(asked).or(self.same_result(asked)),
        };
        let errors = self.errors(tool);
        let halts = self.refusals(asked) >= REFUSED_MAX;
        match (seen, errors) {
            (Seen::Refuse(pattern, retry_after_ms), _) => Sight::Refuse { pattern, retry_after_ms, halts },
            (Seen::Early(retry_after_ms), _) => Sight::Early { retry_after_ms },
            (_, Seen::Refuse(pattern, retry_after_ms)) => {
                let halts = self.refused_in_a_row >= REFUSED_MAX;
                Sight::Refuse { pattern, retry_after_ms, halts }
            }
            (Seen::Notice(pattern), _) | (Seen::New, Seen::Notice(pattern)) => Sight::Notice(pattern),
            (Seen::New, Seen::New | Seen::Early(_)) => Sight::New,
        }
    }

    /// How often a repeat of this call was refused since one was executed.
    pub(super) fn refusals(&self, asked: Fingerprint) -> u64 {
        self.refused.iter().find(|(near, _)| *near == asked.near).map_or(0, |(_, times)| *times)
    }

    /// The call in a row, or a cycle of calls: the shortest period that is seen.
    fn cycle(&self, asked: Fingerprint) -> Seen {
        let mut seen = Seen::New;
        for period in 1..=PERIOD_MAX {
            let length = self.repeated(asked, period);
            if length < period {
                continue;
            }
            let near = self.back(period - 1).is_some_and(|done| done.fingerprint.exact != asked.exact);
            let pattern = match period {
                1 => Pattern::Same { times: length as u64 + 1, near },
                _ => Pattern::Cycle { period: period as u64, near },
            };
            seen =
                seen.or(if length == period { Seen::Notice(pattern) } else { Seen::Refuse(pattern, None) });
        }
        seen
    }

    /// How many calls up to the asked one equal the one a period before.
    fn repeated(&self, asked: Fingerprint, period: usize) -> usize {
        if !self.back(period - 1).is_some_and(|done| done.repeats(asked)) {
            return 0;
        }
        let newer = self.done.iter().rev();
        let older = self.done.iter().rev().skip(period);
        1 + newer.zip(older).take_while(|(newer, older)| older.repeats(newer.fingerprint)).count()
    }

    /// The call that is `index` before the newest.
    fn back(&self, index: usize) -> Option<&Done> {
        self.done.iter().rev().nth(index)
    }

    fn same_result(&self, asked: Fingerprint) -> Seen {
        let (times, near) = self.equal_results(asked);
        let pattern = Pattern::SameResult { times, near };
        match times {
            0..SAME_RESULTS => Seen::New,
            SAME_RESULTS => Seen::Notice(pattern),
            _ => Seen::Refuse(pattern, None),
        }
    }

    /// How often such a call gave the result that it gave last, without another between; and whether one of
    /// them was only nearly equal.
    fn equal_results(&self, asked: Fingerprint) -> (u64, bool) {
        let known = |done: &&Done| {
            matches!(done.settled, Some(Settled::Works(Some(_)) | Settled::Failed(_))) && done.repeats(asked)
        };
        let mut past = self.done.iter().rev().filter(known).peekable();
        let Some(last) = past.peek().map(|done| done.settled) else { return (0, false) };
        past.take_while(|done| done.settled == last)
            .fold((0, false), |(n, near), done| (n + 1, near || done.fingerprint.exact != asked.exact))
    }

    fn poll(&self, asked: Fingerprint, poll_ms: u64, at_ms: u64) -> Seen {
        let Some(last) = self.done.iter().rev().find(|done| done.repeats(asked)) else { return Seen::New };
        let past_ms = at_ms.saturating_sub(last.at_ms);
        if past_ms < poll_ms {
            return Seen::Early(poll_ms - past_ms);
        }
        let (times, _) = self.equal_results(asked);
        if times < SAME_RESULTS {
            return Seen::New;
        }
        let doublings = u32::try_from(times - SAME_RESULTS).unwrap_or(u32::MAX);
        let factor = 1_u64.checked_shl(doublings).unwrap_or(u64::MAX);
        let interval_ms = poll_ms.saturating_mul(factor).min(POLL_MS_MAX.max(poll_ms));
        let pattern = Pattern::Unchanged { times, interval_ms };
        match interval_ms.saturating_sub(past_ms) {
            0 => Seen::Notice(pattern),
            rest => Seen::Refuse(pattern, Some(rest)),
        }
    }

    /// Errors in a row; calls that run or were cut off are neither.
    fn errors(&self, tool: &str) -> Seen {
        let settled =
            self.done.iter().rev().filter(|done| !matches!(done.settled, None | Some(Settled::Unknown)));
        let (mut times, mut of_this_tool) = (0, false);
        for done in settled.take_while(|done| matches!(done.settled, Some(Settled::Failed(_)))) {
            times += 1;
            of_this_tool |= done.tool == tool;
        }
        match times {
            0..ERRORS => Seen::New,
            _ if times > ERRORS && of_this_tool => Seen::Refuse(Pattern::Errors { times }, None),
            _ => Seen::Notice(Pattern::Errors { times }),
        }
    }
}

/// What one pattern says.
#[derive(Debug, Clone, Copy)]
enum Seen {
    New,
    Notice(Pattern),
    Early(u64),
    Refuse(Pattern, Option<u64>),
}

impl Seen {
    /// The graver of both; of equal ones the first.
    fn or(self, other: Self) -> Self {
        let weight = |seen: &Self| match seen {
            Self::New => 0,
            Self::Notice(_) => 1,
            Self::Early(_) => 2,
            Self::Refuse(..) => 3,
        };
        if weight(&other) > weight(&self) { other } else { self }
    }
}
