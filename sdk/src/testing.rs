//! For a tool's own unit tests: a fake call context, and calls through the JSON that a model would send.
//! Not a sandbox: limits, grants and schemas are the host's, and hold only there.
//!
//! ```
//! use toolgate_sdk::testing::{self, FakeContext};
//! use toolgate_sdk::{Context, Level};
//!
//! /// Returns the text unchanged.
//! #[toolgate_sdk::tool]
//! fn echo(cx: &Context, text: String) -> String {
//!     cx.log(Level::Info, format!("attempt {}", cx.attempt()));
//!     text
//! }
//!
//! let cx = FakeContext::new().with_attempt(2);
//! assert_eq!(echo(&cx, "hi".to_owned()), "hi");
//! assert_eq!(cx.logs(), [(Level::Info, "attempt 2".to_owned())]);
//!
//! let answer = testing::call::<echo>(&cx, r#"{"text": "hi"}"#).unwrap();
//! assert_eq!(answer, r#"{"result":"hi"}"#);
//! ```
//!
//! Invariant: what a tool tells the fake is kept in order and complete.

use crate::{Context, Failure, Level, Tool};
use std::cell::RefCell;
use std::ops::Deref;
use std::time::Duration;

/// Runs a tool as the host would, with arguments and result as JSON text; the arguments are not checked
/// against the schema.
///
/// # Errors
/// As [`Tool::call`].
pub fn call<T: Tool>(cx: &Context, arguments_json: &str) -> Result<String, Failure> {
    T::call(cx, arguments_json)
}

/// One report of progress.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    /// Done so far, in the tool's unit.
    pub done: f64,
    /// The whole, when known.
    pub total: Option<f64>,
    /// A short line.
    pub message: Option<String>,
}

/// A call context that is settable and remembers what it was told. It dereferences to [`Context`]: pass
/// `&cx`.
#[derive(Debug)]
pub struct FakeContext {
    context: Context,
}

impl FakeContext {
    /// The first attempt of a call without an idempotency key, with 5 s left.
    pub fn new() -> Self {
        Self {
            context: Context {
                host: Host {
                    run_id: "run-1".to_owned(),
                    call_id: "call-1".to_owned(),
                    attempt: 1,
                    idempotency_key: None,
                    remaining: Duration::from_secs(5),
                    told: RefCell::default(),
                },
            },
        }
    }

    /// Sets the run and the call.
    #[must_use]
    pub fn with_ids(mut self, run_id: &str, call_id: &str) -> Self {
        self.context.host.run_id = run_id.to_owned();
        self.context.host.call_id = call_id.to_owned();
        self
    }

    /// Sets the attempt, from 1.
    #[must_use]
    pub fn with_attempt(mut self, attempt: u32) -> Self {
        self.context.host.attempt = attempt;
        self
    }

    /// Sets the idempotency key.
    #[must_use]
    pub fn with_idempotency_key(mut self, key: &str) -> Self {
        self.context.host.idempotency_key = Some(key.to_owned());
        self
    }

    /// Sets the wall time left; it does not run down.
    #[must_use]
    pub fn with_remaining(mut self, remaining: Duration) -> Self {
        self.context.host.remaining = remaining;
        self
    }

    /// Every log line so far.
    pub fn logs(&self) -> Vec<(Level, String)> {
        self.context.host.told.borrow().logs.clone()
    }

    /// Every report of progress so far.
    pub fn progress_reports(&self) -> Vec<Progress> {
        self.context.host.told.borrow().progress.clone()
    }

    /// The sum of the charges so far, in micro-USD.
    pub fn charged_micro_usd(&self) -> u64 {
        self.context.host.told.borrow().charged_micro_usd
    }
}

impl Default for FakeContext {
    fn default() -> Self {
        Self::new()
    }
}

impl Deref for FakeContext {
    type Target = Context;

    fn deref(&self) -> &Context {
        &self.context
    }
}

/// The host of a native call: what [`FakeContext`] set, and what it was told.
#[derive(Debug)]
pub(crate) struct Host {
    run_id: String,
    call_id: String,
    attempt: u32,
    idempotency_key: Option<String>,
    remaining: Duration,
    told: RefCell<Told>,
}

#[derive(Debug, Default)]
struct Told {
    logs: Vec<(Level, String)>,
    progress: Vec<Progress>,
    charged_micro_usd: u64,
}

impl Host {
    pub(crate) fn run_id(&self) -> String {
        self.run_id.clone()
    }

    pub(crate) fn call_id(&self) -> String {
        self.call_id.clone()
    }

    pub(crate) fn attempt(&self) -> u32 {
        self.attempt
    }

    pub(crate) fn idempotency_key(&self) -> Option<String> {
        self.idempotency_key.clone()
    }

    pub(crate) fn remaining(&self) -> Duration {
        self.remaining
    }

    pub(crate) fn log(&self, level: Level, message: &str) {
        self.told.borrow_mut().logs.push((level, message.to_owned()));
    }

    pub(crate) fn progress(&self, done: f64, total: Option<f64>, message: Option<&str>) {
        let message = message.map(str::to_owned);
        self.told.borrow_mut().progress.push(Progress { done, total, message });
    }

    pub(crate) fn charge(&self, micro_usd: u64) {
        let mut told = self.told.borrow_mut();
        told.charged_micro_usd = told.charged_micro_usd.saturating_add(micro_usd);
    }
}
