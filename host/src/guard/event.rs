//! What the guards learn: the records of the ledger, reduced to what a guard counts.
//!
//! Not here: how records are stored (`ledger/`). Invariant: an event says what happened, never what a guard
//! made of it, so that the same events give the same state under any policy.

use super::settings::Breaker;
use crate::call::{CallId, Denial, RunId};
use serde::{Deserialize, Serialize};

/// One record, as the guards see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its number on the ledger; state takes each number once.
    pub seq: u64,
    /// The run it belongs to.
    pub run: RunId,
    /// Unix time in milliseconds.
    pub at_ms: u64,
    /// What happened.
    pub kind: Kind,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A run began.
    Opened(Opened),
    /// A call was admitted: its intent is on the ledger.
    Admitted(Admitted),
    /// A started call is tried again.
    Retried {
        /// The call.
        call: CallId,
        /// The tool's upstream asked everybody to wait this long, when the attempt before failed.
        slow_ms: Option<u64>,
    },
    /// A started call has its ending.
    Ended(Ended),
    /// A proposal that never started.
    Refused(Refused),
    /// The run was steered, by a person, the agent or a guard.
    Steered(Steer),
}

/// How a run began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// On whose account.
    pub principal: String,
    /// The run that opened it.
    pub parent: Option<RunId>,
    /// It was started with a goal.
    pub goal: bool,
}

/// A call that may run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admitted {
    /// The call.
    pub call: CallId,
    /// The tool.
    pub tool: String,
    /// What it asks, for telling repeats.
    pub fingerprint: Fingerprint,
    /// What it may spend at most; held until it ends.
    pub hold: Hold,
    /// When it will have ended, whatever happens. Beyond, it holds no breaker's probe; what it holds of budgets
    /// it holds until its ending.
    pub until_ms: u64,
}

/// What a call asks, reduced to two numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint {
    /// Of tool and canonical arguments.
    pub exact: u64,
    /// Of tool and arguments after normalizing what makes no difference (`near`).
    pub near: u64,
}

/// Amounts of what can be spent; steps and proposals count calls and are not among them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Hold {
    /// Money.
    #[serde(skip_serializing_if = "is_zero")]
    pub cost_micro_usd: u64,
    /// Tokens.
    #[serde(skip_serializing_if = "is_zero")]
    pub tokens: u64,
    /// Wall time.
    #[serde(skip_serializing_if = "is_zero")]
    pub wall_ms: u64,
    /// Guest work.
    #[serde(skip_serializing_if = "is_zero")]
    pub fuel: u64,
    /// Calls from the guest into the host.
    #[serde(skip_serializing_if = "is_zero")]
    pub host_calls: u64,
    /// Raw output.
    #[serde(skip_serializing_if = "is_zero")]
    pub output_bytes: u64,
}

/// The ending of a started call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// The call.
    pub call: CallId,
    /// What its ending says of the tool.
    pub blame: Blame,
    /// What it spent; `None` when nobody knows (its host died): then all that was held stays spent.
    pub spent: Option<Hold>,
    /// Fingerprint of the result, when there is one.
    pub result: Option<u64>,
    /// The tool's upstream asked everybody to wait this long.
    pub slow_ms: Option<u64>,
}

/// What an ending says of the tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blame {
    /// It works.
    Works,
    /// It fails; with the settings of its breaker, when it has one.
    Fails(Option<Breaker>),
    /// It returned an error that the arguments brought about: an error for the agent, none of the tool.
    Misused,
    /// Nothing: cancelled, killed, or its host died.
    Nothing,
}

/// A proposal that never started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Why; `None` when it was answered from the ledger, which no guard counts but as a proposal.
    pub code: Option<Denial>,
    /// The tool, when it is a known one.
    pub tool: Option<String>,
    /// What it asked, when it was a call of a known tool.
    pub fingerprint: Option<Fingerprint>,
}

/// A change of a run's course.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Steer {
    /// No call runs until it is continued.
    Paused(String),
    /// It goes on; refusals in a row are forgotten, a review is done.
    Continued,
    /// No call runs any more; a person may continue it.
    Halted(String),
    /// The agent or a person says that it is over.
    Finished {
        /// The goal was reached.
        reached: bool,
    },
    /// The agent reports where the goal stands: no review is due.
    Reported,
    /// A new segment begins.
    Refreshed,
    /// Tokens that the agent reports to have used in the run so far, all told.
    Tokens(u64),
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}
