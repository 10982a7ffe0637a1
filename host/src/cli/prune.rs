//! `toolgate prune`: erase the content of old calls; the chain stays whole.

use super::ledger::LedgerArg;
use super::{CliError, Console, JsonArg, note_unclosed};
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use toolgate::Seams;
use toolgate::ledger::{Ledger, LedgerOptions};

/// Erase the content of old calls; the chain stays whole.
#[derive(Debug, clap::Args)]
pub(super) struct Prune {
    #[command(flatten)]
    ledger: LedgerArg,
    /// Erase what ended before this: a date (2026-01-31) or a time (2026-01-31T12:00:00Z).
    #[arg(long, value_name = "TIME", value_parser = unix_ms)]
    before: u64,
    #[command(flatten)]
    json: JsonArg,
}

impl Prune {
    pub(super) fn run(self, console: &mut Console) -> Result<u8, CliError> {
        // Reading first: a path without a ledger must not make one.
        drop(self.ledger.read()?);
        let now_ms = Seams::system().now_ms();
        let ledger = Ledger::open(LedgerOptions::new(self.ledger.path()?), now_ms)?;
        let (report, unclosed) = super::block_on(async {
            let report = ledger.prune(self.before, now_ms)?;
            Ok((report, ledger.close().await.err()))
        })?;
        if self.json.json {
            console.json(&report)?;
        } else {
            console.line(format!(
                "erased the content of {} records ({} bytes) and {} keys; kept {}",
                report.erased, report.bytes, report.keys, report.kept
            ))?;
        }
        note_unclosed(unclosed, console);
        Ok(0)
    }
}

fn unix_ms(text: &str) -> Result<u64, String> {
    let day = || text.parse::<Date>().and_then(|day| day.to_zoned(TimeZone::UTC)).map(|day| day.timestamp());
    let at = text
        .parse::<Timestamp>()
        .or_else(|_| day())
        .map_err(|_| "give a date like 2026-01-31 or a time like 2026-01-31T12:00:00Z".to_owned())?;
    u64::try_from(at.as_millisecond()).map_err(|_| "give a time after 1970".to_owned())
}
