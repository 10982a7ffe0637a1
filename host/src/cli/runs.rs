//! `toolgate runs`: the runs on the ledger, the latest first.

use super::ledger::LedgerArg;
use super::trace::when;
use super::{CliError, Console, JsonArg};
use toolgate::ledger::RunSummary;
use toolgate::sanitizer::clean_line;

/// List the runs on the ledger.
#[derive(Debug, clap::Args)]
pub(super) struct Runs {
    #[command(flatten)]
    ledger: LedgerArg,
    #[command(flatten)]
    json: JsonArg,
}

impl Runs {
    pub(super) fn run(self, console: &mut Console) -> Result<u8, CliError> {
        let runs = self.ledger.read()?.runs()?;
        if self.json.json {
            console.json(&runs)?;
            return Ok(0);
        }
        if runs.is_empty() {
            console.note("no runs yet");
            return Ok(0);
        }
        console.table(&["run", "name", "opened", "calls"], runs.iter().map(row).collect())?;
        console.note("look further: toolgate trace RUN");
        Ok(0)
    }
}

fn row(run: &RunSummary) -> Vec<String> {
    let name = run.name.as_deref().map(clean_line).unwrap_or_default();
    vec![run.run.to_string(), name, when(run.opened_ms), calls(run)]
}

/// How many calls ended how. One column, which may wrap: five would leave no room beside the id.
fn calls(run: &RunSummary) -> String {
    let counts = [
        (run.completed, "completed"),
        (run.refused, "refused"),
        (run.failed, "failed"),
        (run.running, "running"),
        (run.unended, "in doubt or abandoned"),
    ];
    let counts = counts.into_iter().filter(|(count, _)| *count > 0);
    counts.map(|(count, word)| format!("{count} {word}")).collect::<Vec<_>>().join(", ")
}
