//! One line to one message: strict JSON, the JSON-RPC envelope, the era, and the parameters of the few
//! methods that are served.
//!
//! rmcp's own types would read a line several times over and lose duplicate keys, so they are built here
//! from one borrowed reading. Not here: what a method does. Invariant: a line that reaches a handler is
//! strict JSON outside of `params.arguments`; the arguments are strict too, or handed on as raw bytes for
//! the pipeline to refuse as `malformed`.

use super::elicit::Reply;
use super::era::Era;
use super::lines::LINE_BYTES_MAX;
use super::meta::RequestMeta;
use super::skim::IdSkimmer;
use crate::schema::strict::{self, Caps, StrictError};
use bytes::Bytes;
use rmcp::model::{
    ClientRequest, CustomRequest, DiscoverRequest, ErrorData, Extensions, GetExtensions, InitializeRequest,
    InitializeRequestParams, ListToolsRequest, PaginatedRequestParams, PingRequest, RequestId,
};
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::ops::Range;

/// How deep the arguments lie in a line: in the message, in its `params`.
const ARGUMENTS_DEPTH: usize = 2;

/// What one line asks for.
#[derive(Debug)]
pub(super) enum Incoming {
    /// A `tools/call` to work on.
    Call(RequestId, Box<Call>),
    /// Another request to work on; its [`Era`] is in the extensions.
    Request(RequestId, Box<ClientRequest>),
    /// Stop working on this one.
    Cancel(RequestId),
    /// A line to answer with an error at once.
    Refused(Option<RequestId>, ErrorData),
    /// Nothing to do: another notification, or a response to a request that was never sent.
    Ignored,
}

/// A `tools/call`.
#[derive(Debug)]
pub(super) struct Call {
    /// The tool's name as sent.
    pub(super) tool: String,
    /// How it is to be answered.
    pub(super) era: Era,
    /// The raw arguments; `None` when there were none.
    pub(super) arguments: Option<Bytes>,
    /// False when the arguments broke the strict rules.
    pub(super) strict: bool,
    /// What `_meta` said.
    pub(super) meta: RequestMeta,
    /// What the client's person said to a question about this call.
    pub(super) reply: Option<Reply>,
}

/// Reads lines; remembers only whether `initialize` was seen.
#[derive(Debug)]
pub(super) struct LineReader {
    line: Caps,
    arguments_bytes_max: usize,
    legacy_session: bool,
}

impl LineReader {
    /// Arguments are handed on unparsed when they do not keep to `arguments`.
    pub(super) fn new(arguments: Caps) -> Self {
        let depth_max = arguments.depth_max.saturating_add(ARGUMENTS_DEPTH);
        let line = Caps { bytes_max: LINE_BYTES_MAX, depth_max };
        Self { line, arguments_bytes_max: arguments.bytes_max, legacy_session: false }
    }

    /// Reads one line without its newline.
    pub(super) fn read(&mut self, line: &Bytes) -> Incoming {
        if line.trim_ascii().is_empty() {
            return Incoming::Ignored;
        }
        let violation = strict::scan_within(line, &self.line).err();
        let text = std::str::from_utf8(line).ok();
        let Some(envelope) = text.and_then(Envelope::read) else {
            return not_a_message(line, violation.as_ref());
        };
        if let Some(error) = &violation
            && !self.only_in_arguments(line, &envelope, error)
        {
            return not_strict(line, error);
        }
        let id = envelope.id.map(request_id);
        if id == Some(None) {
            return Incoming::Refused(None, invalid("`id` must be a string or an integer"));
        }
        self.dispatch(line, &envelope, id.flatten(), violation.is_none())
    }

    fn dispatch(
        &mut self,
        line: &Bytes,
        envelope: &Envelope<'_>,
        id: Option<RequestId>,
        strict: bool,
    ) -> Incoming {
        if envelope.jsonrpc.map(RawValue::get) != Some("\"2.0\"") {
            return Incoming::Refused(id, invalid("`jsonrpc` must be \"2.0\""));
        }
        let Some(method) = envelope.method else {
            if envelope.result.is_some() || envelope.error.is_some() {
                return Incoming::Ignored;
            }
            return Incoming::Refused(id, invalid("`method` is missing"));
        };
        let Some(method) = text(method) else {
            return Incoming::Refused(id, invalid("`method` must be a string"));
        };
        let params = Params::read(envelope.params);
        let Some(id) = id else {
            let cancelled = params.ok().and_then(|params| params.request_id).and_then(request_id);
            let cancelled = cancelled.filter(|_| method == "notifications/cancelled");
            return cancelled.map_or(Incoming::Ignored, Incoming::Cancel);
        };
        params
            .and_then(|params| self.request(&id, line, &method, &params, strict))
            .unwrap_or_else(|error| Incoming::Refused(Some(id), error))
    }

    fn request(
        &mut self,
        id: &RequestId,
        line: &Bytes,
        method: &str,
        params: &Params<'_>,
        strict: bool,
    ) -> Result<Incoming, ErrorData> {
        let meta = RequestMeta::read(params.meta)?;
        let era = self.era(method, &meta)?;
        let mut request = match method {
            "tools/call" => {
                let call = self.call(line, params, meta, era, strict)?;
                return Ok(Incoming::Call(id.clone(), Box::new(call)));
            }
            "initialize" => ClientRequest::InitializeRequest(initialize(params)?),
            "ping" => ClientRequest::PingRequest(PingRequest {
                method: Default::default(),
                extensions: Extensions::new(),
            }),
            "server/discover" => ClientRequest::DiscoverRequest(DiscoverRequest::new(Default::default())),
            "tools/list" => ClientRequest::ListToolsRequest(list_tools(params)?),
            other => ClientRequest::CustomRequest(CustomRequest::new(other, None)),
        };
        self.legacy_session |= method == "initialize";
        request.extensions_mut().insert(era);
        Ok(Incoming::Request(id.clone(), Box::new(request)))
    }

    fn call(
        &self,
        line: &Bytes,
        params: &Params<'_>,
        meta: RequestMeta,
        era: Era,
        strict: bool,
    ) -> Result<Call, ErrorData> {
        let name = params.name.and_then(text).ok_or_else(|| invalid_params("`name` must be a string"))?;
        if params.arguments.is_some_and(|raw| !raw.get().starts_with('{')) {
            return Err(invalid_params("`arguments` must be an object"));
        }
        let reply = Reply::read(params.request_state, params.input_responses).map_err(invalid_params)?;
        let arguments = params.arguments.map(|raw| line.slice_ref(raw.get().as_bytes()));
        let strict = strict && arguments.as_ref().is_none_or(|raw| raw.len() <= self.arguments_bytes_max);
        Ok(Call { tool: name.into_owned(), era, arguments, strict, meta, reply })
    }

    /// The era of a request (2026-07-28, "Overview", `_meta`: a request that lacks a required field is
    /// refused with -32602).
    fn era(&self, method: &str, meta: &RequestMeta) -> Result<Era, ErrorData> {
        let missing = |keys: &str| {
            let text = format!(
                "Invalid params: the request's _meta lacks {keys}; send it with every request, or initialize first"
            );
            ErrorData::invalid_params(text, None)
        };
        match &meta.version {
            _ if method == "initialize" => Ok(Era::Legacy),
            Some(version) => match Era::of_version(version)? {
                Era::Modern if !meta.has_capabilities => {
                    Err(missing("io.modelcontextprotocol/clientCapabilities"))
                }
                era => Ok(era),
            },
            // The 2025-11-25 lifecycle lets a client ping before it initializes.
            None if method == "ping" || (self.legacy_session && method != "server/discover") => {
                Ok(Era::Legacy)
            }
            None if meta.has_capabilities => Err(missing("io.modelcontextprotocol/protocolVersion")),
            None => Err(missing(
                "io.modelcontextprotocol/protocolVersion and io.modelcontextprotocol/clientCapabilities",
            )),
        }
    }

    /// True when the line is strict once `params.arguments` of a `tools/call` is taken out.
    fn only_in_arguments(&self, line: &Bytes, envelope: &Envelope<'_>, error: &StrictError) -> bool {
        let arguments = envelope
            .method
            .and_then(text)
            .filter(|method| method == "tools/call")
            .and_then(|_| Params::read(envelope.params).ok()?.arguments)
            .map(|raw| span(line, raw));
        let Some(Range { start, end }) = arguments.filter(|span| span.contains(&error.offset)) else {
            return false;
        };
        let (Some(before), Some(after)) = (line.get(..start), line.get(end..)) else {
            return false;
        };
        strict::scan_within(&[before, b"{}", after].concat(), &self.line).is_ok()
    }
}

/// The members of a JSON-RPC message, unread.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, default, deserialize_with = "present")]
    jsonrpc: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    id: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    method: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    params: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    result: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    error: Option<&'a RawValue>,
}

impl<'a> Envelope<'a> {
    fn read(line: &'a str) -> Option<Self> {
        // Without the look at the first byte, serde would take an array for the members in order.
        let object = line.trim_ascii_start().starts_with('{');
        serde_json::from_str(line).ok().filter(|_| object)
    }
}

/// The parameters that any served method reads, unread.
#[derive(Deserialize, Default)]
struct Params<'a> {
    #[serde(borrow, default, rename = "_meta", deserialize_with = "present")]
    meta: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    name: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    arguments: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    cursor: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "requestId", deserialize_with = "present")]
    request_id: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "protocolVersion", deserialize_with = "present")]
    protocol_version: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "requestState", deserialize_with = "present")]
    request_state: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "inputResponses", deserialize_with = "present")]
    input_responses: Option<&'a RawValue>,
}

impl<'a> Params<'a> {
    fn read(raw: Option<&'a RawValue>) -> Result<Self, ErrorData> {
        let Some(raw) = raw else {
            return Ok(Self::default());
        };
        if !raw.get().starts_with('{') {
            return Err(invalid_params("`params` must be an object"));
        }
        serde_json::from_str(raw.get()).map_err(|_| invalid_params("`params` cannot be read"))
    }
}

fn initialize(params: &Params<'_>) -> Result<InitializeRequest, ErrorData> {
    let version = params.protocol_version.and_then(|raw| serde_json::from_str(raw.get()).ok());
    let version = version.ok_or_else(|| invalid_params("`protocolVersion` must be a string"))?;
    // Nothing is decided by what a client says of itself, so its capabilities and name are not read.
    Ok(InitializeRequest::new(InitializeRequestParams::default().with_protocol_version(version)))
}

fn list_tools(params: &Params<'_>) -> Result<ListToolsRequest, ErrorData> {
    let cursor =
        params.cursor.map(|raw| text(raw).ok_or_else(|| invalid_params("`cursor` must be a string")));
    let page = PaginatedRequestParams::default().with_cursor(cursor.transpose()?.map(Cow::into_owned));
    Ok(ListToolsRequest { params: Some(page), ..Default::default() })
}

/// A member that is there, `null` included, which `Option` alone would take for absent.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'de RawValue>, D::Error> {
    Deserialize::deserialize(deserializer).map(Some)
}

#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

fn text(raw: &RawValue) -> Option<Cow<'_, str>> {
    let raw = raw.get();
    let quoted = raw.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    match quoted {
        // A string without escapes says what it says.
        Some(plain) if !plain.contains('\\') => Some(Cow::Borrowed(plain)),
        Some(_) => serde_json::from_str::<Text<'_>>(raw).ok().map(|text| text.0),
        None => None,
    }
}

fn request_id(raw: &RawValue) -> Option<RequestId> {
    raw.get().parse().map(RequestId::Number).ok().or_else(|| serde_json::from_str(raw.get()).ok())
}

/// Where a borrowed part of a line lies in it.
fn span(line: &[u8], part: &RawValue) -> Range<usize> {
    let start = (part.get().as_ptr() as usize).saturating_sub(line.as_ptr() as usize);
    start..start + part.get().len()
}

fn not_a_message(line: &[u8], violation: Option<&StrictError>) -> Incoming {
    match violation {
        Some(error) => not_strict(line, error),
        None if line.trim_ascii_start().starts_with(b"[") => {
            Incoming::Refused(None, invalid("batches are not part of this protocol"))
        }
        None => Incoming::Refused(None, invalid("a message is one JSON object")),
    }
}

/// JSON-RPC 2.0, section 5.1: what is not JSON is a parse error, and its id cannot be trusted.
fn not_strict(line: &[u8], error: &StrictError) -> Incoming {
    let at = error.offset;
    // The scan stops at the first fault; after a duplicate key the line may still not be JSON.
    let json = std::str::from_utf8(line).is_ok_and(|text| serde_json::from_str::<IgnoredAny>(text).is_ok());
    if !json {
        let text = format!("Parse error at byte {at}: {}", error.message);
        return Incoming::Refused(None, ErrorData::parse_error(text, None));
    }
    let mut skimmer = IdSkimmer::default();
    skimmer.feed(line);
    let refusal = invalid(&format!("at byte {at}: {}", error.message));
    Incoming::Refused(skimmer.finish(), refusal)
}

fn invalid(what: &str) -> ErrorData {
    ErrorData::invalid_request(format!("Invalid request: {what}"), None)
}

fn invalid_params(what: &str) -> ErrorData {
    ErrorData::invalid_params(format!("Invalid params: {what}"), None)
}
