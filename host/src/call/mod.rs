//! The words of a call: ids, the suggestion, reason codes, findings, the outcome.
//!
//! Leaf vocabulary that every other room shares. It holds no I/O, no clock and no runtime, and it
//! imports no other room of the host (a test in `tests/` keeps it so).

mod finding;
mod ids;
mod lineage;
mod nearest;
mod outcome;
mod reason;
mod suggestion;

pub use finding::{Action, Finding};
pub use ids::{BadId, CallId, RunId};
pub use lineage::Lineage;
pub use nearest::nearest;
pub use outcome::{Degraded, Outcome, Status, Usage};
pub use reason::{Denial, Fault, HostError, Reason};
pub use suggestion::{Arguments, CallMeta, Suggestion};

/// What the names of the host's own tools begin with: no policy can name one so.
pub const OWN_TOOLS_PREFIX: &str = "toolgate_";
