//! Checks a whole ledger: pages, every event, both chains, and (with `audit`) that the other tables follow from them.
//!
//! Invariant: reads one consistent state and trusts nothing in it; finding something broken does not stop it.

use super::audit::Audit;
use super::reader::LedgerReader;
use super::row::{EVENT_COLUMNS, Event, uint};
use crate::ledger::chain::{self, Hash, Head, ZERO};
use crate::ledger::error::LedgerError;
use crate::ledger::report::{BROKEN_MAX, Broken, VerifyReport};
use rusqlite::Connection;

impl LedgerReader {
    /// Checks the whole chain, and that `head` (64 hex digits, as [`LedgerReader::head`] gave it) is on it.
    ///
    /// # Errors
    /// [`LedgerError::Damaged`] or [`LedgerError::Open`] when the file cannot even be read.
    pub fn verify(&self, head: Option<&str>) -> Result<VerifyReport, LedgerError> {
        let checked = || -> rusqlite::Result<VerifyReport> {
            let snapshot = self.connection.unchecked_transaction()?;
            let mut findings = Findings::default();
            check_pages(&snapshot, &mut findings)?;
            self.check_length(&snapshot, &mut findings)?;
            let mut report = check_chain(&snapshot, head, &mut findings)?;
            findings.report(&mut report);
            Ok(report)
        };
        self.classified(checked())
    }
}

impl LedgerReader {
    /// SQLite reads a last page that was cut as if the rest of it were zeros. While the log holds anything, half a page is
    /// no damage: whoever copied it into the file was killed, or is at it, and the log has it whole.
    fn check_length(&self, connection: &Connection, findings: &mut Findings) -> rusqlite::Result<()> {
        let page: u64 = connection.query_row("PRAGMA page_size", [], |row| uint(row, 0))?;
        let bytes = |path: &std::path::Path| std::fs::metadata(path).map_or(0, |file| file.len());
        if bytes(&self.place.beside("-wal")) > 0 {
            return Ok(());
        }
        let length = bytes(self.place.path());
        if !length.is_multiple_of(page.max(1)) {
            findings.note(
                0,
                format!("the file has {length} bytes, which is no whole number of pages: it was cut"),
            );
        }
        Ok(())
    }
}

/// What does not hold.
#[derive(Default)]
pub(super) struct Findings {
    broken: Vec<Broken>,
}

impl Findings {
    /// Notes one thing; beyond [`BROKEN_MAX`] more of the same help nobody.
    pub(super) fn note(&mut self, seq: u64, what: impl Into<String>) {
        if self.broken.len() < BROKEN_MAX {
            self.broken.push(Broken { seq, what: what.into() });
        }
    }

    fn report(self, report: &mut VerifyReport) {
        report.ok = self.broken.is_empty();
        report.broken = self.broken;
        report.proves = proves(report);
    }
}

fn check_pages(connection: &Connection, findings: &mut Findings) -> rusqlite::Result<()> {
    let mut check = connection.prepare("PRAGMA integrity_check(10)")?;
    let mut rows = check.query([])?;
    while let Some(row) = rows.next()? {
        let line: String = row.get(0)?;
        if line != "ok" {
            findings.note(0, format!("SQLite's own check: {line}"));
        }
    }
    Ok(())
}

fn check_chain(
    connection: &Connection,
    wanted: Option<&str>,
    findings: &mut Findings,
) -> rusqlite::Result<VerifyReport> {
    let mut audit = Audit::begin(connection, findings)?;
    let mut batches =
        Batches { last: ZERO, open: Head::after(&ZERO), unfinished: 0, count: 0, wanted, found: None };
    let mut select = connection.prepare(&format!("SELECT {EVENT_COLUMNS} FROM events ORDER BY seq"))?;
    let mut rows = select.query([])?;
    let mut last = 0;
    while let Some(row) = rows.next()? {
        let event = Event::read(row)?;
        if event.seq != last + 1 {
            findings.note(event.seq, format!("records are missing: the one before it is {last}"));
        }
        last = event.seq;
        audit.take(&event, findings);
        batches.take(&event, findings);
    }
    if batches.unfinished > 0 {
        findings.note(last, "the last batch has no head");
    }
    if let (Some(_), None) = (wanted, batches.found) {
        findings.note(0, "the head that was asked for is not on this chain: the ledger is another, was cut or was rewritten");
    }
    let mut report = VerifyReport { events: last, batches: batches.count, ..VerifyReport::default() };
    (report.head, report.proven_to) = (chain::hex(&batches.last), batches.found);
    audit.finish(connection, &mut report, findings)?;
    Ok(report)
}

/// The chain of batches.
struct Batches<'a> {
    last: Hash,
    open: Head,
    unfinished: u64,
    count: u64,
    wanted: Option<&'a str>,
    found: Option<u64>,
}

impl Batches<'_> {
    fn take(&mut self, event: &Event, findings: &mut Findings) {
        self.open.extend(&event.hash);
        self.unfinished += 1;
        let Some(stated) = event.head else { return };
        let open = std::mem::replace(&mut self.open, Head::after(&stated));
        if open.finish() != stated {
            findings.note(event.seq, "the head of its batch does not fit");
        }
        if self.wanted.is_some_and(|wanted| wanted.eq_ignore_ascii_case(&chain::hex(&stated))) {
            self.found = Some(event.seq);
        }
        (self.last, self.unfinished) = (stated, 0);
        self.count += 1;
    }
}

fn proves(report: &VerifyReport) -> String {
    if !report.ok {
        return "Something does not hold: see `broken`. Keep a copy of the file before anything else."
            .to_owned();
    }
    let kept = match report.proven_to {
        Some(seq) => format!("The head you kept is on the chain: everything up to record {seq} is as it was then."),
        None => "Whoever can write the file can rewrite all of it, this chain included: keep the head elsewhere and \
                 give it to `verify --head`."
            .to_owned(),
    };
    format!("Every record fits its run's chain and its batch, and no call ended twice. {kept}")
}
