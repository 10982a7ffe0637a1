//! What can go wrong with a ledger, in words that say what to do next.
//!
//! Invariant: nothing here carries a payload; texts name the file, the id and the cause only.

use crate::call::{CallId, RunId};
use std::path::PathBuf;

/// Why the ledger did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LedgerError {
    /// No approval of this id waits for an answer.
    #[error(
        "no approval `{0}` waits for an answer: it was answered, has expired, or never was; `toolgate approvals` lists them"
    )]
    NotWaiting(String),
    /// The call is not in doubt, or not any more.
    #[error("{0} is not in doubt, or somebody has resolved it; `toolgate doubts` lists those that are")]
    NotInDoubt(CallId),
    /// A write or a sync failed, so nothing can be promised until the ledger is opened again. What was
    /// asked may or may not be on the ledger; opening again finds out.
    #[error("the ledger refuses all work until it is opened again: {cause}")]
    Unavailable {
        /// The first failure.
        cause: String,
    },
    /// The file or its folder cannot be made, opened, read or locked.
    #[error("cannot open the ledger {path}: {cause}; check that the path is right, that the folder can be written, and that the disk has room", path = path.display())]
    Open {
        /// The ledger's file.
        path: PathBuf,
        /// What the system said.
        cause: String,
    },
    /// Another program holds the file locked.
    #[error("the ledger {path} is locked by another program, which may be stopped or hung: let it go on (`kill -CONT PID`) or end it, and try again", path = path.display())]
    Busy {
        /// The ledger's file.
        path: PathBuf,
    },
    /// The file is something else. It was not touched.
    #[error("{path} is not a ledger: {cause}; it was left as it is: name another path for the ledger", path = path.display())]
    NotALedger {
        /// The file.
        path: PathBuf,
        /// What was found instead.
        cause: String,
    },
    /// The file is a ledger of another version. It was not touched.
    #[error("{path} is a ledger of version {found}, and this host reads version {expected}; it was left as it is: use the host that wrote it, or name another path", path = path.display())]
    OtherVersion {
        /// The file.
        path: PathBuf,
        /// The version in the file.
        found: i64,
        /// The version of this host.
        expected: i64,
    },
    /// The file is truncated or damaged. It was not repaired; where this ends an opening, nothing was written either.
    #[error("the ledger {path} is damaged: {cause}; it was not repaired: keep a copy of it and of the files beside it, then restore a backup or name another path", path = path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What does not hold.
        cause: String,
    },
    /// No such run on this ledger.
    #[error("the ledger has no run {0}")]
    UnknownRun(RunId),
    /// A run of this id exists already, under another principal or another name.
    #[error("the run {0} exists already and is another one")]
    RunExists(RunId),
    /// The call was started before.
    #[error("the call {0} was started before")]
    AlreadyStarted(CallId),
    /// The call is not running: it never started here, or it has its one ending.
    #[error("the call {0} has no start without an ending on this host")]
    NotStarted(CallId),
    /// A value that cannot be written as JSON.
    #[error("cannot be written as JSON: {0}")]
    Encode(String),
    /// The ledger was closed.
    #[error("the ledger is closed")]
    Closed,
}
