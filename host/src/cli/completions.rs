//! `toolgate completions`: completions for a shell.

use super::{Args, CliError, Console};
use clap::CommandFactory;
use clap_complete::Shell;

/// Print completions for a shell.
#[derive(Debug, clap::Args)]
pub(super) struct Completions {
    /// Which shell.
    shell: Shell,
}

impl Completions {
    pub(super) fn run(self, console: &mut Console) -> Result<u8, CliError> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Args::command(), "toolgate", &mut script);
        console.raw(&script)?;
        Ok(0)
    }
}
