//! `toolgate switches`: which kill switches are on, and which hosts watch them.

use super::kill::{control_path, named};
use super::ledger::LedgerArg;
use super::trace::when;
use super::{CliError, Console, JsonArg};
use serde::Serialize;
use toolgate::control::{self, HostSummary, Life, Switch};
use toolgate::sanitizer::clean_line;

/// List the kill switches that are on, and the hosts that watch them.
#[derive(Debug, clap::Args)]
pub(super) struct Switches {
    #[command(flatten)]
    ledger: LedgerArg,
    #[command(flatten)]
    json: JsonArg,
}

#[derive(Serialize)]
struct Listing {
    switches: Vec<Switch>,
    hosts: Vec<HostSummary>,
}

impl Switches {
    pub(super) fn run(self, console: &mut Console) -> Result<u8, CliError> {
        let path = control_path(&self.ledger, console)?;
        let listing = Listing { switches: control::switches(&path)?, hosts: control::hosts(&path)? };
        if self.json.json {
            console.json(&listing)?;
            return Ok(0);
        }
        if listing.switches.is_empty() {
            console.line("no switch is on")?;
        } else {
            console.table(&["stopped", "since", "why"], listing.switches.iter().map(switch).collect())?;
        }
        if listing.hosts.is_empty() {
            console.note("no host is running");
        } else {
            console.table(&["host", "pid", "since", "process"], listing.hosts.iter().map(host).collect())?;
        }
        Ok(0)
    }
}

fn switch(switch: &Switch) -> Vec<String> {
    vec![named(&switch.target), when(switch.since_ms), clean_line(&switch.why)]
}

fn host(host: &HostSummary) -> Vec<String> {
    let life = match host.life {
        Life::Alive => "alive",
        Life::Gone => "gone",
        Life::Unknown => "cannot be seen from here",
    };
    vec![host.host.to_string(), host.pid.to_string(), when(host.registered_ms), life.to_owned()]
}
