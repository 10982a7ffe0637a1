//! A gate without policy, ledger or sandbox: a few tools whose ends are known.

use super::super::backend::Backend;
use crate::call::{Arguments, CallId, Denial, Fault, Outcome, Reason, RunId, Status, Suggestion, Usage};
use crate::catalog::ToolCard;
use crate::schema::strict::{self, Caps};
use crate::{ProgressSink, Seams};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::{Notify, Semaphore};

/// What the tests see of it.
#[derive(Clone)]
pub(super) struct StandIn {
    tools: Arc<Vec<ToolCard>>,
    /// How many calls have begun.
    pub(super) begun: Arc<AtomicUsize>,
    /// One permit for each call that was dropped before its end.
    pub(super) dropped: Arc<Semaphore>,
    /// One permit for each call of `wait` that has begun.
    pub(super) waiting: Arc<Semaphore>,
    /// Lets one call of `wait` end.
    pub(super) release: Arc<Notify>,
    seams: Seams,
}

impl Default for StandIn {
    fn default() -> Self {
        let object = json!({"type": "object"});
        let tools = vec![
            card("echo", Some(object)),
            card("fail", None),
            card("list", Some(json!({"type": "array"}))),
            card("progress", None),
            card("wait", None),
        ];
        let none = || Arc::new(Semaphore::new(0));
        Self {
            tools: Arc::new(tools),
            begun: Arc::default(),
            dropped: none(),
            waiting: none(),
            release: Arc::default(),
            seams: Seams::system(),
        }
    }
}

fn card(name: &str, output: Option<Value>) -> ToolCard {
    ToolCard {
        name: name.to_owned(),
        description: format!("The {name} tool."),
        input_schema: json!({"type": "object"}).as_object().unwrap().clone(),
        output_schema: output.map(|schema| schema.as_object().unwrap().clone()),
        read_only: true,
        idempotent: true,
        destructive: false,
        open_world: false,
    }
}

impl Backend for StandIn {
    fn tools(&self) -> impl Iterator<Item = &ToolCard> {
        self.tools.iter()
    }

    fn strict_caps(&self) -> Caps {
        Caps { bytes_max: 4096, depth_max: 8 }
    }

    async fn call(&self, suggestion: Suggestion, progress: Option<ProgressSink>) -> Outcome {
        self.begun.fetch_add(1, Ordering::Relaxed);
        let mut guard = Dropped(Some(Arc::clone(&self.dropped)));
        let outcome = self.run(suggestion, progress).await;
        guard.0 = None;
        outcome
    }

    fn client_approves(&self, _tool: &str) -> bool {
        false
    }

    async fn decide(&self, _approval: String, _tool: &str, _approved: bool) -> bool {
        false
    }

    fn seams(&self) -> &Seams {
        &self.seams
    }
}

impl StandIn {
    async fn run(&self, suggestion: Suggestion, progress: Option<ProgressSink>) -> Outcome {
        let arguments = match &suggestion.arguments {
            Arguments::Parsed(value) => value.clone(),
            Arguments::Raw(bytes) => match strict::parse(bytes, &self.strict_caps()) {
                Ok(value) => value,
                Err(error) if error.kind == strict::StrictKind::TooLarge => {
                    return refused(&suggestion, Denial::TooLarge);
                }
                Err(_) => return refused(&suggestion, Denial::Malformed),
            },
        };
        match suggestion.tool.as_str() {
            "echo" if arguments.get("message").is_none() => refused(&suggestion, Denial::InvalidArguments),
            "echo" => completed(&suggestion, arguments.clone(), arguments.to_string()),
            "list" => completed(&suggestion, json!([1, 2]), "[1,2]".to_owned()),
            "fail" => ended(
                &suggestion,
                Status::Failed,
                Some(Fault::ToolError.into()),
                None,
                "It failed.".to_owned(),
            ),
            "progress" => {
                for done in [1.0, 0.5, 2.0] {
                    if let Some(progress) = &progress {
                        progress(crate::Progress { done, total: None, message: Some("m".to_owned()) });
                    }
                }
                let said = json!({
                    "run": suggestion.run, "key": suggestion.meta.idempotency_key, "thought": suggestion.meta.thought,
                    "expected": suggestion.meta.expected, "context": suggestion.meta.context,
                    "traceparent": suggestion.meta.traceparent,
                });
                completed(&suggestion, Value::Null, said.to_string())
            }
            "wait" => {
                self.waiting.add_permits(1);
                self.release.notified().await;
                if let Some(progress) = &progress {
                    progress(crate::Progress { done: 1.0, total: None, message: None });
                }
                completed(&suggestion, Value::Null, "released".to_owned())
            }
            "panic" => panic!("a defect"),
            _ => refused(&suggestion, Denial::UnknownTool),
        }
    }
}

/// Counts a call that was dropped before its end.
struct Dropped(Option<Arc<Semaphore>>);

impl Drop for Dropped {
    fn drop(&mut self) {
        if let Some(dropped) = &self.0 {
            dropped.add_permits(1);
        }
    }
}

fn completed(suggestion: &Suggestion, output: Value, text: String) -> Outcome {
    ended(suggestion, Status::Completed, None, Some(output), text)
}

fn refused(suggestion: &Suggestion, code: Denial) -> Outcome {
    let mut outcome =
        ended(suggestion, Status::Refused, Some(code.into()), None, format!("Refused: {code}."));
    outcome.hint = Some("Do something else.".to_owned());
    outcome
}

fn ended(
    suggestion: &Suggestion,
    status: Status,
    reason: Option<Reason>,
    output: Option<Value>,
    text: String,
) -> Outcome {
    Outcome {
        run: Some(RunId::new(1, [1; 10])),
        call: CallId::new(2, [2; 10]),
        tool: suggestion.tool.clone(),
        status,
        reason,
        rule: None,
        hint: None,
        retry_after_ms: None,
        approval: None,
        output,
        text,
        findings: vec![],
        taint: vec![],
        notices: vec![],
        degraded: None,
        recorded: false,
        attempts: 1,
        usage: Usage::default(),
        operator: None,
    }
}
