//! The story of a call, on one screen.

use super::checkpoint::Checkpoint;
use super::ending::Ending;
use super::fallback::{Prepared, StandIn};
use super::intent::{Begun, Unended};
use super::note::Note;
use super::sanitize::SafeResult;
use super::stages::Stages;
use super::{
    check, course, decide, execute, fallback, intent, propose, record, reserved, sanitize, validate,
};
use crate::call::{CallId, Lineage, Outcome, RunId, Suggestion};
use crate::gate::Host;
use crate::guard::Reading;
use crate::guard::event::{Fingerprint, Steer};
use crate::ledger::NewApproval;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

/// Runs one suggested call to its one outcome. Dropping the future ends the call as `cancelled`.
pub(crate) async fn run(host: &Host, suggestion: Suggestion, progress: Option<ProgressSink>) -> Outcome {
    let mut trip = Trip::begin(host, &suggestion, progress);
    if reserved::is_reserved(&suggestion.tool) {
        return reserved::answer(host, &mut trip, suggestion).await;
    }
    let mut unended = Unended::new(host);
    let ended = story(host, &mut trip, &mut unended, suggestion).await;
    let ended = course::first(host, &mut trip, ended).await;
    fallback::stand_in(host, &mut trip, &ended).await;
    record::record(host, &mut trip, unended, ended).await
}

async fn story(
    host: &Host,
    trip: &mut Trip,
    unended: &mut Unended<'_>,
    suggestion: Suggestion,
) -> Result<SafeResult, Ending> {
    trip.stages.enter("propose");
    let proposal = propose::propose(host, trip, suggestion).await?;
    trip.stages.enter("validate");
    let valid = validate::validate(host, proposal)?;
    trip.stages.enter("decide");
    let permit = decide::decide(host, trip, valid)?;
    trip.stages.enter("intent");
    let begun: Begun = intent::intent(host, trip, unended, permit).await?;
    trip.stages.enter("execute");
    let raw = execute::execute(host, trip, begun).await?;
    trip.stages.enter("check");
    let checked = check::check(raw)?;
    trip.stages.enter("sanitize");
    sanitize::sanitize(host, checked)
}

/// What is known of a call from its first moment; it grows along the way and gives no authority.
pub(crate) struct Trip {
    /// The call.
    pub(super) call: CallId,
    /// The run, once propose has found it.
    pub(super) run: Option<RunId>,
    /// The same with those that it is part of.
    pub(super) lineage: Option<Lineage>,
    /// The tool's name, sanitized.
    pub(super) tool: String,
    /// Unix time at the start.
    pub(super) started_unix: Duration,
    /// The same moment on the monotonic clock.
    pub(super) started: Instant,
    /// How long each stage took.
    pub(super) stages: Stages,
    /// What goes beside on the ledger.
    pub(super) note: Note,
    /// What it asks, once decide has the tool and the arguments.
    pub(super) fingerprint: Option<Fingerprint>,
    /// What the guards read when they were asked.
    pub(super) readings: Vec<Reading>,
    /// What the agent should know beside the result.
    pub(super) notices: Vec<String>,
    /// What a fallback will need, where the tool's policy has one.
    pub(super) fallback: Option<Prepared>,
    /// What is given instead of the result.
    pub(super) stand_in: Option<StandIn>,
    /// Where a result is remembered as the last good one.
    pub(super) good: Option<[u8; 32]>,
    /// The deciding rule's hint, where it says that a person decides.
    pub(super) hint: Option<String>,
    /// The approval that the call waits for.
    pub(super) approval: Option<String>,
    /// What the run has, given with a refusal after which another agent goes on.
    pub(super) checkpoint: Option<Checkpoint>,
    /// A person to be asked.
    pub(super) asked: Option<NewApproval>,
    /// What a refusing guard does to a run, and which one it is.
    pub(super) steer: Option<(RunId, Steer, String)>,
    /// Its run is over and has had its proposals: the refusal is told, and not written.
    pub(super) unwritten: bool,
    /// Set once the guest may run.
    pub(super) admitted: Arc<AtomicBool>,
    /// Where progress goes.
    pub(super) progress: Option<ProgressSink>,
}

impl Trip {
    fn begin(host: &Host, suggestion: &Suggestion, progress: Option<ProgressSink>) -> Self {
        Self {
            call: host.seams.call_id(),
            run: None,
            lineage: None,
            tool: sanitize::name(&suggestion.tool),
            started_unix: host.seams.now(),
            started: Instant::now(),
            stages: Stages::default(),
            note: Note::default(),
            fingerprint: None,
            readings: Vec::new(),
            notices: Vec::new(),
            fallback: None,
            stand_in: None,
            good: None,
            hint: None,
            approval: None,
            checkpoint: None,
            asked: None,
            steer: None,
            unwritten: false,
            admitted: Arc::default(),
            progress,
        }
    }

    /// The call belongs to this run.
    pub(super) fn belongs_to(&mut self, run: Lineage) {
        self.run = Some(run.run());
        self.lineage = Some(run);
    }
}

/// Progress of a running call, sanitized.
#[derive(Debug, Clone, PartialEq)]
pub struct Progress {
    /// Done so far.
    pub done: f64,
    /// Out of how much, when known.
    pub total: Option<f64>,
    /// A short message.
    pub message: Option<String>,
}

/// Where progress goes. Called from the thread that runs the guest; it must not block.
pub type ProgressSink = Arc<dyn Fn(Progress) + Send + Sync>;
