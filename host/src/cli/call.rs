//! `toolgate call`: one call, as an agent would make it.

use super::{CliError, Console, JsonArg, PolicyArg, block_on, gate_options, note_unclosed};
use std::io::Read;
use toolgate::Gate;
use toolgate::call::{Arguments, CallMeta, Outcome, Reason, Status, Suggestion};

/// Bytes read from stdin for the arguments; a little past the gate's own cap, so that it can say so.
const STDIN_BYTES_MAX: u64 = 8 << 20;

/// Call one tool, as an agent would.
#[derive(Debug, clap::Args)]
pub(super) struct Call {
    #[command(flatten)]
    policy: PolicyArg,
    /// The tool's name.
    tool: String,
    /// The arguments, a JSON object; `-` reads them from stdin.
    #[arg(value_name = "JSON", default_value = "{}")]
    arguments: String,
    /// The run to call in; without one the policy's run identity applies.
    #[arg(long, value_name = "ID")]
    run: Option<String>,
    /// The idempotency key.
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    #[command(flatten)]
    json: JsonArg,
}

impl Call {
    pub(super) fn run(self, console: &mut Console) -> Result<u8, CliError> {
        let arguments = if self.arguments == "-" { stdin()? } else { self.arguments.into_bytes() };
        let meta = CallMeta { idempotency_key: self.key, ..CallMeta::default() };
        let suggestion =
            Suggestion { run: self.run, tool: self.tool, arguments: Arguments::Raw(arguments), meta };
        let (outcome, unclosed) = block_on(async {
            let gate = Gate::open_with(&self.policy.policy, gate_options()).await?;
            let outcome = gate.call(suggestion, None).await;
            // A ledger that just refused to write has nothing left to close.
            let unclosed = match outcome.reason {
                Some(Reason::HostError(_)) => None,
                _ => gate.close().await.err(),
            };
            Ok((outcome, unclosed))
        })?;
        if self.json.json {
            console.json(&outcome)?;
        } else {
            console.line(&outcome.text)?;
            say_more(&outcome, &self.policy, console);
        }
        // The call ran and is recorded: its answer stands.
        note_unclosed(unclosed, console);
        Ok(exit_code(&outcome))
    }
}

fn stdin() -> Result<Vec<u8>, CliError> {
    let mut bytes = Vec::new();
    std::io::stdin().lock().take(STDIN_BYTES_MAX).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// What the operator wants to know beside the answer.
fn say_more(outcome: &Outcome, policy: &PolicyArg, console: &mut Console) {
    for finding in &outcome.findings {
        console.note(format!("found {} at {:?}: {}", finding.class, finding.path, finding.detail));
    }
    for notice in &outcome.notices {
        console.note(notice);
    }
    if let Some(operator) = &outcome.operator {
        console.note(format!("why: {operator}"));
    }
    if let Some(run) = outcome.run {
        console.note(format!("look further: toolgate trace {run}{}", policy.again()));
    }
}

fn exit_code(outcome: &Outcome) -> u8 {
    match (outcome.status, outcome.reason) {
        (Status::Completed, _) => 0,
        (Status::Refused, _) => 3,
        (Status::Failed, Some(Reason::HostError(_))) => 1,
        (Status::Failed, _) => 4,
    }
}
