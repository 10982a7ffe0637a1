//! The question that the guards are asked, and their answers.
//!
//! Not here: how they decide (`admit.rs`) and how it is said (`words.rs`). Invariant: an answer holds the
//! numbers it was made from, and no text of the policy.

use super::budget::Budget;
use super::event::{Fingerprint, Hold};
use super::rate::Limited;
use super::repetition::Pattern;
use super::settings::{RunGuards, SpendGuards, ToolGuards};
use super::spend::Window;
use crate::call::{CallId, Denial, RunId};
use serde::{Serialize, Serializer};
use std::sync::Arc;

/// One call that wants to run. The settings are shared: an ask travels to the ledger's writer.
#[derive(Debug, Clone)]
pub struct Ask {
    /// The run.
    pub run: RunId,
    /// The call.
    pub call: CallId,
    /// The tool.
    pub tool: String,
    /// What it asks, for telling repeats.
    pub fingerprint: Fingerprint,
    /// What it may spend at most, all attempts together.
    pub worst: Hold,
    /// Unix time in milliseconds by which it will have ended.
    pub until_ms: u64,
    /// Now, as Unix time in milliseconds.
    pub at_ms: u64,
    /// The run's guards.
    pub run_guards: Arc<RunGuards>,
    /// The principal's.
    pub spend: Arc<SpendGuards>,
    /// The tool's.
    pub tool_guards: Arc<ToolGuards>,
}

/// What the guards say to one ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consulted {
    /// Whether the call may run.
    pub answer: Result<Admission, Refusal>,
    /// The guards consulted, with their numbers at that moment. Where the answer is no, the last one refuses.
    pub readings: Vec<Reading>,
}

/// The call may run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admission {
    /// What it may spend: no more than asked, no more than is left. This is what its intent must hold.
    pub allowed: Hold,
    /// What the agent should know.
    pub notices: Vec<Notice>,
}

/// The call may not run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The reason code.
    pub code: Denial,
    /// Why, with the numbers.
    pub why: Why,
    /// The run whose guard it is: the asking one or an ancestor. `halts` and `pauses` are about this run.
    pub run: RunId,
    /// `run` is an ancestor of the asking one.
    pub inherited: bool,
    /// When asking again may be answered otherwise; `None` when time alone changes nothing.
    pub retry_after_ms: Option<u64>,
    /// `run` is to be halted.
    pub halts: bool,
    /// `run` is to be paused for a person.
    pub pauses: bool,
}

/// Why a guard says no. Times in milliseconds, money in micro-USD.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// No such run.
    UnknownRun,
    /// The run was halted, with what was said then.
    Halted(String),
    /// The run is over.
    Finished,
    /// The run was paused, with what was said then.
    Paused(String),
    /// Runs are nested too deep.
    Depth {
        /// This run's depth; 1 without a parent.
        depth: u64,
        /// The deepest allowed.
        limit: u64,
    },
    /// Too many refusals in a row.
    Refusals {
        /// How many.
        used: u64,
        /// Allowed.
        limit: u64,
    },
    /// The segment is too old.
    Segment {
        /// Its age.
        age_ms: u64,
        /// The age to refresh at.
        limit_ms: u64,
    },
    /// A budget of the run does not cover the call.
    Budget {
        /// Which.
        budget: Budget,
        /// Spent.
        used: u64,
        /// Held by calls that run.
        held: u64,
        /// Needed by this call.
        asked: u64,
        /// The budget.
        limit: u64,
    },
    /// Half of a budget is used and nobody has looked.
    Review {
        /// Which.
        budget: Budget,
        /// Used.
        used: u64,
        /// The budget.
        limit: u64,
    },
    /// What the principal may spend in a window does not cover the call.
    Spend {
        /// Which window.
        window: Window,
        /// Spent.
        used: u64,
        /// Held by calls that run.
        held: u64,
        /// Needed by this call.
        asked: u64,
        /// The budget.
        limit: u64,
    },
    /// The principal's calls of the last hour are used up.
    HourSteps {
        /// Executed.
        used: u64,
        /// Allowed.
        limit: u64,
    },
    /// The run spends too fast.
    BurnRate {
        /// What it would spend in an hour.
        hourly: u64,
        /// Allowed in an hour.
        limit: u64,
    },
    /// The agent repeats itself.
    Repeated(Pattern),
    /// Polled before its interval has passed.
    PolledEarly {
        /// The interval.
        poll_ms: u64,
    },
    /// Too many calls in a window.
    Rate {
        /// Whose limit.
        of: Limited,
        /// Calls allowed.
        calls: u64,
        /// In this long.
        per_ms: u64,
    },
    /// The tool's upstream asked everybody to wait.
    Slowed,
    /// The tool failed too often.
    BreakerOpen {
        /// One call is trying whether it works again.
        probing: bool,
    },
}

impl Why {
    /// The guard that says it.
    pub fn guard(&self) -> GuardName {
        match self {
            Self::UnknownRun | Self::Halted(_) | Self::Finished | Self::Paused(_) => GuardName::Course,
            Self::Depth { .. } => GuardName::Depth,
            Self::Refusals { .. } => GuardName::Refusals,
            Self::Segment { .. } => GuardName::Segment,
            Self::Budget { budget, .. } => budget.guard(),
            Self::Review { .. } => GuardName::Review,
            Self::Spend { window, .. } => window.guard(),
            Self::HourSteps { .. } => GuardName::HourSteps,
            Self::BurnRate { .. } => GuardName::BurnRate,
            Self::Repeated(_) => GuardName::Repetition,
            Self::PolledEarly { .. } => GuardName::Poll,
            Self::Rate { of, .. } => of.guard(),
            Self::Slowed => GuardName::Slowed,
            Self::BreakerOpen { .. } => GuardName::Breaker,
        }
    }
}

/// Something the agent should know beside its result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// Most of the steps are used, this call included.
    WrapUp {
        /// Steps used.
        used: u64,
        /// All of them.
        limit: u64,
        /// The steps are an ancestor's.
        inherited: bool,
    },
    /// The agent begins to repeat itself; next time it is refused.
    Repeated(Pattern),
    /// The refusal that it stands beside was one too many.
    Halted {
        /// It is an ancestor that was halted.
        inherited: bool,
    },
}

/// A guard consulted, with its number at that moment; for the decision log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Reading {
    /// Which guard.
    pub guard: GuardName,
    /// Its number; what is held counts as used.
    pub used: u64,
    /// Its limit.
    pub limit: u64,
}

macro_rules! guard_names {
    ($($(#[$doc:meta])* $name:ident = $word:literal),+ $(,)?) => {
        /// A guard, by name.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum GuardName { $($(#[$doc])* $name),+ }

        impl GuardName {
            /// The stable word.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word),+ }
            }
        }
    };
}

guard_names!(
    /// Running, paused, halted or finished.
    Course = "course",
    /// Nesting.
    Depth = "depth",
    /// Refusals in a row.
    Refusals = "refusals_in_a_row",
    /// Age of the segment.
    Segment = "segment",
    /// Executed calls.
    Steps = "steps",
    /// Suggested calls.
    Proposals = "proposals",
    /// Money of the run.
    Cost = "cost",
    /// Tokens.
    Tokens = "tokens",
    /// Wall time.
    WallTime = "wall_time",
    /// Guest work.
    Fuel = "fuel",
    /// Calls into the host.
    HostCalls = "host_calls",
    /// Raw output.
    OutputBytes = "output_bytes",
    /// The review point.
    Review = "review",
    /// Money of the principal's last hour.
    HourCost = "hour_cost",
    /// Money of the principal's last day.
    DayCost = "day_cost",
    /// Calls of the principal's last hour.
    HourSteps = "hour_steps",
    /// Money of the run, extrapolated.
    BurnRate = "burn_rate",
    /// Repeats.
    Repetition = "repetition",
    /// Interval of a polling tool.
    Poll = "poll",
    /// Calls of the tool in a window.
    ToolRate = "tool_rate",
    /// Calls of the run in a window.
    RunRate = "run_rate",
    /// Calls of the principal in a window.
    PrincipalRate = "principal_rate",
    /// A wait that the tool's upstream asked for.
    Slowed = "slowed",
    /// The tool's breaker.
    Breaker = "breaker",
);

impl Serialize for GuardName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
