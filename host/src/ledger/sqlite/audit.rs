//! Rebuilds the other tables from the events and compares: `runs`, `running`, `keys` and `hosts` are indexes, and
//! an index that says something else than the events is a finding.
//!
//! Invariant: takes every event once, in order, and only reads. `runs` and `running` are compared when the events
//! have come to the record up to which they are folded.

use super::fold;
use super::reader::StoredRun;
use super::row::{Event, uint};
use super::schema::SYSTEM_RUN;
use super::standing::Standing;
use super::verify::Findings;
use crate::ledger::chain::{self, Hash};
use crate::ledger::entry::Resolution;
use crate::ledger::record::{End, Facts, Kind};
use crate::ledger::report::{CallContent, VerifyReport};
use rusqlite::Connection;
use std::collections::{BTreeMap, HashMap, HashSet};

/// What the events say so far, and what the tables state.
pub(super) struct Audit {
    folded: u64,
    stated: HashMap<i64, StoredRun>,
    stated_running: BTreeMap<u64, u64>,
    runs: HashMap<i64, Run>,
    running: HashMap<[u8; 16], Running>,
    calls: HashSet<[u8; 16]>,
    keys: HashMap<Hash, Key>,
    hosts: HashMap<i64, (i64, u64)>,
    pruned_before: u64,
    erased: u64,
    erased_last: Option<(u64, u64)>,
}

struct Run {
    id: [u8; 16],
    principal: String,
    standing: Standing,
}

struct Running {
    seq: u64,
    run: i64,
    host: u64,
    scope: Option<Hash>,
    arguments: String,
    erased: bool,
}

#[derive(PartialEq, Eq)]
struct Key {
    call: [u8; 16],
    arguments: String,
    intent: u64,
    host: u64,
    ending: Option<u64>,
    in_doubt: i64,
    at_ms: u64,
}

impl Audit {
    pub(super) fn begin(connection: &Connection, findings: &mut Findings) -> rusqlite::Result<Self> {
        let mut select = connection.prepare(&format!("SELECT {} FROM runs", StoredRun::columns()))?;
        let rows = select.query_map([], |row| StoredRun::read(row).map(|run| (run.row, run)))?;
        let mut select = connection.prepare("SELECT seq, host FROM running")?;
        let running = select.query_map([], |row| Ok((uint(row, 0)?, uint(row, 1)?)))?;
        let own = Run { id: SYSTEM_RUN, principal: String::new(), standing: Standing::default() };
        let mut audit = Self {
            folded: fold::folded(connection)?,
            stated: rows.collect::<rusqlite::Result<_>>()?,
            stated_running: running.collect::<rusqlite::Result<_>>()?,
            runs: HashMap::from([(0, own)]),
            running: HashMap::new(),
            calls: HashSet::new(),
            keys: HashMap::new(),
            hosts: HashMap::new(),
            pruned_before: 0,
            erased: 0,
            erased_last: None,
        };
        audit.check_own_run(findings);
        audit.compare_folded(0, findings);
        Ok(audit)
    }

    /// Checks an event against its run and takes what it says.
    pub(super) fn take(&mut self, event: &Event, findings: &mut Findings) {
        if let Err(what) = self.follow(event) {
            findings.note(event.seq, what);
        }
        if event.content.is_none() {
            if event.digest == chain::digest(b"") {
                findings.note(event.seq, "it never had a content, and now that is missing");
            }
            self.erased += 1;
            self.erased_last = self.erased_last.max(Some((event.at_ms, event.seq)));
        }
        self.compare_folded(event.seq, findings);
    }

    fn follow(&mut self, event: &Event) -> Result<(), String> {
        let kind = Kind::from_code(event.kind).ok_or("its kind is unknown to this version")?;
        let facts: Facts = serde_json::from_str(&event.facts).map_err(|_| "its facts cannot be read")?;
        let content = match event.content.as_deref() {
            None => None,
            Some("") => Some(CallContent::default()),
            Some(text) => Some(serde_json::from_str(text).map_err(|_| "its content cannot be read")?),
        };
        if event.call.is_some() != kind.is_of_a_call() {
            return Err("its kind and its call do not go together".to_owned());
        }
        if kind == Kind::RunOpened {
            self.open_run(event, &facts)?;
        }
        let run = self.runs.get_mut(&event.run).ok_or("its run was never opened")?;
        if event.prev != run.standing.last_seq {
            let before = run.standing.last_seq;
            return Err(format!("the record of its run before it is {before}, not {}", event.prev));
        }
        let checked = event.check(&run.id, &run.standing.hash);
        run.standing.take(event.seq, event.at_ms, event.hash, kind, facts.end);
        self.note(event, kind, &facts, content)?;
        checked.map_err(str::to_owned)
    }

    fn open_run(&mut self, event: &Event, facts: &Facts) -> Result<(), String> {
        let stated = self.stated.get(&event.run).ok_or("its run is not in `runs`")?;
        let principal = facts.principal.clone().unwrap_or_default();
        let same = (&stated.principal, &stated.name) == (&principal, &facts.name)
            && (stated.opened, stated.opened_ms) == (event.seq, event.at_ms);
        let untouched = event.seq <= self.folded || stated.standing == Standing::default();
        let run = Run { id: *stated.id.as_bytes(), principal, standing: Standing::default() };
        match self.runs.insert(event.run, run) {
            Some(_) => Err("its run was opened before".to_owned()),
            None if !same || !untouched => Err("its row of `runs` says something else".to_owned()),
            None => Ok(()),
        }
    }

    fn note(
        &mut self,
        event: &Event,
        kind: Kind,
        facts: &Facts,
        content: Option<CallContent>,
    ) -> Result<(), String> {
        match kind {
            Kind::RunOpened | Kind::Steered | Kind::Decided => {}
            Kind::Resolved => self.resolved(event, facts)?,
            Kind::Attempt => self.attempt(event)?,
            Kind::Intent => self.intent(event, facts, content)?,
            Kind::Ending | Kind::Mark => self.ending(event, facts)?,
            Kind::Unstarted => self.new_call(event).map(|_| ())?,
            Kind::HostOpened => {
                let (host, pid) = facts.host.zip(facts.pid).ok_or("it names no host")?;
                self.hosts.insert(host.cast_signed(), (i64::from(pid), event.at_ms));
            }
            Kind::Pruned => self.pruned_before = self.pruned_before.max(facts.before_ms.unwrap_or(0)),
        }
        Ok(())
    }

    fn new_call(&mut self, event: &Event) -> Result<[u8; 16], String> {
        let call = event.call.ok_or("it names no call")?;
        if self.calls.insert(call) {
            Ok(call)
        } else {
            Err("its call has a record before this one".to_owned())
        }
    }

    fn intent(&mut self, event: &Event, facts: &Facts, content: Option<CallContent>) -> Result<(), String> {
        let call = self.new_call(event)?;
        let erased = content.is_none();
        let content = content.unwrap_or_default();
        let principal = self.runs.get(&event.run).map(|run| run.principal.as_str()).unwrap_or_default();
        let tool = facts.tool.as_deref().ok_or("it names no tool")?;
        let host = facts.host.ok_or("it names no host")?;
        let scope = content.key.map(|key| chain::scope(principal, tool, &key));
        let arguments = content.arguments_digest.unwrap_or_default();
        let running = Running { seq: event.seq, run: event.run, host, scope, arguments, erased };
        if let Some(scope) = scope {
            self.keys.insert(scope, running.key(call, None, 0, event.at_ms));
        }
        self.running.insert(call, running);
        Ok(())
    }

    fn resolved(&mut self, event: &Event, facts: &Facts) -> Result<(), String> {
        let call = event.call.ok_or("it names no call")?;
        let bound = self.keys.iter().find(|(_, key)| key.call == call && key.in_doubt != 0);
        let Some(scope) = bound.map(|(scope, _)| *scope) else { return Ok(()) };
        match facts.resolution.ok_or("it does not say what becomes of the call")? {
            Resolution::Retry => drop(self.keys.remove(&scope)),
            Resolution::Abandon => {}
            Resolution::Done => {
                if let Some(key) = self.keys.get_mut(&scope) {
                    (key.ending, key.in_doubt, key.at_ms) = (Some(event.seq), 0, event.at_ms);
                }
            }
        }
        Ok(())
    }

    fn attempt(&self, event: &Event) -> Result<(), String> {
        let running = event.call.and_then(|call| self.running.get(&call));
        let same_run = running.is_some_and(|call| call.run == event.run);
        if same_run { Ok(()) } else { Err("its call was not running".to_owned()) }
    }

    fn ending(&mut self, event: &Event, facts: &Facts) -> Result<(), String> {
        let call = event.call.ok_or("it names no call")?;
        let end = facts.end.ok_or("it does not say how the call ended")?;
        let started = self.running.remove(&call);
        let started = started.ok_or("its call was not running: it has another ending or no start")?;
        if started.run != event.run {
            return Err("its call belongs to another run".to_owned());
        }
        let Some(scope) = started.scope else { return Ok(()) };
        match end {
            End::Completed | End::InDoubt => {
                let in_doubt = i64::from(end == End::InDoubt);
                self.keys.insert(scope, started.key(call, Some(event.seq), in_doubt, event.at_ms));
            }
            _ => {
                self.keys.remove(&scope);
            }
        }
        Ok(())
    }

    /// The row that has no opening record.
    fn check_own_run(&mut self, findings: &mut Findings) {
        let fits = self.stated.get(&0).is_some_and(|own| {
            (own.id.as_bytes(), own.principal.as_str(), own.name.as_deref(), own.opened, own.opened_ms)
                == (&SYSTEM_RUN, "", None, 0, 0)
        });
        if !fits {
            findings.note(0, "row 0 of `runs` is not the ledger's own");
        }
    }

    /// Compares `runs` and `running` once the events have come to where they stand.
    fn compare_folded(&mut self, seq: u64, findings: &mut Findings) {
        if seq != self.folded {
            return;
        }
        for (row, run) in &self.runs {
            if self.stated.get(row).is_none_or(|stated| stated.standing != run.standing) {
                let seq = run.standing.last_seq;
                findings.note(seq, format!("row {row} of `runs` says something else than the records"));
            }
        }
        let running: BTreeMap<u64, u64> = self.running.values().map(|call| (call.seq, call.host)).collect();
        if running != self.stated_running {
            findings.note(seq, "`running` says something else than the records");
        }
    }

    /// Compares what is left, when all events were taken.
    pub(super) fn finish(
        mut self,
        connection: &Connection,
        report: &mut VerifyReport,
        findings: &mut Findings,
    ) -> rusqlite::Result<()> {
        report.runs = self.runs.len() as u64 - 1;
        report.running = self.running.len() as u64;
        report.calls = self.calls.len() as u64;
        report.erased = self.erased;
        if self.folded > report.events {
            findings.note(0, "`folded` is beyond the last record");
        }
        if let Some((_, seq)) = self.erased_last.filter(|(at_ms, _)| *at_ms >= self.pruned_before) {
            findings.note(seq, "its content is missing, and no pruned record covers that");
        }
        for call in self.running.values().filter(|call| call.erased) {
            findings.note(call.seq, "its call runs, and its content is missing");
        }
        for row in self.stated.keys().filter(|row| !self.runs.contains_key(row)) {
            findings.note(0, format!("row {row} of `runs` has no records"));
        }
        self.compare_hosts(connection, findings)?;
        self.compare_keys(connection, findings)
    }

    fn compare_hosts(&self, connection: &Connection, findings: &mut Findings) -> rusqlite::Result<()> {
        let mut select = connection.prepare("SELECT id, pid, started_ms FROM hosts")?;
        let mut rows = select.query([])?;
        let mut open = HashSet::new();
        while let Some(row) = rows.next()? {
            let id: i64 = row.get(0)?;
            open.insert(id);
            if self.hosts.get(&id) != Some(&(row.get(1)?, uint(row, 2)?)) {
                findings.note(0, format!("row {id} of `hosts` says something else than the records"));
            }
        }
        for call in self.running.values().filter(|call| !open.contains(&call.host.cast_signed())) {
            findings.note(call.seq, "its call has no ending, and its host is not in `hosts`");
        }
        let highest = self.hosts.keys().max().copied().unwrap_or(0);
        let used = "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'hosts'";
        if connection.query_row(used, [], |row| row.get::<_, i64>(0))? != highest {
            findings.note(0, "the last host number is not the one of the records");
        }
        Ok(())
    }

    fn compare_keys(&mut self, connection: &Connection, findings: &mut Findings) -> rusqlite::Result<()> {
        let text = "SELECT scope, call, arguments, intent, host, ending, in_doubt, at_ms FROM keys";
        let mut select = connection.prepare(text)?;
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            let stated = Key {
                call: row.get(1)?,
                arguments: chain::hex(&row.get::<_, Hash>(2)?),
                intent: uint(row, 3)?,
                host: uint(row, 4)?,
                ending: row.get::<_, Option<i64>>(5)?.map(i64::cast_unsigned),
                in_doubt: row.get(6)?,
                at_ms: uint(row, 7)?,
            };
            if self.keys.remove(&row.get::<_, Hash>(0)?).is_none_or(|key| key != stated) {
                findings.note(stated.intent, "its row of `keys` says something else than the records");
            }
        }
        let forgotten =
            |key: &Key| key.ending.is_some() && key.in_doubt == 0 && key.at_ms < self.pruned_before;
        for key in self.keys.values().filter(|key| !forgotten(key)) {
            findings.note(key.intent, "it binds a key, and `keys` does not have it");
        }
        Ok(())
    }
}

impl Running {
    fn key(&self, call: [u8; 16], ending: Option<u64>, in_doubt: i64, at_ms: u64) -> Key {
        let (arguments, intent, host) = (self.arguments.clone(), self.seq, self.host);
        Key { call, arguments, intent, host, ending, in_doubt, at_ms }
    }
}
