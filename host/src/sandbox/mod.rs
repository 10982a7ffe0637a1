//! The sandbox: runs a component under fuel, an epoch deadline, a memory cap and its grants.
//!
//! This room alone knows the runtime (a test keeps `wasmtime` out of every other one). Its entry is
//! [`Sandbox::execute`], and only `pipeline/execute.rs` calls it, with a permit in hand. Not here: what
//! may run (policy), what an output means (schema, sanitizer).
//!
//! The pieces: `engine` (which WebAssembly), `linker` (which imports), `store` (one call's state),
//! `limits` and `trap` (how it ends), `execution` (one run of it), `admission` and `long_runners`
//! (fairness), `grants` (each capability), `compile` (a component into native code).

mod admission;
mod bindings;
mod compile;
mod context;
mod engine;
mod execution;
pub mod grants;
mod limits;
mod linker;
mod long_runners;
mod store;
mod streams;
mod trap;

pub use admission::{Admission, Ticket};
pub use compile::{compatibility, compile};
pub use context::{ProgressSink, RawLog, RawProgress};
pub use execution::{Failed, Measured, Printed, Ran, RawFailure};
pub use limits::HOST_CALL_FUEL;
pub use linker::INTERFACES;
pub use store::{Job, OpenGrants};

use crate::call::{CallId, Fault, RunId};
use crate::control::Running;
use crate::policy::Limits;
use bindings::ToolPre;
use long_runners::LongRunners;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use store::CallState;
use wasmtime::Engine;
use wasmtime::component::{Component, Linker};

/// What goes wrong before a guest runs.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The engine or its threads cannot start.
    #[error("the sandbox cannot start: {0}")]
    Engine(String),
    /// Not a component that this host accepts.
    #[error("the component cannot be compiled: {0}")]
    Compile(String),
    /// Compiled code that does not fit this engine or imports something unknown.
    #[error("the component cannot be loaded: {0}")]
    Load(String),
    /// `definitions()` failed.
    #[error("the component cannot say what tools it has: {0}")]
    Definitions(String),
}

/// What a component says of one of its tools.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Definition {
    /// Unique in the component.
    pub name: String,
    /// For the model.
    pub description: String,
    /// JSON Schema of the arguments, as text.
    pub input_schema: String,
    /// JSON Schema of the result, as text.
    pub output_schema: String,
    /// Capabilities, by their policy words.
    pub needs: Vec<String>,
}

/// The running sandbox of one host.
pub struct Sandbox {
    engine: Engine,
    linker: Linker<CallState>,
    long_runners: LongRunners,
}

/// A component that is compiled, linked and ready to be instantiated.
#[derive(Clone)]
pub struct Loaded(ToolPre<CallState>);

impl Sandbox {
    /// Starts a sandbox for `concurrency` calls at once.
    ///
    /// # Errors
    /// When the engine refuses its settings or a thread cannot be started.
    pub fn open(concurrency: usize) -> Result<Self, SandboxError> {
        Self::open_with_tick(concurrency, engine::TICK)
    }

    /// As [`Sandbox::open`], with another epoch length; for tests of what must not depend on it.
    ///
    /// # Errors
    /// As [`Sandbox::open`].
    pub fn open_with_tick(concurrency: usize, tick: Duration) -> Result<Self, SandboxError> {
        let sandbox = Self::still(concurrency)?;
        engine::start_ticking(&sandbox.engine, tick)?;
        Ok(sandbox)
    }

    /// A sandbox in which no epoch passes by itself.
    pub(crate) fn still(concurrency: usize) -> Result<Self, SandboxError> {
        let engine = engine::build(concurrency)?;
        let linker = linker::build(&engine).map_err(|error| SandboxError::Engine(format!("{error:#}")))?;
        Ok(Self { engine, linker, long_runners: LongRunners::new()? })
    }

    /// Lets one epoch pass.
    #[cfg(test)]
    pub(crate) fn pass_epoch(&self) {
        self.engine.increment_epoch();
    }

    /// Loads native code that [`compile`] made for this very configuration.
    ///
    /// The caller vouches for the bytes: they come straight from the compiler or passed the cache's
    /// authentication. Nothing of the guest runs here.
    ///
    /// # Errors
    /// When the code is for another engine, or imports or lacks something.
    pub fn load(&self, code: &[u8]) -> Result<Loaded, SandboxError> {
        #[expect(
            unsafe_code,
            reason = "the runtime trusts compiled code by design; ours is authenticated before it gets here"
        )]
        // SAFETY: `code` is the untouched output of `compile`: fresh from it, or under the cache's MAC.
        let component = unsafe { Component::deserialize(&self.engine, code) };
        let load = |error: wasmtime::Error| SandboxError::Load(format!("{error:#}"));
        let pre = self.linker.instantiate_pre(&component.map_err(load)?).map_err(load)?;
        ToolPre::new(pre).map(Loaded).map_err(load)
    }

    /// Asks a component what tools it has, with no grants and the built-in limits.
    ///
    /// # Errors
    /// When `definitions()` traps or takes too long.
    pub async fn definitions(&self, loaded: &Loaded) -> Result<Vec<Definition>, SandboxError> {
        let job = definitions_job();
        let ask = execution::definitions(self.engine.clone(), loaded.0.clone(), job);
        let raw = self.long_runners.run(ask).await.unwrap_or_else(|| Err("the host is closing".to_owned()));
        let definition = |raw: store::RawDefinition| Definition {
            name: raw.name,
            description: raw.description,
            input_schema: raw.input_schema,
            output_schema: raw.output_schema,
            needs: raw.needs.into_iter().map(|need| execution::capability(need).to_owned()).collect(),
        };
        Ok(raw.map_err(SandboxError::Definitions)?.into_iter().map(definition).collect())
    }

    /// Runs one job in a fresh instance: the sandbox's entry.
    ///
    /// Waits for a slot first and holds it only while guest code may run. Ends by itself, at the latest
    /// a tick after the job's deadline; dropping the future ends the guest as soon.
    pub async fn execute(&self, loaded: &Loaded, ticket: &Ticket, mut job: Job) -> Ran {
        let signal = job.running.as_ref().map(Running::signal);
        let waited = tokio::select! {
            biased;
            killed = execution::switched_off(signal) => {
                return Ran::never(Failed::Fault(Fault::Killed, killed.to_string()));
            }
            waited = tokio::time::timeout_at(job.deadline.into(), ticket.slot()) => waited,
        };
        let slot = match waited {
            Ok(Some(slot)) if Instant::now() < job.deadline => slot,
            Ok(None) => return Ran::never(Failed::Host("the host is closing".to_owned())),
            Ok(Some(_)) | Err(_) => {
                let why = "no slot came free before the deadline".to_owned();
                return Ran::never(Failed::Fault(Fault::Deadline, why));
            }
        };
        job.admitted.store(true, Ordering::Relaxed);
        let own = Instant::now().checked_add(job.limits.deadline);
        job.deadline = own.map_or(job.deadline, |own| own.min(job.deadline));
        let (engine, pre) = (self.engine.clone(), loaded.0.clone());
        let ran = self.long_runners.run(async move {
            let ran = execution::call(engine, pre, job).await;
            drop(slot);
            ran
        });
        ran.await.unwrap_or_else(|| Ran::never(Failed::Host("the execution was dropped".to_owned())))
    }
}

/// `definitions()` gets the built-in limits and nothing else.
fn definitions_job() -> Job {
    let limits = Limits::BUILT_IN;
    Job {
        tool: String::new(),
        arguments_json: String::new(),
        run: RunId::new(0, [0; 10]),
        call: CallId::new(0, [0; 10]),
        attempt: 1,
        key: None,
        started_unix: Duration::ZERO,
        deadline: Instant::now() + limits.deadline,
        limits,
        charge_micro_usd_max: 0,
        grants: Arc::new(OpenGrants::default()),
        progress: None,
        admitted: Arc::default(),
        running: None,
    }
}
