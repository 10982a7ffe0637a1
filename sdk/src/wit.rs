//! The contract's two sides on wasm: the host's `call-context` as [`Host`], and `definitions` and `call`
//! of a component from its list of tools. Only this file knows the generated bindings.
//!
//! Invariant: every type crosses by an exhaustive match, so that a new case of the contract cannot be
//! dropped silently.

use crate::tool::{self, Entry};
use crate::{Capability, Context, Definition, Failure, FailureKind, Level};
use bindings::toolgate::tool::call_context;
use bindings::toolgate::tool::types;
use std::time::Duration;

/// Generated from `wit/toolgate.wit`.
#[expect(missing_docs, reason = "generated from the contract, whose documentation is the WIT file")]
pub mod bindings {
    wit_bindgen::generate!({
        path: "wit",
        world: "tool",
        pub_export_macro: true,
        export_macro_name: "export",
    });
}

pub use bindings::export;

/// A component: its tools, in order.
pub trait Exports {
    /// The list given to `component!`.
    const TOOLS: &'static [Entry];
}

impl<C: Exports> bindings::Guest for C {
    fn definitions() -> Vec<types::Definition> {
        tool::definitions(C::TOOLS).into_iter().map(definition).collect()
    }

    fn call(name: String, arguments_json: String) -> Result<String, types::Failure> {
        tool::call(C::TOOLS, &Context { host: Host }, &name, &arguments_json).map_err(failure)
    }
}

fn definition(definition: Definition) -> types::Definition {
    types::Definition {
        name: definition.name,
        description: definition.description,
        input_schema: definition.input_schema,
        output_schema: definition.output_schema,
        needs: definition.needs.into_iter().map(capability).collect(),
    }
}

fn capability(capability: Capability) -> types::Capability {
    match capability {
        Capability::Fs => types::Capability::Fs,
        Capability::Http => types::Capability::Http,
        Capability::Env => types::Capability::Env,
        Capability::Secret => types::Capability::Secret,
        Capability::Clock => types::Capability::Clock,
        Capability::Random => types::Capability::Random,
        Capability::Log => types::Capability::Log,
    }
}

fn failure(failure: Failure) -> types::Failure {
    types::Failure {
        kind: match failure.kind {
            FailureKind::InvalidInput => types::FailureKind::InvalidInput,
            FailureKind::NotFound => types::FailureKind::NotFound,
            FailureKind::CapabilityDenied => types::FailureKind::CapabilityDenied,
            FailureKind::Unavailable => types::FailureKind::Unavailable,
            FailureKind::RateLimited => types::FailureKind::RateLimited,
            FailureKind::Conflict => types::FailureKind::Conflict,
            FailureKind::Internal => types::FailureKind::Internal,
        },
        message: failure.message,
        retry_after_ms: failure.retry_after.map(milliseconds),
        request_sent: failure.request_sent,
    }
}

/// Rounded up: a repeat that comes a moment early is a repeat too many.
fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}

/// The host of a sandboxed call.
pub(crate) struct Host;

impl Host {
    pub(crate) fn run_id(&self) -> String {
        call_context::run_id()
    }

    pub(crate) fn call_id(&self) -> String {
        call_context::call_id()
    }

    pub(crate) fn attempt(&self) -> u32 {
        call_context::attempt()
    }

    pub(crate) fn idempotency_key(&self) -> Option<String> {
        call_context::idempotency_key()
    }

    pub(crate) fn remaining(&self) -> Duration {
        Duration::from_millis(call_context::remaining_ms())
    }

    pub(crate) fn log(&self, level: Level, message: &str) {
        let level = match level {
            Level::Debug => call_context::Level::Debug,
            Level::Info => call_context::Level::Info,
            Level::Warn => call_context::Level::Warn,
            Level::Error => call_context::Level::Error,
        };
        call_context::log(level, message);
    }

    pub(crate) fn progress(&self, done: f64, total: Option<f64>, message: Option<&str>) {
        call_context::progress(done, total, message);
    }

    pub(crate) fn charge(&self, micro_usd: u64) {
        call_context::charge(micro_usd);
    }
}
