//! Execute: a spent permit becomes a raw output, or a fault.
//!
//! Ends with `out_of_fuel`, `deadline`, `out_of_memory`, `trap`, `tool_error`, `capability_denied`,
//! `output_too_large`, `killed`, `internal`. The only file that names the sandbox's entry. Invariant: what runs
//! has an intent on the ledger (`Begun`) and a permit inside it, and both are consumed here.

use super::decide::Permitted;
use super::ending::{Ending, Faulted, HostFailed, RanFacts};
use super::intent::Begun;
use super::retry;
use super::run::{Progress, Trip};
use super::sanitize::{self, SafeText};
use crate::call::{Fault, HostError, Lineage};
use crate::catalog::Tool;
use crate::control::{Killed, Running};
use crate::gate::Host;
use crate::guard::event::{Blame, Hold};
use crate::ledger::LogLine;
use crate::policy::Limits;
use crate::sandbox::{Failed, HOST_CALL_FUEL, Job, ProgressSink, Ran, RawFailure};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What a tool returned, as it returned it.
pub(super) struct RawOutput {
    tool: Arc<Tool>,
    text: String,
    bytes_max: u64,
    facts: RanFacts,
}

impl RawOutput {
    /// The tool, its text, how many bytes the text may have, and what it cost.
    pub(super) fn into_parts(self) -> (Arc<Tool>, String, u64, RanFacts) {
        (self.tool, self.text, self.bytes_max, self.facts)
    }
}

pub(super) async fn execute(host: &Host, trip: &Trip, begun: Begun) -> Result<RawOutput, Ending> {
    let (permit, allowed) = begun.into_parts();
    let permitted = permit.spend();
    let tokens_max = host.policy.run.guards.budgets.tokens.map(|_| allowed.tokens);
    let mut facts = RanFacts { tokens_max, ..RanFacts::default() };
    let run = trip.lineage.as_ref().ok_or_else(no_run)?;
    let mut running = match host.control.enter(run, &permitted.tool.card.name) {
        Ok(running) => running,
        Err(killed) => return Err(stopped(&permitted.tool, &killed, facts).into()),
    };
    loop {
        let signal = running.signal();
        let job = job(host, trip, run, &permitted, &allowed, &facts, running);
        let (limits, deadline) = (job.limits, job.deadline);
        let ran = host.sandbox.execute(&permitted.tool.loaded, &permitted.ticket, job).await;
        add(host, &permitted.tool, &ran, limits.output_bytes, &mut facts);
        // What attempts before may have done is in `facts.sent`.
        let effect_possible = ran.measured.fuel > 0;
        let tool = &permitted.tool;
        let failure = match ran.ended {
            Ok(text) => {
                return Ok(RawOutput { tool: permitted.tool, text, bytes_max: limits.output_bytes, facts });
            }
            Err(Failed::Tool(failure)) => failure,
            Err(Failed::Fault(code, operator)) => {
                if let (Fault::Killed, Some(why)) = (code, signal.why()) {
                    return Err(Faulted { effect_possible, ..killed(tool, why, facts) }.into());
                }
                let fault = Faulted {
                    effect_possible,
                    blame: blame(tool, code, &limits, Instant::now() >= deadline, &facts),
                    ..fault(tool, code, operator, facts)
                };
                return Err(fault.into());
            }
            Err(Failed::Host(operator)) => {
                let code = HostError::Internal;
                return Err(HostFailed { code, operator, effect_possible: true }.into());
            }
        };
        match retry::again(host, trip, tool, &failure, &facts, &allowed, deadline).await {
            Ok(Some(pause)) => match pause_in_reach(host, run, tool, pause).await {
                Ok(entered) if !host.stands(run).await => running = entered,
                // Halted or paused meanwhile: the failure stands.
                Ok(_) => {
                    let code = failure_code(&failure);
                    return Err(sanitize::tool_failure(host, tool, code, failure, facts).into());
                }
                Err(killed) => return Err(stopped(tool, &killed, facts).into()),
            },
            Ok(None) => {
                let code = failure_code(&failure);
                return Err(sanitize::tool_failure(host, tool, code, failure, facts).into());
            }
            Err(error) => {
                let (code, operator) = (HostError::LedgerUnavailable, error.to_string());
                return Err(HostFailed { code, operator, effect_possible: facts.sent }.into());
            }
        }
    }
}

/// Waits before the next attempt, entered in the control room: a switch ends the wait.
async fn pause_in_reach(host: &Host, run: &Lineage, tool: &Tool, pause: Duration) -> Result<Running, Killed> {
    let running = host.control.enter(run, &tool.card.name)?;
    let killed = tokio::select! {
        () = tokio::time::sleep(pause) => None,
        killed = running.killed() => Some(killed),
    };
    killed.map_or(Ok(running), Err)
}

/// Killed between executions: what ran before is in `facts.sent`.
fn stopped(tool: &Tool, why: &Killed, facts: RanFacts) -> Faulted {
    Faulted { effect_possible: false, ..killed(tool, why, facts) }
}

/// Killed while it ran or waited, in the words of whoever did it.
fn killed(tool: &Tool, why: &Killed, facts: RanFacts) -> Faulted {
    let text = format!("`{}` was stopped. {}", tool.card.name, why.agent_text());
    Faulted {
        code: Fault::Killed,
        text: SafeText::of_host(&text),
        hint: SafeText::of_host(why.agent_hint()),
        operator: why.to_string(),
        retry_after_ms: None,
        effect_possible: true,
        blame: Blame::Nothing,
        slow_ms: None,
        ran: facts,
    }
}

/// One execution. It is entered in the control room: a switch thrown from there on stops it, also while it waits.
fn job(
    host: &Host,
    trip: &Trip,
    run: &Lineage,
    permitted: &Permitted,
    allowed: &Hold,
    facts: &RanFacts,
    running: Running,
) -> Job {
    let tool = &permitted.tool;
    let limits = narrowed(host, tool, allowed, facts);
    Job {
        tool: tool.card.name.clone(),
        arguments_json: permitted.arguments.to_string(),
        run: run.run(),
        call: trip.call,
        attempt: facts.attempts.saturating_add(1),
        key: permitted.key.clone(),
        started_unix: trip.started_unix,
        deadline: trip.started + limits.call_deadline,
        limits,
        charge_micro_usd_max: tool
            .policy
            .guards
            .charge_micro_usd_max
            .saturating_sub(facts.measured.charged_micro_usd),
        grants: Arc::clone(&tool.grants),
        progress: trip.progress.clone().map(|sink| safe_progress(host, sink)),
        admitted: Arc::clone(&trip.admitted),
        running: Some(running),
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

/// The tool's limits, and no more than the run's budgets have left after the attempts before.
fn narrowed(host: &Host, tool: &Tool, allowed: &Hold, facts: &RanFacts) -> Limits {
    let (mut limits, budgets) = (tool.policy.limits, &host.policy.run.guards.budgets);
    if budgets.fuel.is_some() {
        limits.fuel = limits.fuel.min(allowed.fuel.saturating_sub(facts.measured.fuel));
    }
    if budgets.host_calls.is_some() {
        let left = allowed.host_calls.saturating_sub(facts.measured.host_calls);
        limits.fuel = limits.fuel.min(left.saturating_mul(HOST_CALL_FUEL));
    }
    if budgets.wall_ms.is_some() {
        limits.call_deadline = limits.call_deadline.min(Duration::from_millis(allowed.wall_ms));
    }
    if budgets.output_bytes.is_some() {
        limits.output_bytes = limits.output_bytes.min(allowed.output_bytes);
    }
    if budgets.tokens.is_some() {
        limits.output_bytes = limits.output_bytes.min(allowed.tokens.saturating_mul(super::ask::TOKEN_BYTES));
    }
    limits
}

/// Adds what one execution cost and said.
fn add(host: &Host, tool: &Tool, ran: &Ran, bytes_max: u64, facts: &mut RanFacts) {
    let line =
        |level: &str, raw: &str| LogLine { level: level.to_owned(), text: host.sanitizer.text(raw).value };
    facts.logs.extend(ran.logs.iter().map(|log| line(log.level, &log.message)));
    for (level, bytes) in [("stdout", &ran.printed.stdout), ("stderr", &ran.printed.stderr)] {
        if !bytes.is_empty() {
            facts.logs.push(line(level, &String::from_utf8_lossy(bytes)));
        }
    }
    facts.attempts = facts.attempts.saturating_add(1);
    facts.sent |= matches!(&ran.ended, Err(Failed::Tool(failure)) if failure.request_sent);
    facts.cost_micro_usd = facts.cost_micro_usd.saturating_add(tool.policy.guards.cost_micro_usd);
    facts.measured.add(&ran.measured);
    // What is withheld because the run's budget has no more is not counted beyond it.
    let counted_max = host.policy.run.guards.budgets.output_bytes.map_or(u64::MAX, |_| bytes_max);
    facts.output_bytes = ran.ended.as_ref().map_or(0, |text| counted_max.min(text.len() as u64));
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

/// What a fault says of the tool: nothing where it was stopped from outside or never ran, and nothing either where
/// the run had less left than the tool may take. `late`: the whole call's deadline has passed, not the execution's alone.
fn blame(tool: &Tool, code: Fault, limits: &Limits, late: bool, facts: &RanFacts) -> Blame {
    let own = &tool.policy.limits;
    match code {
        Fault::Killed | Fault::Cancelled => Blame::Nothing,
        Fault::Deadline if facts.measured.fuel == 0 => Blame::Nothing,
        Fault::Deadline if limits.call_deadline < own.call_deadline && late => Blame::Misused,
        Fault::OutOfFuel if limits.fuel < own.fuel => Blame::Misused,
        Fault::OutputTooLarge if limits.output_bytes < own.output_bytes => Blame::Misused,
        _ => Blame::Fails(tool.policy.guards.breaker),
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
        Fault::Deadline if facts.measured.fuel == 0 => (
            format!("The host was too busy to run `{name}` in time; it did not run."),
            "Send the same call again a little later.",
            "host.concurrency and host.queue say how many calls run and wait".to_owned(),
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
        blame: Blame::Nothing,
        slow_ms: None,
        ran: facts,
    }
}
