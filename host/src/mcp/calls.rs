//! `tools/call`: from what a line asked for to its one answer.
//!
//! Calls do not go through rmcp's loop: two tasks and two channels for each would cost more than a short
//! call does. Not here: the other requests (`server`), what a result looks like (`result`), what is in flight
//! (`outbox`). Invariants: a call that was begun is answered once, one that panics too; a call that the client
//! cancelled, or that outlives the session, is dropped, which is how the gate learns of it.

use super::backend::Backend;
use super::elicit::{self, Matter, Questions, Reply};
use super::era::Era;
use super::listing::Listing;
use super::message::Call;
use super::outbox::{Answer, Outbox};
use super::progress::reporter;
use super::result::{Answered, tool_result, unknown_tool};
use super::workers::Workers;
use crate::call::{Arguments, Outcome, Suggestion};
use bytes::Bytes;
use futures::FutureExt as _;
use rmcp::model::{ErrorData, RequestId};
use serde_json::Value;
use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::pin::{Pin, pin};
use std::sync::Arc;
use tokio::sync::{Notify, mpsc};
use tokio::task::coop;

/// A call on its way to its answer. Boxed once, since it may move from the thread that read it.
type Work = Pin<Box<dyn Future<Output = Answer> + Send>>;

/// Where a call that was begun is now.
pub(super) enum Began {
    /// On a worker, from its first step on.
    Elsewhere,
    /// It ended here.
    Ended,
    /// It waits for something, and goes on on a worker.
    Waits,
}

/// Runs calls.
pub(super) struct Calls<B> {
    gate: B,
    workers: Workers,
    outbox: Arc<Outbox>,
    listing: Arc<Listing>,
    questions: Questions,
    /// Closes when the session and the last call have let go of it.
    _alive: mpsc::Sender<Infallible>,
}

impl<B: Backend> Calls<B> {
    /// Calls of `gate`, whose answers go to `outbox`, and which may run on `workers`; `alive` closes once nothing
    /// works any more.
    pub(super) fn new(
        gate: B,
        listing: Arc<Listing>,
        outbox: Arc<Outbox>,
        workers: Workers,
        alive: mpsc::Sender<Infallible>,
    ) -> Arc<Self> {
        let questions = Questions::new(gate.seams().key());
        Arc::new(Self { gate, workers, outbox, listing, questions, _alive: alive })
    }

    /// Begins a call that is open under `id`.
    ///
    /// A call that is alone runs here as far as it gets without waiting, mostly to its end; others run on a worker
    /// while one has a place, and else here too. What waits goes on on a worker. A call that `more` has
    /// arrived behind is not alone, though that is not read yet; and its answer may go out with those to come.
    pub(super) fn begin(
        self: &Arc<Self>,
        id: RequestId,
        call: Call,
        cancel: Arc<Notify>,
        more: bool,
    ) -> Began {
        let (calls, outbox) = (Arc::clone(self), Arc::clone(&self.outbox));
        let mut work: Work = Box::pin(async move {
            let answered = calls.answered(&id, call, &cancel).await;
            Answer::new(id, answered)
        });
        let alone = !more && self.outbox.one_open();
        let place = if alone { None } else { self.workers.place() };
        if let Some(place) = place {
            self.workers.run(place, async move { outbox.answer(&work.await, true) });
            return Began::Elsewhere;
        }
        // What the call does must not use up the turn of the task that reads.
        if let Some(answer) = coop::unconstrained(&mut work).now_or_never() {
            outbox.answer(&answer, !more);
            return Began::Ended;
        }
        self.workers.carry_on(async move { outbox.answer(&work.await, true) });
        Began::Waits
    }

    /// Runs a call until it ends, or until it is told to stop.
    async fn answered(&self, id: &RequestId, call: Call, cancel: &Notify) -> Result<Answered<'_>, ErrorData> {
        let run = pin!(self.run(id, call));
        let run = AssertUnwindSafe(run).catch_unwind();
        tokio::select! {
            biased;
            () = cancel.notified() => Err(abandoned()),
            ended = run => ended.unwrap_or_else(|_| {
                tracing::error!("a defect: a call ended by a panic");
                Err(panicked())
            }),
        }
    }

    async fn run(&self, id: &RequestId, call: Call) -> Result<Answered<'_>, ErrorData> {
        let Call { tool, era, arguments: raw, strict, meta, reply } = call;
        let asks = era == Era::Modern && meta.shows_forms && self.gate.client_approves(&tool);
        let suggestion = Suggestion {
            run: meta.run,
            tool: tool.clone(),
            arguments: arguments(raw, strict),
            meta: meta.call,
        };
        let matter = if asks { Matter::of(&suggestion) } else { None };
        if let Some(reply) = reply.filter(|_| era == Era::Modern) {
            self.settle(&tool, matter.as_ref(), &reply).await?;
        }
        let progress = meta.progress_token.map(|token| reporter(Arc::clone(&self.outbox), id.clone(), token));
        let outcome = self.gate.call(suggestion, progress).await;
        let now_ms = || self.gate.seams().now_ms();
        let server = self.listing.server();
        match matter.and_then(|matter| self.questions.ask(&matter, &outcome, now_ms(), server)) {
            Some(question) => Ok(Answered::Question(question)),
            None => self.result(outcome, &tool, era),
        }
    }

    /// Puts the word of the client's person on the ledger, before the call looks for it there. A yes that does not
    /// count is as if it had not been said, so that the person is asked again; a no that does not count lets nothing
    /// run all the same, since somebody else may have said yes.
    async fn settle(&self, tool: &str, matter: Option<&Matter>, reply: &Reply) -> Result<(), ErrorData> {
        let now_ms = self.gate.seams().now_ms();
        let approval = matter.and_then(|matter| self.questions.answered(matter, reply, now_ms));
        let counts = match approval {
            Some(approval) => self.gate.decide(approval, tool, reply.allows).await,
            None => false,
        };
        if counts || reply.allows { Ok(()) } else { Err(elicit::no_without_question()) }
    }

    fn result(&self, outcome: Outcome, tool: &str, era: Era) -> Result<Answered<'_>, ErrorData> {
        if let Some(error) = unknown_tool(&outcome, tool, self.listing.names()) {
            return Err(error);
        }
        let mut result = tool_result(outcome, self.listing.structured(tool, era), self.listing.server());
        if era == Era::Legacy {
            result.result_type = None;
        }
        Ok(Answered::Result(result))
    }
}

/// The arguments for the pipeline: parsed where the call runs, where the line was strict.
fn arguments(raw: Option<Bytes>, strict: bool) -> Arguments {
    let Some(raw) = raw else {
        return Arguments::Parsed(Value::Object(serde_json::Map::new()));
    };
    let text = std::str::from_utf8(&raw).ok().filter(|_| strict);
    match text.and_then(|text| serde_json::from_str(text).ok()) {
        Some(value) => Arguments::Parsed(value),
        None => Arguments::Raw(raw.to_vec()),
    }
}

/// Ends the work on a request; the outbox writes it only when the session ends over an open request.
fn abandoned() -> ErrorData {
    ErrorData::internal_error(
        "The server is stopping; the call was cancelled. See the ledger for its ending.",
        None,
    )
}

fn panicked() -> ErrorData {
    ErrorData::internal_error(
        "The server failed at this call, by a defect of its own; it may have had an effect. See the ledger for its \
         ending before it is repeated.",
        None,
    )
}
