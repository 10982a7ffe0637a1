//! What can go wrong with the control database, in words that say what to do next.
//!
//! Invariant: a switch that was not written is an error, never a report.

use std::path::PathBuf;

/// Why the control database did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ControlError {
    /// The file or its folder cannot be made, opened, read or written.
    #[error("cannot use the control database {path}: {cause}; check that the path is right, that this user may write there, and that the disk has room", path = path.display())]
    Open {
        /// The database's file.
        path: PathBuf,
        /// What the system said.
        cause: String,
    },
    /// The database was written, and the write may not survive power loss.
    #[error("hosts see the change in {path}, but it may not survive power loss: {cause}; do the same once more when the disk is well", path = path.display())]
    NotSynced {
        /// The database's file.
        path: PathBuf,
        /// What the system said.
        cause: String,
    },
    /// Another process holds the database locked.
    #[error("the control database {path} is locked by another process, which may be stopped or hung: let it go on (`kill -CONT PID`) or end it, and try again", path = path.display())]
    Busy {
        /// The database's file.
        path: PathBuf,
    },
    /// The file is something else. It was not touched.
    #[error("{path} is not a control database: {cause}; it was left as it is: move it away", path = path.display())]
    NotControl {
        /// The file.
        path: PathBuf,
        /// What was found instead.
        cause: String,
    },
    /// The file is a control database of another version. It was not touched.
    #[error("{path} is a control database of version {found}, and this program reads version {expected}; it was left as it is: use the program that wrote it, or end every host and move it away", path = path.display())]
    OtherVersion {
        /// The file.
        path: PathBuf,
        /// The version in the file.
        found: i64,
        /// The version of this program.
        expected: i64,
    },
    /// The file is damaged. It was not repaired.
    #[error("the control database {path} is damaged: {cause}; hosts that watch it refuse all calls: end them, move the file away, and throw the switches again", path = path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What does not hold.
        cause: String,
    },
    /// The file, or one of SQLite's files beside it, was deleted, moved or replaced while this host watched it.
    #[error("the control database {path} is not the file any more that this host watches ({cause}): switches may be on that it cannot see; restart the host", path = path.display())]
    Replaced {
        /// The file.
        path: PathBuf,
        /// What was found.
        cause: String,
    },
    /// This host is not in the list any more, so nobody would wait for its acknowledgement.
    #[error("this host was taken off the list of the control database {path}: restart it", path = path.display())]
    StruckOut {
        /// The file.
        path: PathBuf,
    },
    /// A text that is too long, or a switch too many.
    #[error("{0}")]
    Limit(String),
    /// The operating system refused what a host needs.
    #[error("{0}")]
    System(String),
}

impl ControlError {
    /// Whether nothing can be written, though it may be read: a full or failing disk, or a lock that is not let go.
    pub fn is_unwritable(&self) -> bool {
        matches!(self, Self::Open { .. } | Self::Busy { .. })
    }
}
