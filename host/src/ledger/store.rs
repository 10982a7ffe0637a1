//! The store's seam: what the group commit asks of whatever keeps the ledger.
//!
//! SQLite stands behind it; other stores and the failing one of the tests can. Not here: queueing, waiting
//! and syncing (`commit`, `sync`). Invariant: `commit` is atomic for the whole batch, and an error of it means that
//! nothing more may be asked.

use super::chain::Hash;
use super::entry::{
    ApprovalAsk, Asked, Attempt, Decided, Effect, NewApproval, NewRun, Receipt, Refused, Resolved, Start,
};
use super::error::LedgerError;
use super::record::Record;
use crate::call::{CallId, RunId};
use crate::guard::event::Steer;
use crate::guard::settings::{RunGuards, SpendGuards};
use crate::guard::{Ask, Refusal as GuardRefusal, Standing};
use std::sync::Arc;

/// One thing to write.
#[derive(Debug, Clone)]
pub(super) enum Op {
    /// Opens a run, or finds the named one.
    OpenRun {
        /// The run, without its content.
        run: NewRun,
        /// Its first record.
        record: Record,
    },
    /// Starts a call if its key allows.
    Start(StartOp),
    /// Ends a started call.
    End {
        /// The call.
        call: CallId,
        /// Where to remember it as the last good one.
        good: Option<Hash>,
        /// Its ending.
        record: Record,
    },
    /// Records a proposal that never started.
    Refuse {
        /// Its run.
        run: RunId,
        /// Its one record.
        record: Record,
        /// Under which guards to look whether the run has overrun.
        guards: Option<Arc<RunGuards>>,
        /// A person to be asked.
        approval: Option<(NewApproval, CallId, String)>,
        /// What the refusing guard does to a run, in the same step.
        steer: Option<(RunId, Record)>,
    },
    /// Notes a further execution inside a started call, if the tool's retry budget has room.
    Attempt {
        /// What is asked.
        attempt: Attempt,
        /// What is noted.
        record: Record,
    },
    /// Takes a person's answer.
    Decide {
        /// The answer.
        decided: Decided,
        /// Its record.
        record: Record,
    },
    /// Resolves a doubt.
    Resolve {
        /// What becomes of it.
        resolved: Resolved,
        /// Its record.
        record: Record,
    },
    /// Changes a run's course.
    Steer {
        /// The run.
        run: RunId,
        /// The change.
        record: Record,
    },
    /// Takes what an agent says about its own run, as far as it changes anything and the guards allow it.
    Turn(TurnOp),
    /// Only looks: where a run stands.
    Standing {
        /// The run.
        run: RunId,
        /// Its guards.
        guards: Arc<RunGuards>,
        /// Its principal's.
        spend: Arc<SpendGuards>,
        /// Now.
        at_ms: u64,
    },
    /// Announces that contents will be erased.
    Prune(Record),
}

/// What `start` needs beside the record.
#[derive(Debug, Clone)]
pub(super) struct StartOp {
    /// The call.
    pub(super) call: CallId,
    /// Its run.
    pub(super) run: RunId,
    /// Whose run it must be.
    pub(super) principal: String,
    /// The tool.
    pub(super) tool: String,
    /// The scope of its key.
    pub(super) scope: Option<Hash>,
    /// What "the same arguments" means.
    pub(super) arguments: Hash,
    /// What a repeat may do.
    pub(super) effect: Effect,
    /// What a person must have approved.
    pub(super) approval: Option<ApprovalAsk>,
    /// What the guards are asked.
    pub(super) ask: Option<Ask>,
    /// The intent.
    pub(super) record: Record,
}

/// What an agent says about its own run.
#[derive(Debug, Clone)]
pub(super) struct TurnOp {
    /// The run.
    pub(super) run: RunId,
    /// Under which guards it may be said.
    pub(super) guards: Arc<RunGuards>,
    /// The call that says it.
    pub(super) call: Record,
    /// The words, each with its record.
    pub(super) words: Vec<(Steer, Record)>,
}

/// The answer to one [`Op`].
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Reply {
    /// To `OpenRun`.
    Run(RunId),
    /// To `Start`.
    Start(Asked),
    /// To `Refuse`.
    Refused(Refused),
    /// To `Attempt`, where the retry budget is used up.
    NoRetry,
    /// To `Turn`, where nothing was written: the guard that says no, or nothing would change.
    Unturned(Option<Box<GuardRefusal>>),
    /// To `Standing`.
    Standing(Option<Box<Standing>>),
    /// To the others.
    Written(Receipt),
}

impl Reply {
    /// Fills in the head, which is known when the batch is complete.
    pub(super) fn set_head(&mut self, head: Hash) {
        match self {
            Self::Written(receipt) | Self::Refused(Refused { receipt, .. }) => receipt.head = head,
            Self::Start(Asked { start: Start::Fresh(started), .. }) => started.receipt.head = head,
            Self::Run(_) | Self::Start(_) | Self::Standing(_) | Self::NoRetry | Self::Unturned(_) => {}
        }
    }
}

/// The answer to one operation: an error here is about that operation alone.
pub(super) type Answer = Result<Reply, LedgerError>;

/// Keeps the ledger.
pub(super) trait Store: Send {
    /// Writes a batch as one transaction and answers each operation, in order. An error of one
    /// operation leaves the others alone; an error of the batch leaves nothing written, or nobody knows.
    fn commit(&mut self, batch: &[&Op]) -> Result<Vec<Answer>, LedgerError>;

    /// Signs off: what still runs is for the next host to mark.
    fn close(self: Box<Self>) -> Result<(), LedgerError>;
}
