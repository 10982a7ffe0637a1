//! `toolgate policy-schema`: the JSON Schema of policy files, for editors.

use super::{CliError, Console};

/// Print the JSON Schema of policy files, for editors.
#[derive(Debug, clap::Args)]
pub(super) struct PolicySchema {}

impl PolicySchema {
    pub(super) fn run(self, console: &mut Console) -> Result<u8, CliError> {
        // A file for editors: the same text wherever it is written, so that a change of it can be read.
        let schema = serde_json::to_string_pretty(&toolgate::policy::json_schema());
        console.line(schema.map_err(std::io::Error::other)?)?;
        Ok(0)
    }
}
