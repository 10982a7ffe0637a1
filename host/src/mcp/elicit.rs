//! Approval by the client's own person: the question in an `input_required` result, the answer in the retry.
//!
//! 2026-07-28, "Multi Round-Trip Requests" and "Elicitation". A `requestState` says which approval an answer is for, and
//! until when; it is authenticated with a key that lives as long as this process, so that after a restart the person is
//! asked anew. One process serves one principal, so the key stands for it. Not here: who may approve (`policy/`), the
//! record of an answer and its single use (`ledger/`). Invariants: an answer counts for the request that was asked
//! about and for no other; a person is asked only about what they can read in full.

use super::meta::add_outcome;
use crate::call::{Arguments, Denial, Outcome, Reason, Suggestion, hex, unhex};
use crate::sanitizer::clean_line;
use crate::schema::canonical;
use hmac::{Hmac, KeyInit, Mac};
use rmcp::model::{
    BooleanSchema, ElicitRequest, ElicitRequestParams, ElicitationSchema, ErrorData, InputRequest,
    InputRequiredResult, MetaObject, PrimitiveSchemaDefinition,
};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use sha2::Sha256;
use std::collections::BTreeMap;

/// The name of the one request in a question.
const REQUEST: &str = "approval";
/// The name of the one field of its form.
const FIELD: &str = "allow";
/// The longest arguments that a person is asked about, in characters of their JSON.
const SHOWN_CHARS_MAX: usize = 2_000;
/// How long an answer counts, in milliseconds. The approval itself may expire sooner.
const ANSWER_WITHIN_MS: u64 = 15 * 60 * 1_000;

/// Whether a client with these capabilities shows forms: `elicitation` names that mode, or no mode at all
/// ("Elicitation", Capabilities).
pub(super) fn shows_forms(capabilities: &RawValue) -> bool {
    #[derive(Deserialize)]
    struct Capabilities {
        elicitation: Option<Modes>,
    }
    #[derive(Deserialize)]
    struct Modes {
        form: Option<IgnoredAny>,
        url: Option<IgnoredAny>,
    }
    let read = serde_json::from_str::<Capabilities>(capabilities.get()).ok();
    read.and_then(|all| all.elicitation).is_some_and(|modes| modes.form.is_some() || modes.url.is_none())
}

/// A person's yes or no, as a retry brings it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reply {
    state: String,
    /// Yes.
    pub(super) allows: bool,
}

impl Reply {
    /// Reads the parameters of a retry; `None` where they hold neither yes nor no. What is not ours is ignored,
    /// as the specification asks; the error says which parameter has the wrong type.
    pub(super) fn read(
        state: Option<&RawValue>,
        responses: Option<&RawValue>,
    ) -> Result<Option<Self>, &'static str> {
        let state = state.map(|raw| serde_json::from_str::<String>(raw.get()));
        let state = state.transpose().map_err(|_| "`requestState` must be a string")?;
        let Some(responses) = responses else { return Ok(None) };
        let responses: Map<String, Value> =
            serde_json::from_str(responses.get()).map_err(|_| "`inputResponses` must be an object")?;
        let allows = responses.get(REQUEST).and_then(yes_or_no);
        Ok(allows.map(|allows| Self { state: state.unwrap_or_default(), allows }))
    }
}

/// An accepted form that says so is a yes; one that was declined or closed is a no, like one that says no.
fn yes_or_no(response: &Value) -> Option<bool> {
    match response.get("action")?.as_str()? {
        "accept" => response.get("content")?.get(FIELD)?.as_bool(),
        "decline" | "cancel" => Some(false),
        _ => None,
    }
}

/// The one request that a person is asked about.
#[derive(Debug)]
pub(super) struct Matter {
    tool: String,
    /// The run as the request names it.
    run: Option<String>,
    arguments: [u8; 32],
    /// The arguments as the person sees them: all of them, as they are.
    shown: String,
}

impl Matter {
    /// `None` where a person could not see what they allow: the arguments are too long, or hold what nobody sees.
    pub(super) fn of(suggestion: &Suggestion) -> Option<Self> {
        let Arguments::Parsed(arguments) = &suggestion.arguments else { return None };
        let shown = arguments.to_string();
        let readable = shown.chars().count() <= SHOWN_CHARS_MAX && clean_line(&shown) == shown;
        readable.then(|| Self {
            tool: suggestion.tool.clone(),
            run: suggestion.run.clone(),
            arguments: canonical::digest(arguments),
            shown,
        })
    }

    fn question(&self) -> InputRequest {
        let field = BooleanSchema::new().title("Allow this call").description("Anything else is a no.");
        let fields = BTreeMap::from([(FIELD.to_owned(), PrimitiveSchemaDefinition::Boolean(field))]);
        let (tool, shown) = (&self.tool, &self.shown);
        InputRequest::Elicitation(ElicitRequest::new(ElicitRequestParams::FormElicitationParams {
            meta: None,
            message: format!(
                "The agent wants to call the tool `{tool}`. May it run, once, with these arguments? {shown}"
            ),
            requested_schema: ElicitationSchema::new(fields).with_required(vec![FIELD.to_owned()]),
        }))
    }
}

/// Asks, and knows its own questions again.
pub(super) struct Questions {
    key: [u8; 32],
}

impl Questions {
    /// Questions that whoever lacks the key cannot make up.
    pub(super) fn new(key: [u8; 32]) -> Self {
        Self { key }
    }

    /// The question about a call that waits for a person; `None` when the outcome is another one. `server` is the
    /// `_meta` of every result.
    pub(super) fn ask(
        &self,
        matter: &Matter,
        outcome: &Outcome,
        now_ms: u64,
        server: &MetaObject,
    ) -> Option<InputRequiredResult> {
        let state = self.seal(matter, waits_for(outcome)?, now_ms.saturating_add(ANSWER_WITHIN_MS))?;
        let mut meta = server.clone();
        add_outcome(&mut meta, outcome);
        let requests = BTreeMap::from([(REQUEST.to_owned(), matter.question())]);
        Some(InputRequiredResult::new(Some(requests), Some(state)).with_meta(meta))
    }

    /// The approval that a reply answers; `None` when its state is not ours, is of another request, or is too old.
    pub(super) fn answered(&self, matter: &Matter, reply: &Reply, now_ms: u64) -> Option<String> {
        let (body, tag) = reply.state.rsplit_once('.')?;
        self.mac(matter, body)?.verify_slice(&unhex(tag)?).ok()?;
        let (approval, until_ms) = body.split_once('.')?;
        (now_ms <= until_ms.parse::<u64>().ok()?).then(|| approval.to_owned())
    }

    fn seal(&self, matter: &Matter, approval: &str, until_ms: u64) -> Option<String> {
        let body = format!("{approval}.{until_ms}");
        let tag = self.mac(matter, &body)?.finalize().into_bytes();
        Some(format!("{body}.{}", hex(&tag)))
    }

    /// HMAC-SHA-256 (RFC 2104) over the request and the state's body, each part with its length.
    fn mac(&self, matter: &Matter, body: &str) -> Option<Hmac<Sha256>> {
        let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(&self.key).ok()?;
        mac.update(b"toolgate/request-state/1");
        let run = matter.run.as_deref().unwrap_or_default();
        let parts: [&[u8]; 4] = [matter.tool.as_bytes(), run.as_bytes(), &matter.arguments, body.as_bytes()];
        for part in parts {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        Some(mac)
    }
}

/// The answer to a no that could not be put on record.
pub(super) fn no_without_question() -> ErrorData {
    let text = "Invalid params: nothing ran, but this no answers no question that still waits; send the call without \
        `requestState` to be asked again";
    ErrorData::invalid_params(text, None)
}

/// The approval that a call waits for. Once a person has said no, there is none to wait for, and the refusal names no
/// time to come again.
fn waits_for(outcome: &Outcome) -> Option<&str> {
    let waits = outcome.reason == Some(Reason::Denial(Denial::NeedsApproval));
    outcome.approval.as_deref().filter(|_| waits && outcome.retry_after_ms.is_some())
}

#[cfg(test)]
mod tests;
