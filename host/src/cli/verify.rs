//! `toolgate verify`: is the ledger's chain whole?

use super::ledger::LedgerArg;
use super::{CliError, Console, JsonArg};

/// Check the ledger's chain.
#[derive(Debug, clap::Args)]
pub(super) struct Verify {
    #[command(flatten)]
    ledger: LedgerArg,
    /// A head that was kept elsewhere: the chain must contain it.
    #[arg(long, value_name = "HEX", value_parser = head)]
    head: Option<String>,
    #[command(flatten)]
    json: JsonArg,
}

/// The chain does not hold.
const BROKEN: u8 = 1;

/// A SHA-256 in hex.
const HEAD_DIGITS: usize = 64;

impl Verify {
    pub(super) fn run(self, console: &mut Console) -> Result<u8, CliError> {
        let report = self.ledger.read()?.verify(self.head.as_deref())?;
        let code = if report.ok { 0 } else { BROKEN };
        if self.json.json {
            console.json(&report)?;
            return Ok(code);
        }
        for broken in &report.broken {
            console.line(format!("broken at record {}: {}", broken.seq, broken.what))?;
        }
        let word = if report.ok { "whole" } else { "BROKEN" };
        console.line(format!(
            "{word}: {} records of {} calls in {} runs, {} erased, {} running",
            report.events, report.calls, report.runs, report.erased, report.running
        ))?;
        console.line(format!("head {}", report.head))?;
        console.note(&report.proves);
        Ok(code)
    }
}

/// A head as `toolgate verify` prints it. What cannot be one says nothing about the chain.
fn head(text: &str) -> Result<String, String> {
    let is_head = text.len() == HEAD_DIGITS && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_head {
        return Ok(text.to_owned());
    }
    Err(format!("a head is {HEAD_DIGITS} hex digits, as `toolgate verify` prints it"))
}
