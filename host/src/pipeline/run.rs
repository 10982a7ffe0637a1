//! The story of a call, on one screen.

use super::ending::Ending;
use super::record::{Opened, Unended};
use super::sanitize::SafeResult;
use super::stages::Stages;
use super::{check, decide, execute, propose, record, sanitize, validate};
use crate::call::{CallId, Outcome, RunId, Suggestion};
use crate::gate::Host;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Runs one suggested call to its one outcome. Dropping the future ends the call as `cancelled`.
pub(crate) async fn run(host: &Host, suggestion: Suggestion, progress: Option<ProgressSink>) -> Outcome {
    let mut trip = Trip::begin(host, &suggestion, progress);
    let mut unended = Unended::new(host);
    let ended = story(host, &mut trip, &mut unended, suggestion).await;
    record::record(host, &trip, unended, ended).await
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
    let opened: Opened = record::intent(host, trip, unended, permit).await?;
    trip.stages.enter("execute");
    let raw = execute::execute(host, trip, opened).await?;
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
    /// The tool's name, sanitized.
    pub(super) tool: String,
    /// Unix time at the start.
    pub(super) started_unix: Duration,
    /// The same moment on the monotonic clock.
    pub(super) started: Instant,
    /// How long each stage took.
    pub(super) stages: Stages,
    /// What goes beside on the ledger.
    pub(super) note: record::Note,
    /// Where progress goes.
    pub(super) progress: Option<ProgressSink>,
}

impl Trip {
    fn begin(host: &Host, suggestion: &Suggestion, progress: Option<ProgressSink>) -> Self {
        Self {
            call: host.seams.call_id(),
            run: None,
            tool: sanitize::name(&suggestion.tool),
            started_unix: host.seams.now(),
            started: Instant::now(),
            stages: Stages::default(),
            note: record::Note::default(),
            progress,
        }
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
