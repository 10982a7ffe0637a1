//! Execute: a spent permit becomes a raw output, or a fault.
//!
//! Ends with `out_of_fuel`, `deadline`, `out_of_memory`, `trap`, `tool_error`, `capability_denied`,
//! `internal`. The only file that names the sandbox's entry. Invariant: what runs has an intent on the
//! ledger (`Opened`) and a permit inside it, and both are consumed here.

use super::ending::{Ending, Faulted, HostFailed, RanFacts};
use super::record::Opened;
use super::run::{Progress, Trip};
use super::sanitize::{self, SafeText};
use crate::call::{Fault, HostError};
use crate::catalog::Tool;
use crate::gate::Host;
use crate::ledger::LogLine;
use crate::sandbox::{Failed, Job, ProgressSink, Ran, RawFailure};
use std::sync::Arc;

/// What a tool returned, as it returned it.
pub(super) struct RawOutput {
    tool: Arc<Tool>,
    text: String,
    facts: RanFacts,
}

impl RawOutput {
    pub(super) fn into_parts(self) -> (Arc<Tool>, String, RanFacts) {
        (self.tool, self.text, self.facts)
    }
}

pub(super) async fn execute(host: &Host, trip: &Trip, opened: Opened) -> Result<RawOutput, Ending> {
    let permitted = opened.into_permit().spend();
    let tool = permitted.tool;
    let job = Job {
        tool: tool.card.name.clone(),
        arguments_json: permitted.arguments.to_string(),
        run: trip.run.ok_or_else(no_run)?,
        call: trip.call,
        attempt: 1,
        key: permitted.key,
        started_unix: trip.started_unix,
        deadline: trip.started + tool.policy.limits.call_deadline,
        limits: tool.policy.limits,
        grants: Arc::clone(&tool.grants),
        progress: trip.progress.clone().map(|sink| safe_progress(host, sink)),
    };
    let ran = host.sandbox.execute(&tool.loaded, permitted.ticket, job).await;
    let facts = facts(host, &ran);
    match ran.ended {
        Ok(text) => Ok(RawOutput { tool, text, facts }),
        Err(Failed::Fault(code, operator)) => Err(fault(&tool, code, operator, facts).into()),
        Err(Failed::Tool(failure)) => {
            Err(sanitize::tool_failure(host, &tool, failure_code(&failure), failure, facts).into())
        }
        Err(Failed::Host(operator)) => {
            Err(HostFailed { code: HostError::Internal, operator, effect_possible: true }.into())
        }
    }
}

/// A trip without a run cannot reach this stage; if one did, nothing ran.
fn no_run() -> Ending {
    HostFailed {
        code: HostError::Internal,
        operator: "the call has no run".to_owned(),
        effect_possible: false,
    }
    .into()
}

fn facts(host: &Host, ran: &Ran) -> RanFacts {
    let line =
        |level: &str, raw: &str| LogLine { level: level.to_owned(), text: host.sanitizer.text(raw).value };
    let mut logs: Vec<LogLine> = ran.logs.iter().map(|log| line(log.level, &log.message)).collect();
    for (level, bytes) in [("stdout", &ran.printed.stdout), ("stderr", &ran.printed.stderr)] {
        if !bytes.is_empty() {
            logs.push(line(level, &String::from_utf8_lossy(bytes)));
        }
    }
    RanFacts {
        measured: ran.measured,
        output_bytes: ran.ended.as_ref().map_or(0, |text| text.len() as u64),
        logs,
        ..RanFacts::default()
    }
}

fn safe_progress(host: &Host, sink: super::run::ProgressSink) -> ProgressSink {
    let sanitizer = host.sanitizer;
    Arc::new(move |raw| {
        let message = raw.message.map(|message| sanitizer.text(&message).value);
        sink(Progress { done: raw.done, total: raw.total, message });
    })
}

fn failure_code(failure: &RawFailure) -> Fault {
    match failure.kind {
        "capability_denied" => Fault::CapabilityDenied,
        _ => Fault::ToolError,
    }
}

fn fault(tool: &Tool, code: Fault, operator: String, facts: RanFacts) -> Faulted {
    let (name, limits) = (&tool.card.name, &tool.policy.limits);
    let (text, hint, key) = match code {
        Fault::OutOfFuel => (
            format!("`{name}` did more work than one call may do, and was stopped."),
            "Ask for less in one call: a smaller range, a simpler query.",
            format!("tools.{name}.limits.fuel is {}", limits.fuel),
        ),
        Fault::Deadline => (
            format!("`{name}` did not finish in {} ms, and was stopped.", limits.deadline.as_millis()),
            "Ask for less in one call, or try once more later.",
            format!("tools.{name}.limits.deadline is {:?}", limits.deadline),
        ),
        Fault::OutOfMemory => (
            format!("`{name}` needed more memory than one call may use, and was stopped."),
            "Ask for less in one call: a smaller range, fewer rows.",
            format!("tools.{name}.limits.memory is {} bytes", limits.memory_bytes),
        ),
        Fault::OutputTooLarge => (
            format!("`{name}` returned far more than one call may return, so nothing is delivered."),
            "Ask for less: a smaller range, a limit, a narrower filter.",
            format!("tools.{name}.limits.output is {} bytes", limits.output_bytes),
        ),
        _ => (
            format!("`{name}` crashed on these arguments."),
            "Do not send the same arguments again; change them, or use another tool.",
            "the tool has a defect".to_owned(),
        ),
    };
    Faulted {
        code,
        text: SafeText::of_host(&text),
        hint: SafeText::of_host(hint),
        operator: format!("{operator}; {key}"),
        retry_after_ms: None,
        effect_possible: true,
        ran: facts,
    }
}
