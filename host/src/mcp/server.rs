//! The requests that are served beside calls: `initialize`, `server/discover`, `ping`, `tools/list`.
//!
//! Implements rmcp's `Service` rather than its `ServerHandler`, whose defaults answer for prompts,
//! resources and a modern `ping` that this server does not have. Not here: calls (`calls`), bytes and JSON
//! (`transport`, `message`). Invariant: nothing here waits, so that the end of a session does not wait for it.

use super::era::{self, Era};
use super::listing::{LIST_TTL_MS, Listing};
use rmcp::RoleServer;
use rmcp::model::{
    CacheScope, ClientNotification, ClientRequest, DiscoverResult, EmptyResult, ErrorCode, ErrorData,
    Implementation, InitializeRequestParams, InitializeResult, ServerCapabilities, ServerConfig,
    ServerResult,
};
use rmcp::service::{NotificationContext, RequestContext, Service};
use std::sync::Arc;

/// How an agent is told to use the server.
const INSTRUCTIONS: &str = "Every call is checked against policy before it runs. When a result is an error, its \
    text says what to do next; do not repeat a refused call unchanged. Name a run with `_meta` key `toolgate/run`.";

/// Who answers.
pub(super) fn implementation() -> Implementation {
    Implementation::new("toolgate", env!("CARGO_PKG_VERSION"))
}

/// Answers what is asked about the server itself.
pub(super) struct Server {
    listing: Arc<Listing>,
    info: Implementation,
}

impl Server {
    /// A server of this name, with these tools.
    pub(super) fn new(info: Implementation, listing: Arc<Listing>) -> Self {
        Self { listing, info }
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
        result.meta = Some(self.listing.server().clone());
        result
    }
}

impl Service<RoleServer> for Server {
    async fn handle_request(
        &self,
        request: ClientRequest,
        context: RequestContext<RoleServer>,
    ) -> Result<ServerResult, ErrorData> {
        let era = context.extensions.get::<Era>().copied().unwrap_or(Era::Modern);
        match request {
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

fn capabilities() -> ServerCapabilities {
    ServerCapabilities::builder().enable_tools().build()
}

fn method_not_found() -> ErrorData {
    let text = "Method not found: this server has initialize, server/discover, tools/list and tools/call";
    ErrorData::new(ErrorCode::METHOD_NOT_FOUND, text, None)
}
