//! Why a call failed: the closed `failure` of the contract. Not a place for the host's own reasons
//! (refused, out of fuel): a tool cannot claim those.
//!
//! Invariant: the kind and the two facts are all that the host decides by; the message is for the model.

use std::fmt;
use std::io;
use std::time::Duration;

/// What kind of failure it was: the whole list, the same as `failure-kind` in `wit/toolgate.wit`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FailureKind {
    /// The arguments fit the schema and still make no sense.
    InvalidInput,
    /// The thing asked for does not exist.
    NotFound,
    /// A capability that the tool needs was refused.
    CapabilityDenied,
    /// Something the tool depends on is down or slow: a repeat may succeed.
    Unavailable,
    /// Something the tool depends on asked to slow down.
    RateLimited,
    /// The state of the world does not allow it.
    Conflict,
    /// A defect of the tool.
    Internal,
}

/// A failed call. Make one with the function named like its kind, then add facts:
///
/// ```
/// use std::time::Duration;
/// use toolgate_sdk::{Failure, FailureKind};
///
/// let failure = Failure::unavailable("the exchange did not answer; try again in a moment")
///     .retry_after(Duration::from_secs(2))
///     .request_sent();
/// assert_eq!(failure.kind, FailureKind::Unavailable);
/// ```
///
/// The message is read by the model: say what is wrong and what to do instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What kind it was.
    pub kind: FailureKind,
    /// For the model: what went wrong and what to do.
    pub message: String,
    /// When a repeat may succeed.
    pub retry_after: Option<Duration>,
    /// True when an effect outside the sandbox may have happened; the host then repeats the call only
    /// where the policy says that a repeat is safe.
    pub request_sent: bool,
}

macro_rules! constructors {
    ($($(#[$doc:meta])* $name:ident => $kind:ident,)+) => {
        impl Failure {
            $($(#[$doc])*
            pub fn $name(message: impl Into<String>) -> Self {
                Self { kind: FailureKind::$kind, message: message.into(), retry_after: None, request_sent: false }
            })+
        }
    };
}

constructors! {
    /// The arguments fit the schema and still make no sense.
    invalid_input => InvalidInput,
    /// The thing asked for does not exist.
    not_found => NotFound,
    /// A capability that the tool needs was refused.
    capability_denied => CapabilityDenied,
    /// Something the tool depends on is down or slow: a repeat may succeed.
    unavailable => Unavailable,
    /// Something the tool depends on asked to slow down.
    rate_limited => RateLimited,
    /// The state of the world does not allow it.
    conflict => Conflict,
    /// A defect of the tool.
    internal => Internal,
}

impl Failure {
    /// Says when a repeat may succeed.
    #[must_use]
    pub fn retry_after(mut self, delay: Duration) -> Self {
        self.retry_after = Some(delay);
        self
    }

    /// Says that an effect outside the sandbox may have happened.
    #[must_use]
    pub fn request_sent(mut self) -> Self {
        self.request_sent = true;
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

/// By the error's kind; the message is the error's own. Name the file yourself where it helps:
/// `fs::read(&path).map_err(|error| Failure::not_found(format!("{path}: {error}")))`.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self {
            kind: kind_of(error.kind()),
            message: error.to_string(),
            retry_after: None,
            request_sent: false,
        }
    }
}

fn kind_of(kind: io::ErrorKind) -> FailureKind {
    use io::ErrorKind as Io;
    match kind {
        Io::NotFound => FailureKind::NotFound,
        Io::PermissionDenied | Io::ReadOnlyFilesystem => FailureKind::CapabilityDenied,
        Io::AlreadyExists
        | Io::DirectoryNotEmpty
        | Io::ResourceBusy
        | Io::CrossesDevices
        | Io::StorageFull
        | Io::QuotaExceeded
        | Io::FileTooLarge => FailureKind::Conflict,
        Io::InvalidInput
        | Io::InvalidData
        | Io::InvalidFilename
        | Io::IsADirectory
        | Io::NotADirectory
        | Io::UnexpectedEof => FailureKind::InvalidInput,
        Io::ConnectionRefused
        | Io::ConnectionReset
        | Io::ConnectionAborted
        | Io::HostUnreachable
        | Io::NetworkUnreachable
        | Io::NetworkDown
        | Io::BrokenPipe
        | Io::Interrupted
        | Io::TimedOut
        | Io::WouldBlock => FailureKind::Unavailable,
        _ => FailureKind::Internal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_io_error_becomes_the_failure_of_its_kind_and_keeps_its_message() {
        let cases = [
            (io::ErrorKind::NotFound, FailureKind::NotFound),
            (io::ErrorKind::PermissionDenied, FailureKind::CapabilityDenied),
            (io::ErrorKind::AlreadyExists, FailureKind::Conflict),
            (io::ErrorKind::QuotaExceeded, FailureKind::Conflict),
            (io::ErrorKind::IsADirectory, FailureKind::InvalidInput),
            (io::ErrorKind::TimedOut, FailureKind::Unavailable),
            (io::ErrorKind::Unsupported, FailureKind::Internal),
        ];
        for (kind, expected) in cases {
            let failure = Failure::from(io::Error::new(kind, "no such page"));
            assert_eq!(failure.kind, expected, "{kind:?}");
            assert_eq!(failure.to_string(), "no such page");
        }
    }

    #[test]
    fn an_io_error_says_nothing_about_effects_and_repeats() {
        let failure = Failure::from(io::Error::from(io::ErrorKind::TimedOut));
        assert_eq!(failure.retry_after, None);
        assert!(!failure.request_sent);
    }
}
