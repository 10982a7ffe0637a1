//! `_meta`: what a request says beside its parameters, and what a result says beside its content.
//!
//! Read here: the protocol's own keys, `toolgate/*` and the W3C trace context. Written: the keys that name
//! the run and the call, and the short form of how it ended. Invariant: a `toolgate/` key that is wrong
//! or unknown refuses the request; a misspelt idempotency key must not become a second e-mail. How long
//! a value may be is for the pipeline to say.

use super::elicit;
use super::text::short_name;
use crate::call::{CallMeta, Outcome, nearest};
use rmcp::model::{ErrorData, Implementation, MetaObject, ProgressToken};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use std::borrow::Cow;
use std::fmt;

const RUN: &str = "toolgate/run";
const CALL: &str = "toolgate/call";
const OUTCOME: &str = "toolgate/outcome";
const KEY: &str = "toolgate/idempotency-key";
const THOUGHT: &str = "toolgate/thought";
const EXPECTED: &str = "toolgate/expected";
const CONTEXT: &str = "toolgate/context";
const AMBIGUITY: &str = "toolgate/ambiguity";
const KNOWN: [&str; 6] = [RUN, KEY, THOUGHT, EXPECTED, CONTEXT, AMBIGUITY];
const VERSION: &str = "io.modelcontextprotocol/protocolVersion";
const CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";
const SERVER_INFO: &str = "io.modelcontextprotocol/serverInfo";

/// The longest `traceparent` that is looked at, in bytes; version 00 has 55.
const TRACEPARENT_BYTES_MAX: usize = 256;
/// The most findings that one result lists; the ledger has them all.
const FINDINGS_MAX: usize = 20;

/// What a request's `_meta` says.
#[derive(Debug, Default, Clone)]
pub(super) struct RequestMeta {
    /// The protocol version, for a modern request.
    pub(super) version: Option<String>,
    /// The client's capabilities are there and an object.
    pub(super) has_capabilities: bool,
    /// The client can show its person a form.
    pub(super) shows_forms: bool,
    /// Where progress goes.
    pub(super) progress_token: Option<ProgressToken>,
    /// `toolgate/run` as sent.
    pub(super) run: Option<String>,
    /// What the agent says beside the arguments.
    pub(super) call: CallMeta,
}

impl RequestMeta {
    /// Reads a request's `_meta`; an invalid-params error names the key and what it should be.
    pub(super) fn read(raw: Option<&RawValue>) -> Result<Self, ErrorData> {
        let mut meta = Self::default();
        let Some(raw) = raw else { return Ok(meta) };
        let pairs = serde_json::from_str::<Pairs<'_>>(raw.get()).map_err(|_| wrong("_meta", "an object"))?;
        for (key, value) in pairs.0 {
            meta.take(&key, value)?;
        }
        Ok(meta)
    }

    fn take(&mut self, key: &str, value: &RawValue) -> Result<(), ErrorData> {
        match key {
            VERSION => self.version = Some(string(VERSION, value)?),
            CAPABILITIES if value.get().starts_with('{') => {
                self.has_capabilities = true;
                self.shows_forms = elicit::shows_forms(value);
            }
            CAPABILITIES => return Err(wrong(CAPABILITIES, "an object")),
            "progressToken" => {
                let token = serde_json::from_str(value.get());
                self.progress_token =
                    Some(token.map_err(|_| wrong("progressToken", "a string or an integer"))?);
            }
            RUN => self.run = Some(string(RUN, value)?),
            KEY => self.call.idempotency_key = Some(string(KEY, value)?),
            THOUGHT => self.call.thought = Some(string(THOUGHT, value)?),
            AMBIGUITY => self.call.ambiguity = Some(share(AMBIGUITY, value)?),
            EXPECTED => self.call.expected = Some(any(EXPECTED, value)?),
            CONTEXT if value.get().starts_with('{') => self.call.context = Some(any(CONTEXT, value)?),
            CONTEXT => return Err(wrong(CONTEXT, "an object")),
            "traceparent" => {
                self.call.traceparent = Some(string(key, value)?).filter(|text| is_traceparent(text))
            }
            _ if key.starts_with("toolgate/") => return Err(unknown(key)),
            _ => {}
        }
        Ok(())
    }
}

/// The `_meta` of every result: who answered.
pub(super) fn server_meta(server: &Implementation) -> MetaObject {
    let mut meta = MetaObject::new();
    meta.insert(SERVER_INFO.to_owned(), json!({"name": server.name, "version": server.version}));
    meta
}

/// The `_meta` of one result: who answered, and what became of the call.
pub(super) struct Meta<'a> {
    server: &'a Map<String, Value>,
    outcome: Map<String, Value>,
}

impl<'a> Meta<'a> {
    /// `server` is the `_meta` of every result.
    pub(super) fn new(server: &'a Map<String, Value>, outcome: &Outcome) -> Self {
        let mut own = Map::new();
        add_outcome(&mut own, outcome);
        Self { server, outcome: own }
    }
}

impl Serialize for Meta<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.server.iter().chain(&self.outcome))
    }
}

/// Adds the run, the call and the short form of its outcome: [`Outcome`]'s own words without its output,
/// text and hint, and without what is null, empty or the ordinary case.
pub(super) fn add_outcome(meta: &mut Map<String, Value>, outcome: &Outcome) {
    if let Some(run) = &outcome.run {
        meta.insert(RUN.to_owned(), Value::String(run.to_string()));
    }
    meta.insert(CALL.to_owned(), Value::String(outcome.call.to_string()));
    meta.insert(OUTCOME.to_owned(), Value::Object(short_outcome(outcome)));
}

fn short_outcome(outcome: &Outcome) -> Map<String, Value> {
    let mut short = Map::new();
    let mut put = |key: &str, value: Value| {
        short.insert(key.to_owned(), value);
    };
    put("status", json!(outcome.status));
    if let Some(reason) = outcome.reason {
        put("reason", Value::from(reason.as_str()));
    }
    for (key, value) in [("rule", &outcome.rule), ("approval", &outcome.approval)] {
        if let Some(value) = value {
            put(key, Value::from(value.as_str()));
        }
    }
    if let Some(wait) = outcome.retry_after_ms {
        put("retry_after_ms", Value::from(wait));
    }
    if let Some(degraded) = &outcome.degraded {
        put("degraded", json!(degraded));
    }
    if outcome.recorded {
        put("recorded", Value::Bool(true));
    }
    if outcome.attempts > 1 {
        put("attempts", Value::from(outcome.attempts));
    }
    if !outcome.findings.is_empty() {
        let listed: Vec<_> = outcome.findings.iter().take(FINDINGS_MAX).collect();
        put("findings", json!(listed));
        put("findings_total", Value::from(outcome.findings.len()));
    }
    if !outcome.taint.is_empty() {
        put("taint", json!(outcome.taint));
    }
    put("usage", json!(outcome.usage));
    short
}

/// The members of an object, in order, values unread.
struct Pairs<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

#[derive(serde::Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de> Deserialize<'de> for Pairs<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Pairs<'de>;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut pairs = Vec::with_capacity(8);
                while let Some((key, value)) = map.next_entry::<Text<'de>, &'de RawValue>()? {
                    pairs.push((key.0, value));
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(Object)
    }
}

/// A number from 0 to 1.
fn share(key: &str, value: &RawValue) -> Result<f64, ErrorData> {
    let share = serde_json::from_str::<f64>(value.get()).ok();
    share.filter(|share| (0.0..=1.0).contains(share)).ok_or_else(|| wrong(key, "a number from 0 to 1"))
}

fn string(key: &str, value: &RawValue) -> Result<String, ErrorData> {
    serde_json::from_str(value.get()).map_err(|_| wrong(key, "a string"))
}

fn any(key: &str, value: &RawValue) -> Result<Value, ErrorData> {
    serde_json::from_str(value.get()).map_err(|_| wrong(key, "JSON"))
}

fn wrong(key: &str, expected: &str) -> ErrorData {
    ErrorData::invalid_params(format!("Invalid params: `{key}` must be {expected}"), None)
}

fn unknown(key: &str) -> ErrorData {
    let known = nearest(key, KNOWN).map_or_else(|| KNOWN.join("`, `"), str::to_owned);
    let key = short_name(key);
    ErrorData::invalid_params(
        format!("Invalid params: unknown `_meta` key `{key}`; known is `{known}`"),
        None,
    )
}

/// The shape that W3C Trace Context gives `traceparent`; another one is ignored, as that document asks.
fn is_traceparent(text: &str) -> bool {
    if text.len() > TRACEPARENT_BYTES_MAX {
        return false;
    }
    let parts: Vec<&str> = text.split('-').collect();
    let hex = |part: &str, length: usize| {
        part.len() == length && part.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    };
    let nonzero = |part: &str| part.bytes().any(|b| b != b'0');
    match parts.as_slice() {
        [version, trace, parent, flags, rest @ ..] => {
            hex(version, 2)
                && *version != "ff"
                && (*version != "00" || rest.is_empty())
                && hex(trace, 32)
                && nonzero(trace)
                && hex(parent, 16)
                && nonzero(parent)
                && hex(flags, 2)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<RequestMeta, ErrorData> {
        RequestMeta::read(Some(serde_json::from_str(text).unwrap()))
    }

    #[test]
    fn every_key_is_read() {
        let parent = "00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01";
        let meta = read(&format!(
            r#"{{"toolgate/run":"r","toolgate/idempotency-key":"k","toolgate/thought":"t","toolgate/expected":[1],
            "toolgate/context":{{"project_id":"p"}},"traceparent":"{parent}","progressToken":5,"other":null,
            "io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{{}}}}"#
        ));
        let meta = meta.unwrap();
        assert_eq!((meta.run.as_deref(), meta.call.idempotency_key.as_deref()), (Some("r"), Some("k")));
        assert_eq!((meta.call.thought.as_deref(), meta.call.expected), (Some("t"), Some(json!([1]))));
        assert_eq!(meta.call.context, Some(json!({"project_id": "p"})));
        assert_eq!(meta.call.traceparent.as_deref(), Some(parent));
        assert_eq!(meta.version.as_deref(), Some("2026-07-28"));
        assert!(meta.has_capabilities && meta.progress_token.is_some());
    }

    #[test]
    fn a_key_of_the_wrong_type_is_named_with_what_it_should_be() {
        for (text, part) in [
            ("[]", "`_meta` must be an object"),
            (r#"{"toolgate/run":1}"#, "`toolgate/run` must be a string"),
            (r#"{"toolgate/idempotency-key":{}}"#, "`toolgate/idempotency-key` must be a string"),
            (r#"{"toolgate/thought":[]}"#, "`toolgate/thought` must be a string"),
            (r#"{"toolgate/context":"p"}"#, "`toolgate/context` must be an object"),
            (r#"{"progressToken":[]}"#, "`progressToken` must be a string or an integer"),
            (r#"{"toolgate/idempotency_key":"k"}"#, "known is `toolgate/idempotency-key`"),
            (r#"{"io.modelcontextprotocol/clientCapabilities":1}"#, "must be an object"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.message.contains(part), "{text}: {}", error.message);
            assert_eq!(error.code.0, -32602);
        }
    }

    #[test]
    fn a_trace_context_that_is_not_one_is_ignored() {
        for text in ["", "00-0-0-01", "ff-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01"] {
            assert_eq!(read(&json!({"traceparent": text}).to_string()).unwrap().call.traceparent, None);
        }
    }
}
