//! An outcome as MCP says it: a tool result, or for an unknown tool a protocol error.
//!
//! 2026-07-28, "Tools", Error Handling: what the model can mend (bad arguments, refusals, failures) is a
//! result with `isError`; an unknown tool is -32602. Not here: cleaning, which the gate has done.
//! Invariant: nothing but an outcome's own fields and fixed words goes into a result.

use super::meta::{Meta, add_outcome};
use super::text::short_name;
use crate::call::{Denial, Outcome, Reason, Status, nearest};
use rmcp::model::{ContentBlock, ErrorData, InputRequiredResult, MetaObject};
use serde::Serialize;
use serde_json::{Map, Value};
use std::fmt::Write as _;

/// The `resultType` of a result after which nothing is to come.
const COMPLETE: &str = "complete";

/// What a tool's structured content may be, as far as its output schema and the era go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Structured {
    /// No schema is advertised: text only.
    None,
    /// An object (2025-11-25 and before allow nothing else).
    Object,
    /// Any JSON value.
    Any,
}

/// What a call is answered with, as it goes out.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Answered<'a> {
    /// A result.
    Result(ToolResult<'a>),
    /// A question to the client's person.
    Question(InputRequiredResult),
}

/// rmcp's `CallToolResult`, which would want the `_meta` of every result copied into each.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ToolResult<'a> {
    /// For the modern era.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) result_type: Option<&'static str>,
    content: Vec<ContentBlock>,
    #[serde(skip_serializing_if = "Option::is_none")]
    structured_content: Option<Value>,
    is_error: bool,
    #[serde(rename = "_meta")]
    meta: Meta<'a>,
}

/// The result of a call. `server` is the `_meta` that every result carries.
pub(super) fn tool_result(
    mut outcome: Outcome,
    structured: Structured,
    server: &MetaObject,
) -> ToolResult<'_> {
    // A tool with an output schema must give structured content unless it fails (2026-07-28, "Tools", Output Schema).
    // Advice that stands in for a result is none.
    let only_text = structured != Structured::None && outcome.output.is_none();
    let completed = outcome.status == Status::Completed && !only_text;
    let meta = Meta::new(server, &outcome);
    let text = if completed { std::mem::take(&mut outcome.text) } else { refusal_text(&outcome) };
    let mut content = vec![ContentBlock::text(text)];
    if !outcome.notices.is_empty() {
        content.push(ContentBlock::text(outcome.notices.join("\n")));
    }
    let structured_content = outcome.output.filter(|output| {
        completed
            && match structured {
                Structured::None => false,
                Structured::Object => output.is_object(),
                Structured::Any => true,
            }
    });
    ToolResult { result_type: Some(COMPLETE), content, structured_content, is_error: !completed, meta }
}

/// The protocol error for a tool that does not exist, when that is how the call ended.
pub(super) fn unknown_tool<'a>(
    outcome: &Outcome,
    sent: &str,
    names: impl Iterator<Item = &'a str>,
) -> Option<ErrorData> {
    if outcome.reason != Some(Reason::Denial(Denial::UnknownTool)) {
        return None;
    }
    let next = match nearest(sent, names) {
        Some(name) => format!("did you mean {name}?"),
        None => "tools/list names those there are.".to_owned(),
    };
    let mut data = Map::new();
    add_outcome(&mut data, outcome);
    let mut message = format!("Unknown tool: {}; {next}", short_name(sent));
    for notice in &outcome.notices {
        message.push(' ');
        message.push_str(notice);
    }
    Some(ErrorData::invalid_params(message, Some(Value::Object(data))))
}

/// What went wrong and what to do next, for the model.
fn refusal_text(outcome: &Outcome) -> String {
    let mut text = outcome.text.clone();
    if text.is_empty() {
        text.push_str("The call did not complete.");
    }
    if let Some(hint) = outcome.hint.as_deref().filter(|hint| !outcome.text.contains(hint)) {
        text.push('\n');
        text.push_str(hint);
    }
    // Writing to a string cannot fail.
    if let Some(approval) = outcome.approval.as_deref().filter(|id| !outcome.text.contains(id)) {
        let _ = write!(text, "\nApproval to ask for: {approval}");
    }
    if let Some(wait) = outcome.retry_after_ms {
        let _ = write!(text, "\nA repeat may succeed after {wait} ms.");
    }
    if let Some(reason) = outcome.reason {
        let _ = write!(text, "\nReason: {reason}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::{CallId, Fault, RunId, Usage};
    use serde_json::json;

    fn outcome(status: Status, reason: Option<Reason>, output: Option<Value>) -> Outcome {
        Outcome {
            run: Some(RunId::new(1, [1; 10])),
            call: CallId::new(1, [2; 10]),
            tool: "echo".to_owned(),
            status,
            reason,
            rule: None,
            hint: None,
            retry_after_ms: None,
            approval: None,
            output,
            text: "text".to_owned(),
            findings: vec![],
            taint: vec![],
            operator: None,
            notices: vec![],
            degraded: None,
            recorded: false,
            attempts: 1,
            usage: Usage::default(),
        }
    }

    fn json_of(outcome: Outcome, structured: Structured) -> Value {
        serde_json::to_value(tool_result(outcome, structured, &MetaObject::new())).unwrap()
    }

    #[test]
    fn a_completed_call_gives_structured_content_and_text() {
        let result = json_of(outcome(Status::Completed, None, Some(json!({"a": 1}))), Structured::Object);
        assert_eq!(result["structuredContent"], json!({"a": 1}));
        assert_eq!(result["content"], json!([{"type": "text", "text": "text"}]));
        assert_eq!(
            (&result["isError"], &result["_meta"]["toolgate/outcome"]["status"]),
            (&json!(false), &json!("completed"))
        );
    }

    #[test]
    fn structured_content_follows_the_advertised_schema() {
        let completed = |output| outcome(Status::Completed, None, Some(output));
        assert_eq!(json_of(completed(json!([1])), Structured::Any)["structuredContent"], json!([1]));
        assert_eq!(json_of(completed(json!([1])), Structured::Object).get("structuredContent"), None);
        assert_eq!(json_of(completed(json!({})), Structured::None).get("structuredContent"), None);
        let failed = outcome(Status::Failed, Some(Fault::Trap.into()), Some(json!({})));
        assert_eq!(json_of(failed, Structured::Any).get("structuredContent"), None);
    }

    #[test]
    fn a_refusal_is_an_error_whose_text_says_what_to_do_next() {
        let mut refused = outcome(Status::Refused, Some(Denial::NeedsApproval.into()), None);
        refused.hint = Some("Ask the operator.".to_owned());
        refused.approval = Some("apr_1".to_owned());
        refused.retry_after_ms = Some(5);
        let result = json_of(refused, Structured::Object);
        assert_eq!(result["isError"], json!(true));
        let expected = "text\nAsk the operator.\nApproval to ask for: apr_1\nA repeat may succeed after 5 ms.\nReason: needs_approval";
        assert_eq!(result["content"][0]["text"], expected);
        let meta = &result["_meta"]["toolgate/outcome"];
        assert_eq!(
            (&meta["reason"], &meta["approval"], &meta["retry_after_ms"]),
            (&json!("needs_approval"), &json!("apr_1"), &json!(5))
        );
        assert_eq!(meta.get("rule"), None);
    }

    #[test]
    fn notices_stand_beside_the_result() {
        let mut noticed = outcome(Status::Completed, None, None);
        noticed.notices = vec!["wrap up".to_owned(), "again".to_owned()];
        assert_eq!(json_of(noticed, Structured::None)["content"][1]["text"], "wrap up\nagain");
    }

    #[test]
    fn an_unknown_tool_is_a_protocol_error_that_names_the_nearest() {
        let unknown = outcome(Status::Refused, Some(Denial::UnknownTool.into()), None);
        let error = unknown_tool(&unknown, "ecco\u{202e}", ["echo", "sleep"].into_iter()).unwrap();
        assert_eq!(
            (error.code.0, error.message.as_ref()),
            (-32602, "Unknown tool: ecco?; did you mean echo?")
        );
        assert_eq!(error.data.unwrap()["toolgate/outcome"]["reason"], "unknown_tool");
        let done = outcome(Status::Completed, None, None);
        assert!(unknown_tool(&done, "ecco", ["echo"].into_iter()).is_none());
    }
}
