//! `toolgate unkill`: lift a switch that `toolgate kill` threw.

use super::kill::{TargetArg, control_path, named};
use super::ledger::LedgerArg;
use super::trace::when;
use super::{CliError, Console, JsonArg};
use serde::Serialize;
use toolgate::control::{self, Switch};

/// Lift a switch that `toolgate kill` threw.
#[derive(Debug, clap::Args)]
pub(super) struct Unkill {
    #[command(flatten)]
    target: TargetArg,
    #[command(flatten)]
    ledger: LedgerArg,
    #[command(flatten)]
    json: JsonArg,
}

/// What was lifted, and what is on all the same.
#[derive(Serialize)]
struct Lifted {
    lifted: Option<Switch>,
    still_on: Vec<Switch>,
}

impl Unkill {
    pub(super) fn run(self, console: &mut Console) -> Result<u8, CliError> {
        let path = control_path(&self.ledger, console)?;
        let target = self.target.target(&self.ledger)?;
        let report = Lifted { lifted: control::unkill(&path, &target)?, still_on: control::switches(&path)? };
        if self.json.json {
            console.json(&report)?;
            return Ok(0);
        }
        match &report.lifted {
            Some(switch) => {
                console.line(format!(
                    "{}: lifted; it was on since {}",
                    named(&target),
                    when(switch.since_ms)
                ))?;
            }
            None => console.line(format!("{}: no such switch was on", named(&target)))?,
        }
        for switch in &report.still_on {
            console.note(format!("still on: {} since {}", named(&switch.target), when(switch.since_ms)));
        }
        Ok(0)
    }
}
