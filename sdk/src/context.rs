//! The call that a tool runs in: a thin face over `call-context` of the contract. Not a way to more
//! power: everything here is information in one direction or the other.
//!
//! Invariant: on wasm the host answers, elsewhere the record of [`crate::testing`]; which one is decided
//! by the target, never at run time.

use std::fmt;
use std::time::Duration;

#[cfg(not(target_family = "wasm"))]
use crate::testing::Host;
#[cfg(target_family = "wasm")]
use crate::wit::Host;

/// How much a log line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// For whoever debugs the tool.
    Debug,
    /// Worth knowing.
    Info,
    /// Something is off, and the call goes on.
    Warn,
    /// Something failed.
    Error,
}

/// What the host tells a running call, and what the call tells the host. A tool that wants it takes
/// `cx: &Context` as one of its parameters; a test makes one with `testing::FakeContext`.
pub struct Context {
    pub(crate) host: Host,
}

impl Context {
    /// The run that this call belongs to.
    pub fn run_id(&self) -> String {
        self.host.run_id()
    }

    /// This call.
    pub fn call_id(&self) -> String {
        self.host.call_id()
    }

    /// Which execution this is inside the call, from 1.
    pub fn attempt(&self) -> u32 {
        self.host.attempt()
    }

    /// The idempotency key of this call: send it on to whatever you change, so that a repeat changes
    /// nothing more.
    pub fn idempotency_key(&self) -> Option<String> {
        self.host.idempotency_key()
    }

    /// Wall time left until the deadline.
    pub fn remaining(&self) -> Duration {
        self.host.remaining()
    }

    /// A line for the operator; kept when the policy grants `log`. The model does not see it.
    pub fn log(&self, level: Level, message: impl AsRef<str>) {
        self.host.log(level, message.as_ref());
    }

    /// Tells the caller how far the work is: `done` so far, of `total` when that is known, in whatever
    /// unit the tool counts; `message` is one short line.
    pub fn progress(&self, done: f64, total: Option<f64>, message: Option<&str>) {
        self.host.progress(done, total, message);
    }

    /// Reports money that this call has spent, in micro-USD; it counts against the run's budget.
    pub fn charge(&self, micro_usd: u64) {
        self.host.charge(micro_usd);
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context").finish_non_exhaustive()
    }
}
