//! The words of a call: ids, names of tools, the suggestion, reason codes, findings, the outcome; and how bytes are
//! spelled.
//!
//! Leaf vocabulary that every other room shares. It holds no I/O, no clock and no runtime, and it
//! imports no other room of the host (a test in `tests/` keeps it so).

mod finding;
mod hex;
mod ids;
mod lineage;
mod nearest;
mod outcome;
mod reason;
mod suggestion;

pub use finding::{Action, Finding};
pub use hex::{hex, unhex};
pub use ids::{BadId, CallId, RunId};
pub use lineage::Lineage;
pub use nearest::nearest;
pub use outcome::{Degraded, Outcome, Status, Usage};
pub use reason::{Denial, Fault, HostError, Reason};
pub use suggestion::{Arguments, CallMeta, Suggestion};

/// What the names of the host's own tools begin with: no policy can name one so.
pub const OWN_TOOLS_PREFIX: &str = "toolgate_";

/// Bytes of a tool's name.
const TOOL_NAME_BYTES_MAX: usize = 64;

/// Whether a tool may have this name: `[a-z][a-z0-9_]{0,63}`, as `definition.name` in `sdk/wit/toolgate.wit`. ASCII, so
/// that no name can look like another one's. Which of them are the host's own, [`OWN_TOOLS_PREFIX`] says.
pub fn is_tool_name(name: &str) -> bool {
    let is_part = |c: char| matches!(c, 'a'..='z' | '0'..='9' | '_');
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.len() <= TOOL_NAME_BYTES_MAX
        && name.chars().all(is_part)
}
