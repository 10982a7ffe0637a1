//! `toolgate policy-schema`: the JSON Schema of policy files, for editors.

use super::{CliError, Console};

/// Print the JSON Schema of policy files, for editors.
#[derive(Debug, clap::Args)]
pub(super) struct PolicySchema {}

impl PolicySchema {
    pub(super) fn run(self, console: &mut Console) -> Result<u8, CliError> {
        console.json(&toolgate::policy::json_schema())?;
        Ok(0)
    }
}
