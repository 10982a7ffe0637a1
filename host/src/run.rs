//! A run: one agent task, as the library hands it out.
//!
//! Not here: what a run may spend and where it stands (`guard/`), and how a call goes (`pipeline/`). Invariant: a
//! handle gives no authority that its gate does not have; the run lives on the ledger and outlives it.

use crate::call::{Arguments, CallMeta, Outcome, RunId, Suggestion};
use crate::gate::{Gate, GateError};
use crate::guard::Standing;
use crate::guard::event::Steer;
use crate::ledger::Steering;
use crate::pipeline;
use serde_json::Value;

/// Who steers a run through this handle, as the ledger says it.
const EMBEDDER: &str = "embedder";

/// How a run is opened. A run that is found again by its name keeps the goal, context and parent that it has.
#[derive(Debug, Clone, Default)]
pub struct RunOptions {
    /// The run that belongs to this name, or a new one.
    pub name: Option<String>,
    /// What the agent is after.
    pub goal: Option<String>,
    /// Context keys for every call of the run; without any it has its parent's.
    pub context: Option<Value>,
    /// The run that opens it: what it spends counts there too.
    pub parent: Option<RunId>,
}

/// One agent task.
#[derive(Clone)]
pub struct Run {
    gate: Gate,
    id: RunId,
}

impl Run {
    pub(crate) fn new(gate: Gate, id: RunId) -> Self {
        Self { gate, id }
    }

    /// The run's id.
    pub fn id(&self) -> RunId {
        self.id
    }

    /// Calls a tool. Calls of one run may overlap.
    pub async fn call(&self, tool: &str, arguments: impl Into<Arguments>) -> Outcome {
        self.call_with(tool, arguments, CallMeta::default()).await
    }

    /// Calls a tool, with an idempotency key, a thought or whatever else goes beside.
    pub async fn call_with(&self, tool: &str, arguments: impl Into<Arguments>, meta: CallMeta) -> Outcome {
        let suggestion = Suggestion {
            run: Some(self.id.to_string()),
            tool: tool.to_owned(),
            arguments: arguments.into(),
            meta,
        };
        self.gate.call(suggestion, None).await
    }

    /// Opens a run below this one: what it spends counts here too.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub async fn child(&self, options: RunOptions) -> Result<Self, GateError> {
        self.gate.run(RunOptions { parent: Some(self.id), ..options }).await
    }

    /// Where the run stands.
    ///
    /// # Errors
    /// When the ledger cannot be used.
    pub async fn status(&self) -> Result<Standing, GateError> {
        Ok(self.gate.host().standing(self.id).await?)
    }

    /// Lets no call run until the run is continued; calls that run end by themselves.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub async fn pause(&self, why: &str) -> Result<(), GateError> {
        self.steer(Steer::Paused(why.to_owned()), None).await
    }

    /// Lets calls run again after a pause or a halt; refusals in a row are forgotten, a review is done.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub async fn resume(&self) -> Result<(), GateError> {
        self.steer(Steer::Continued, None).await
    }

    /// Lets no call run any more.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub async fn halt(&self, why: &str) -> Result<(), GateError> {
        self.steer(Steer::Halted(why.to_owned()), None).await
    }

    /// The run is over: its goal was reached, or given up.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub async fn finish(&self, reached: bool, note: Option<String>) -> Result<(), GateError> {
        self.steer(Steer::Finished { reached }, note).await
    }

    /// Begins the run's next segment and gives what a fresh agent needs to go on:
    /// `{"run","goal","context","done":[…],"open":[…],"last_results":[…]}`, sanitized and bounded.
    ///
    /// # Errors
    /// When the ledger cannot be used.
    pub async fn refresh(&self) -> Result<Value, GateError> {
        let checkpoint = pipeline::checkpoint(self.gate.host(), self.id).await?;
        self.steer(Steer::Refreshed, None).await?;
        Ok(checkpoint.value)
    }

    async fn steer(&self, steer: Steer, note: Option<String>) -> Result<(), GateError> {
        let host = self.gate.host();
        let at_ms = host.seams.now_ms();
        let steering = Steering { run: self.id, steer, by: EMBEDDER.to_owned(), note, at_ms };
        host.ledger.steer(steering).await?;
        Ok(())
    }
}
