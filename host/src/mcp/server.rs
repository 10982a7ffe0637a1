//! The requests that are served: `initialize`, `server/discover`, `ping`, `tools/list`, `tools/call`.
//!
//! Implements rmcp's `Service` rather than its `ServerHandler`, whose defaults answer for prompts,
//! resources and a modern `ping` that this server does not have. Not here: bytes and JSON (`transport`,
//! `message`). Invariant: a call that the client cancelled, or that outlives the session, is dropped,
//! which is how the gate learns of it.

use super::backend::Backend;
use super::elicit::{self, Matter, Questions, Reply};
use super::era::{self, Era};
use super::listing::{LIST_TTL_MS, Listing};
use super::message::CallParts;
use super::meta::server_meta;
use super::outbox::Outbox;
use super::progress::reporter;
use super::result::{tool_result, unknown_tool};
use super::workers::{Calling, Workers};
use crate::ProgressSink;
use crate::call::{Arguments, Outcome, Suggestion};
use bytes::Bytes;
use rmcp::RoleServer;
use rmcp::model::{
    CacheScope, ClientNotification, ClientRequest, DiscoverResult, EmptyResult, ErrorCode, ErrorData,
    Implementation, InitializeRequestParams, InitializeResult, MetaObject, ServerCapabilities, ServerConfig,
    ServerResult,
};
use rmcp::service::{NotificationContext, RequestContext, Service};
use serde_json::Value;
use std::convert::Infallible;
use std::sync::Arc;
use tokio::sync::{Notify, mpsc};

/// How an agent is told to use the server.
const INSTRUCTIONS: &str = "Every call is checked against policy before it runs. When a result is an error, its \
    text says what to do next; do not repeat a refused call unchanged. Name a run with `_meta` key `toolgate/run`.";

/// Wakes when the client cancels the request that carries it.
#[derive(Debug, Clone)]
pub(super) struct Cancel(pub(super) Arc<Notify>);

/// Answers requests with the gate's outcomes.
pub(super) struct Server<B> {
    gate: Arc<B>,
    workers: Workers,
    outbox: Arc<Outbox>,
    listing: Listing,
    questions: Questions,
    info: Implementation,
    meta: MetaObject,
    /// Closes when the last handler and the last call have let go of it.
    alive: mpsc::Sender<Infallible>,
}

impl<B: Backend> Server<B> {
    /// A server of `gate` whose progress goes to `outbox` and whose calls may run on `workers`; `alive` closes
    /// once nothing works any more.
    pub(super) fn new(
        gate: B,
        outbox: Arc<Outbox>,
        workers: Workers,
        alive: mpsc::Sender<Infallible>,
    ) -> Self {
        let info = Implementation::new("toolgate", env!("CARGO_PKG_VERSION"));
        let meta = server_meta(&info);
        let listing = Listing::new(gate.tools(), meta.clone());
        let questions = Questions::new(gate.seams().key());
        Self { gate: Arc::new(gate), workers, outbox, listing, questions, info, meta, alive }
    }

    fn initialize(&self, asked: &InitializeRequestParams) -> InitializeResult {
        InitializeResult::new(capabilities())
            .with_server_info(self.info.clone())
            .with_protocol_version(era::negotiate(&asked.protocol_version))
            .with_instructions(INSTRUCTIONS)
    }

    fn discover(&self) -> DiscoverResult {
        let mut result = DiscoverResult::new(era::SUPPORTED.to_vec(), capabilities())
            .with_ttl_ms(LIST_TTL_MS)
            .with_cache_scope(CacheScope::Private);
        result.instructions = Some(INSTRUCTIONS.to_owned());
        result.meta = Some(self.meta.clone());
        result
    }

    async fn call(
        &self,
        tool: String,
        parts: CallParts,
        era: Era,
        context: &RequestContext<RoleServer>,
    ) -> Result<ServerResult, ErrorData> {
        let CallParts { arguments: raw, strict, meta, reply } = parts;
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
        let progress =
            meta.progress_token.map(|token| reporter(Arc::clone(&self.outbox), context.id.clone(), token));
        let cancel =
            context.extensions.get::<Cancel>().map(|cancel| Arc::clone(&cancel.0)).unwrap_or_default();
        let call = self.calling(suggestion, progress);
        let outcome = tokio::select! {
            outcome = self.workers.run(call, self.outbox.one_open()) => outcome.ok_or_else(abandoned)?,
            () = cancel.notified() => return Err(abandoned()),
            () = context.ct.cancelled() => return Err(abandoned()),
        };
        let now_ms = || self.gate.seams().now_ms();
        match matter.and_then(|matter| self.questions.ask(&matter, &outcome, now_ms(), &self.meta)) {
            Some(question) => Ok(ServerResult::InputRequiredResult(question)),
            None => self.answer(outcome, &tool, era),
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

    fn calling(&self, suggestion: Suggestion, progress: Option<ProgressSink>) -> Calling {
        let (gate, alive) = (Arc::clone(&self.gate), self.alive.clone());
        Box::pin(async move {
            let outcome = gate.call(suggestion, progress).await;
            drop(alive);
            outcome
        })
    }

    fn answer(&self, outcome: Outcome, tool: &str, era: Era) -> Result<ServerResult, ErrorData> {
        if let Some(error) = unknown_tool(&outcome, tool, self.listing.names()) {
            return Err(error);
        }
        let mut result = tool_result(outcome, self.listing.structured(tool, era), &self.meta);
        if era == Era::Legacy {
            result.result_type = None;
        }
        Ok(ServerResult::CallToolResult(result))
    }
}

impl<B: Backend> Service<RoleServer> for Server<B> {
    async fn handle_request(
        &self,
        request: ClientRequest,
        mut context: RequestContext<RoleServer>,
    ) -> Result<ServerResult, ErrorData> {
        let era = context.extensions.get::<Era>().copied().unwrap_or(Era::Modern);
        match request {
            ClientRequest::CallToolRequest(request) => {
                let Some(parts) = context.extensions.remove::<CallParts>() else {
                    return Err(abandoned());
                };
                self.call(request.params.name.into_owned(), parts, era, &context).await
            }
            ClientRequest::ListToolsRequest(request) => {
                let cursor = request.params.and_then(|page| page.cursor);
                self.listing.page(cursor.as_deref(), era).map(ServerResult::ListToolsResult)
            }
            ClientRequest::DiscoverRequest(_) => Ok(ServerResult::DiscoverResult(self.discover())),
            ClientRequest::InitializeRequest(request) => {
                Ok(ServerResult::InitializeResult(self.initialize(&request.params)))
            }
            ClientRequest::PingRequest(_) if era == Era::Legacy => {
                Ok(ServerResult::EmptyResult(EmptyResult {}))
            }
            _ => Err(method_not_found()),
        }
    }

    async fn handle_notification(
        &self,
        _: ClientNotification,
        _: NotificationContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        Ok(())
    }

    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(capabilities()).with_server_info(self.info.clone())
    }
}

/// The arguments for the pipeline: parsed here, off the reading task, where the line was strict.
fn arguments(raw: Option<Bytes>, strict: bool) -> Arguments {
    let Some(raw) = raw else {
        return Arguments::Parsed(Value::Object(serde_json::Map::new()));
    };
    match serde_json::from_slice(&raw) {
        Ok(value) if strict => Arguments::Parsed(value),
        _ => Arguments::Raw(raw.to_vec()),
    }
}

fn capabilities() -> ServerCapabilities {
    ServerCapabilities::builder().enable_tools().build()
}

fn method_not_found() -> ErrorData {
    let text = "Method not found: this server has initialize, server/discover, tools/list and tools/call";
    ErrorData::new(ErrorCode::METHOD_NOT_FOUND, text, None)
}

/// Ends the work on a request; the outbox writes it only when the session ends over an open request.
fn abandoned() -> ErrorData {
    ErrorData::internal_error(
        "The server is stopping; the call was cancelled. See the ledger for its ending.",
        None,
    )
}
