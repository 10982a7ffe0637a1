//! `toolgate policy docs`: every dependency of an agent, and what happens when it is down.
//!
//! Not here: what a policy says (`policy/dependencies`).

use super::{CliError, Console, JsonArg, PolicyArg};
use clap::Subcommand;
use toolgate::policy::dependencies;
use toolgate::sanitizer::clean_line;

/// Read a policy as a document.
#[derive(Debug, clap::Args)]
pub(super) struct PolicyCommand {
    #[command(subcommand)]
    command: Docs,
}

#[derive(Debug, Subcommand)]
enum Docs {
    /// Print every tool, what it needs, and what happens when it is down.
    Docs {
        #[command(flatten)]
        policy: PolicyArg,
        #[command(flatten)]
        json: JsonArg,
    },
}

impl PolicyCommand {
    pub(super) fn run(self, console: &mut Console) -> Result<u8, CliError> {
        let Docs::Docs { policy, json } = self.command;
        let (policy, _) = toolgate::opening::load_policy(&policy.policy)?;
        let rows = dependencies(&policy);
        if json.json {
            console.json(&rows)?;
            return Ok(0);
        }
        let row = |row: &toolgate::policy::Dependency| {
            let needs = row.needs.join(", ");
            let effect = row.effect.to_string();
            [&row.tool, &effect, &needs, &row.breaker, &row.retry, &row.fallback, &row.when_down]
                .map(|text| clean_line(text))
                .to_vec()
        };
        console.table(
            &["tool", "effect", "needs", "breaker", "retry", "fallback", "when it is down"],
            rows.iter().map(row).collect(),
        )?;
        Ok(0)
    }
}
