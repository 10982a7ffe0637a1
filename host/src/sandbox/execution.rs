//! One execution of a guest, from instantiation to the last measurement.
//!
//! Not here: admission and fairness (`mod.rs` puts them around this). Invariant: whatever the guest
//! does, this returns one `Ran` and the store is gone.

use super::bindings::ToolPre;
use super::bindings::toolgate::tool::types::{Capability, FailureKind};
use super::context::RawLog;
use super::limits::FUEL_SLICE;
use super::store::{self, CallState, Job, RawDefinition};
use super::trap;
use crate::call::Fault;
use crate::control::{KillSignal, Killed, Running};
use futures::FutureExt;
use std::panic::AssertUnwindSafe;
use std::time::Instant;
use wasmtime::{Engine, Store};

/// A failure that the tool itself returned; its message is not sanitized yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawFailure {
    /// The closed kind, snake_case.
    pub kind: &'static str,
    /// The tool's sentence.
    pub message: String,
    /// When a repeat may succeed.
    pub retry_after_ms: Option<u64>,
    /// An effect outside the sandbox may have happened.
    pub request_sent: bool,
}

/// How an execution failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failed {
    /// The guest failed; the sentence is for the operator.
    Fault(Fault, String),
    /// The tool returned a failure of its own.
    Tool(RawFailure),
    /// The host failed.
    Host(String),
}

/// What was measured.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Measured {
    /// Fuel spent.
    pub fuel: u64,
    /// Peak memory in bytes.
    pub memory_bytes: u64,
    /// Calls into the host.
    pub host_calls: u64,
    /// Money charged by the tool, in micro-USD.
    pub charged_micro_usd: u64,
}

impl Measured {
    /// Adds a further execution of the same call.
    pub fn add(&mut self, more: &Self) {
        self.fuel = self.fuel.saturating_add(more.fuel);
        self.memory_bytes = self.memory_bytes.max(more.memory_bytes);
        self.host_calls = self.host_calls.saturating_add(more.host_calls);
        self.charged_micro_usd = self.charged_micro_usd.saturating_add(more.charged_micro_usd);
    }
}

/// One finished execution.
#[derive(Debug)]
pub struct Ran {
    /// The raw output, or how it failed.
    pub ended: Result<String, Failed>,
    /// What it cost.
    pub measured: Measured,
    /// Its log lines.
    pub logs: Vec<RawLog>,
    /// Lines that were not kept.
    pub logs_dropped: u64,
    /// What it wrote to stdout and stderr, as far as it was kept.
    pub printed: Printed,
}

/// Captured standard output and error.
#[derive(Debug, Default)]
pub struct Printed {
    /// The first bytes of stdout.
    pub stdout: Vec<u8>,
    /// The first bytes of stderr.
    pub stderr: Vec<u8>,
    /// All bytes written to both.
    pub bytes_total: u64,
}

impl Ran {
    /// An execution that never reached the guest.
    pub(super) fn never(failed: Failed) -> Self {
        Self {
            ended: Err(failed),
            measured: Measured::default(),
            logs: Vec::new(),
            logs_dropped: 0,
            printed: Printed::default(),
        }
    }
}

/// Calls the tool in a fresh instance.
pub(super) async fn call(engine: Engine, pre: ToolPre<CallState>, mut job: Job) -> Ran {
    let signal = job.running.as_ref().map(Running::signal);
    let mut store = match store::build(&engine, &mut job) {
        Ok(store) => store,
        Err(error) => return Ran::never(Failed::Host(format!("cannot make a store: {error:#}"))),
    };
    let guest = AssertUnwindSafe(enter(&mut store, &pre, &job)).catch_unwind();
    let ended = tokio::select! {
        biased;
        killed = switched_off(signal) => Ended::Killed(killed),
        guest = tokio::time::timeout_at(job.deadline.into(), guest) => match guest {
            Ok(Ok(Ok(Ok(output)))) => Ended::Output(output),
            Ok(Ok(Ok(Err(failure)))) => Ended::Failure(failure),
            Ok(Ok(Err(error))) => Ended::Trapped(error),
            Ok(Err(_)) => Ended::Panicked,
            Err(_) => Ended::Late,
        },
    };
    finish(store, &job, ended)
}

/// Waits for the kill switch; for ever where nothing watches it.
pub(super) async fn switched_off(signal: Option<KillSignal>) -> Killed {
    match signal {
        Some(signal) => signal.killed().await,
        None => std::future::pending().await,
    }
}

/// Asks for the definitions: the only guest code that runs without a permit, with no grants.
pub(super) async fn definitions(
    engine: Engine,
    pre: ToolPre<CallState>,
    mut job: Job,
) -> Result<Vec<RawDefinition>, String> {
    let mut store = store::build(&engine, &mut job).map_err(|error| format!("{error:#}"))?;
    let ask = async {
        let tool = pre.instantiate_async(&mut store).await?;
        tool.call_definitions(&mut store).await
    };
    let asked = tokio::time::timeout_at(job.deadline.into(), AssertUnwindSafe(ask).catch_unwind()).await;
    match asked {
        Err(_) => Err("definitions() was still running at its deadline".to_owned()),
        Ok(Err(_)) => Err("the host panicked while definitions() ran".to_owned()),
        Ok(Ok(Err(error))) => Err(trap::classify(&error, &store.data().meter, false).1),
        Ok(Ok(Ok(definitions))) => Ok(definitions),
    }
}

type Returned = Result<String, super::bindings::Failure>;

enum Ended {
    Output(String),
    Failure(super::bindings::Failure),
    Trapped(wasmtime::Error),
    Late,
    Killed(Killed),
    Panicked,
}

impl Ended {
    /// Stopped in the midst of the guest's code.
    fn is_midway(&self) -> bool {
        match self {
            Self::Trapped(error) => error.is::<trap::DeadlinePassed>() || error.is::<trap::SwitchedOff>(),
            Self::Late | Self::Killed(_) => true,
            Self::Output(_) | Self::Failure(_) | Self::Panicked => false,
        }
    }
}

async fn enter(
    store: &mut Store<CallState>,
    pre: &ToolPre<CallState>,
    job: &Job,
) -> wasmtime::Result<Returned> {
    let tool = pre.instantiate_async(&mut *store).await?;
    tool.call_call(&mut *store, &job.tool, &job.arguments_json).await
}

fn finish(store: Store<CallState>, job: &Job, ended: Ended) -> Ran {
    let mut fuel = job.limits.fuel.saturating_sub(store.get_fuel().unwrap_or(0));
    if ended.is_midway() && store.data().has_run() {
        // Rounded up: an agent whose calls run to their deadlines must come to the end of its fuel, too.
        fuel = fuel.saturating_add(FUEL_SLICE).min(job.limits.fuel);
    }
    let state = store.into_data();
    let ended = match ended {
        Ended::Output(output) => Ok(output),
        Ended::Failure(failure) => Err(Failed::Tool(RawFailure {
            kind: kind(failure.kind),
            message: failure.message,
            retry_after_ms: failure.retry_after_ms,
            request_sent: failure.request_sent,
        })),
        Ended::Trapped(error) => {
            let (fault, why) = trap::classify(&error, &state.meter, state.returned());
            Err(Failed::Fault(fault, why))
        }
        Ended::Late => {
            let late = Instant::now().saturating_duration_since(job.deadline);
            Err(Failed::Fault(
                Fault::Deadline,
                format!("the guest was stopped {} ms after its deadline", late.as_millis()),
            ))
        }
        Ended::Killed(killed) => Err(Failed::Fault(Fault::Killed, killed.to_string())),
        Ended::Panicked => Err(Failed::Host("a host function panicked; the call was dropped".to_owned())),
    };
    let (stdout, stderr) = (state.stdout.take(), state.stderr.take());
    Ran {
        ended,
        measured: Measured {
            fuel,
            memory_bytes: state.meter.peak_bytes(),
            host_calls: state.host_calls,
            charged_micro_usd: state.context.charged_micro_usd,
        },
        logs: state.context.logs,
        logs_dropped: state.context.logs_dropped,
        printed: Printed {
            bytes_total: stdout.bytes_total.saturating_add(stderr.bytes_total),
            stdout: stdout.kept,
            stderr: stderr.kept,
        },
    }
}

fn kind(kind: FailureKind) -> &'static str {
    match kind {
        FailureKind::InvalidInput => "invalid_input",
        FailureKind::NotFound => "not_found",
        FailureKind::CapabilityDenied => "capability_denied",
        FailureKind::Unavailable => "unavailable",
        FailureKind::RateLimited => "rate_limited",
        FailureKind::Conflict => "conflict",
        FailureKind::Internal => "internal",
    }
}

/// The word of a capability as policies and reports spell it.
pub(super) fn capability(capability: Capability) -> &'static str {
    match capability {
        Capability::Fs => "fs",
        Capability::Http => "http",
        Capability::Env => "env",
        Capability::Secret => "secret",
        Capability::Clock => "clock",
        Capability::Random => "random",
        Capability::Log => "log",
    }
}
