//! The hidden compile worker: stdin to stdout, under its own limits.

use super::{CliError, Console};

pub(super) fn run(console: &mut Console) -> Result<u8, CliError> {
    let code = toolgate::catalog::worker(&mut std::io::stdin().lock())
        .map_err(|error| CliError::Usage(error.to_string()))?;
    console.raw(&code)?;
    Ok(0)
}
