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
        let head =
            ["run", "name", "opened", "completed", "refused", "failed", "running", "in doubt or abandoned"];
        console.table(&head, runs.iter().map(row).collect())?;
        console.note("look further: toolgate trace RUN");
        Ok(0)
    }
}

fn row(run: &RunSummary) -> Vec<String> {
    let counts = [run.completed, run.refused, run.failed, run.running, run.unended];
    let texts =
        [run.run.to_string(), run.name.as_deref().map(clean_line).unwrap_or_default(), when(run.opened_ms)];
    texts.into_iter().chain(counts.map(|count| count.to_string())).collect()
}
