//! `toolgate connect`: the configuration that points a client at this host.

use super::connect::{self, Client};
use super::{CliError, Console, JsonArg, PolicyArg};
use clap::ValueEnum as _;
use serde_json::json;

/// Print the configuration that connects a client.
///
/// With `--json`: `client`; `policy`, its absolute path; `place`, a sentence about where the configuration goes;
/// `config`, its text.
#[derive(Debug, clap::Args)]
pub(super) struct Connect {
    /// Which client.
    client: Client,
    #[command(flatten)]
    policy: PolicyArg,
    #[command(flatten)]
    json: JsonArg,
}

impl Connect {
    pub(super) fn run(self, console: &mut Console) -> Result<u8, CliError> {
        let policy = std::path::absolute(&self.policy.policy)?;
        if !policy.is_file() {
            console.note(format!("note: there is no policy at {} yet", policy.display()));
        }
        let policy = policy.display().to_string();
        let binary = std::env::current_exe()?.display().to_string();
        let (place, config) = (connect::place(self.client), connect::config(self.client, &binary, &policy));
        if self.json.json {
            let client = self.client.to_possible_value().map(|value| value.get_name().to_owned());
            console.json(&json!({"client": client, "policy": policy, "place": place, "config": config}))?;
            return Ok(0);
        }
        console.note(place);
        console.line(config)?;
        Ok(0)
    }
}
