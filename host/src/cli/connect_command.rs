//! `toolgate connect`: the configuration that points a client at this host.

use super::connect::{self, Client};
use super::{CliError, Console, PolicyArg};

/// Print the configuration that connects a client.
#[derive(Debug, clap::Args)]
pub(super) struct Connect {
    /// Which client.
    client: Client,
    #[command(flatten)]
    policy: PolicyArg,
}

impl Connect {
    pub(super) fn run(self, console: &mut Console) -> Result<u8, CliError> {
        let policy = std::path::absolute(&self.policy.policy)?;
        if !policy.is_file() {
            console.note(format!("note: there is no policy at {} yet", policy.display()));
        }
        console.note(connect::place(self.client));
        let binary = std::env::current_exe()?;
        console.line(connect::config(
            self.client,
            &binary.display().to_string(),
            &policy.display().to_string(),
        ))?;
        Ok(0)
    }
}
