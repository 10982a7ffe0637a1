//! Rebuilds the other tables from the events and compares: `runs`, `running`, `keys` and `hosts` are indexes, and
//! an index that says something else than the events is a finding.
//!
//! Invariant: takes every event once, in order, and only reads.

use super::batch::{Counters, read_counters};
use super::row::{Event, Run, effect_code, uint};
use super::schema::SYSTEM_RUN;
use super::verify::Findings;
use crate::ledger::chain::{self, Hash, ZERO};
use crate::ledger::record::{End, Facts, Kind};
use crate::ledger::report::{CallContent, VerifyReport};
use rusqlite::Connection;
use std::collections::{HashMap, HashSet};

/// What the events say so far, and what `runs` states.
pub(super) struct Audit {
    stated: HashMap<i64, RunRow>,
    seen: HashMap<i64, RunRow>,
    running: HashMap<[u8; 16], Running>,
    calls: HashSet<[u8; 16]>,
    keys: HashMap<Hash, Key>,
    hosts: HashMap<i64, (i64, u64)>,
    pruned_before: u64,
    erased: u64,
    erased_last: Option<(u64, u64)>,
}

#[derive(Clone, PartialEq, Eq)]
struct RunRow {
    run: [u8; 16],
    principal: String,
    name: Option<String>,
    opened_ms: u64,
    last_ms: u64,
    last_seq: u64,
    hash: Hash,
    counters: Counters,
}

struct Running {
    seq: u64,
    run: i64,
    effect: i64,
    scope: Option<Hash>,
    arguments: Option<String>,
    erased: bool,
}

#[derive(PartialEq, Eq)]
struct Key {
    call: [u8; 16],
    arguments: String,
    intent: u64,
    ending: Option<u64>,
    in_doubt: i64,
    at_ms: u64,
}

impl Audit {
    pub(super) fn begin(connection: &Connection) -> rusqlite::Result<Self> {
        let mut select = connection.prepare(SELECT_RUNS)?;
        let rows = select.query_map([], |row| Ok((row.get(0)?, read_run(row)?)))?;
        let stated: HashMap<i64, RunRow> = rows.collect::<rusqlite::Result<_>>()?;
        let own = RunRow {
            run: SYSTEM_RUN,
            principal: String::new(),
            name: None,
            opened_ms: 0,
            last_ms: 0,
            last_seq: 0,
            hash: ZERO,
            counters: Counters::default(),
        };
        Ok(Self {
            stated,
            seen: HashMap::from([(0, own)]),
            running: HashMap::new(),
            calls: HashSet::new(),
            keys: HashMap::new(),
            hosts: HashMap::new(),
            pruned_before: 0,
            erased: 0,
            erased_last: None,
        })
    }

    /// Checks an event against its run and takes what it says.
    pub(super) fn take(&mut self, event: &Event, findings: &mut Findings) {
        if let Err(what) = self.follow(event) {
            findings.note(event.seq, what);
        }
        if event.content.is_none() {
            self.erased += 1;
            self.erased_last = self.erased_last.max(Some((event.at_ms, event.seq)));
        }
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
        let run = self.seen.get_mut(&event.run).ok_or("its run was never opened")?;
        if event.prev != run.last_seq {
            return Err(format!("the record of its run before it is {}, not {}", run.last_seq, event.prev));
        }
        let checked = event.check(&run.run, &run.hash);
        (run.last_seq, run.hash, run.last_ms) = (event.seq, event.hash, run.last_ms.max(event.at_ms));
        self.count(event, kind, &facts, content)?;
        checked.map_err(str::to_owned)
    }

    fn open_run(&mut self, event: &Event, facts: &Facts) -> Result<(), String> {
        let stated = self.stated.get(&event.run).ok_or("its run is not in `runs`")?;
        let run = RunRow {
            run: stated.run,
            principal: facts.principal.clone().unwrap_or_default(),
            name: facts.name.clone(),
            opened_ms: event.at_ms,
            last_ms: 0,
            last_seq: 0,
            hash: ZERO,
            counters: Counters::default(),
        };
        match self.seen.insert(event.run, run) {
            Some(_) => Err("its run was opened before".to_owned()),
            None => Ok(()),
        }
    }

    fn count(&mut self, event: &Event, kind: Kind, facts: &Facts, content: Option<CallContent>) -> Result<(), String> {
        match kind {
            Kind::RunOpened => {}
            Kind::Intent => self.intent(event, facts, content)?,
            Kind::Ending | Kind::Mark => self.ending(event, facts)?,
            Kind::Unstarted => {
                self.new_call(event)?;
                self.counters(event, |counters| counters.end(End::Refused));
            }
            Kind::HostOpened => {
                let (host, pid) = facts.host.zip(facts.pid).ok_or("it names no host")?;
                self.hosts.insert(host.cast_signed(), (i64::from(pid), event.at_ms));
            }
            Kind::Pruned => self.pruned_before = self.pruned_before.max(facts.before_ms.unwrap_or(0)),
        }
        Ok(())
    }

    fn counters(&mut self, event: &Event, count: impl FnOnce(&mut Counters)) {
        if let Some(run) = self.seen.get_mut(&event.run) {
            count(&mut run.counters);
        }
    }

    fn new_call(&mut self, event: &Event) -> Result<[u8; 16], String> {
        let call = event.call.ok_or("it names no call")?;
        if self.calls.insert(call) { Ok(call) } else { Err("its call has a record before this one".to_owned()) }
    }

    fn intent(&mut self, event: &Event, facts: &Facts, content: Option<CallContent>) -> Result<(), String> {
        let call = self.new_call(event)?;
        self.counters(event, Counters::start);
        let erased = content.is_none();
        let content = content.unwrap_or_default();
        let principal = self.seen.get(&event.run).map(|run| run.principal.as_str()).unwrap_or_default();
        let tool = facts.tool.as_deref().ok_or("it names no tool")?;
        let scope = content.key.map(|key| chain::scope(principal, tool, &key));
        let effect = effect_code(facts.effect.ok_or("it names no effect")?);
        if let Some(scope) = scope {
            let arguments = content.arguments_digest.clone().unwrap_or_default();
            let (intent, at_ms) = (event.seq, event.at_ms);
            self.keys.insert(scope, Key { call, arguments, intent, ending: None, in_doubt: 0, at_ms });
        }
        let arguments = content.arguments_digest;
        let running = Running { seq: event.seq, run: event.run, effect, scope, arguments, erased };
        self.running.insert(call, running);
        Ok(())
    }

    fn ending(&mut self, event: &Event, facts: &Facts) -> Result<(), String> {
        let call = event.call.ok_or("it names no call")?;
        let end = facts.end.ok_or("it does not say how the call ended")?;
        let started = self.running.remove(&call).ok_or("its call was not running: it has another ending or no start")?;
        if started.run != event.run {
            return Err("its call belongs to another run".to_owned());
        }
        self.counters(event, |counters| counters.end(end));
        let Some(scope) = started.scope else { return Ok(()) };
        match end {
            End::Completed | End::InDoubt => {
                let arguments = started.arguments.unwrap_or_default();
                let (intent, ending, at_ms) = (started.seq, Some(event.seq), event.at_ms);
                let in_doubt = i64::from(end == End::InDoubt);
                self.keys.insert(scope, Key { call, arguments, intent, ending, in_doubt, at_ms });
            }
            _ => {
                self.keys.remove(&scope);
            }
        }
        Ok(())
    }

    /// Compares the tables with what the events said.
    pub(super) fn finish(
        mut self,
        connection: &Connection,
        report: &mut VerifyReport,
        findings: &mut Findings,
    ) -> rusqlite::Result<()> {
        report.runs = self.seen.len() as u64 - 1;
        report.running = self.running.len() as u64;
        report.calls = self.seen.values().map(|run| started(&run.counters)).sum();
        report.erased = self.erased;
        if let Some((_, seq)) = self.erased_last.filter(|(at_ms, _)| *at_ms >= self.pruned_before) {
            findings.note(seq, "its content is missing, and no pruned record covers that");
        }
        for (row, run) in &self.seen {
            if self.stated.get(row) != Some(run) {
                findings.note(run.last_seq, format!("row {row} of `runs` says something else than the records"));
            }
        }
        for row in self.stated.keys().filter(|row| !self.seen.contains_key(row)) {
            findings.note(0, format!("row {row} of `runs` has no records"));
        }
        self.compare_hosts(connection, findings)?;
        self.compare_keys(connection, findings)?;
        self.compare_running(connection, findings)
    }

    fn compare_hosts(&self, connection: &Connection, findings: &mut Findings) -> rusqlite::Result<()> {
        let mut select = connection.prepare("SELECT id, pid, started_ms FROM hosts")?;
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            let id: i64 = row.get(0)?;
            if self.hosts.get(&id) != Some(&(row.get(1)?, uint(row, 2)?)) {
                findings.note(0, format!("row {id} of `hosts` says something else than the records"));
            }
        }
        let highest = self.hosts.keys().max().copied().unwrap_or(0);
        let used = "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'hosts'";
        if connection.query_row(used, [], |row| row.get::<_, i64>(0))? != highest {
            findings.note(0, "the last host number is not the one of the records");
        }
        Ok(())
    }

    fn compare_running(&mut self, connection: &Connection, findings: &mut Findings) -> rusqlite::Result<()> {
        let text = "SELECT running.seq, call, run, effect, scope, hosts.id FROM running \
                    LEFT JOIN hosts ON hosts.id = running.host";
        let mut select = connection.prepare(text)?;
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            let seq = uint(row, 0)?;
            let stated = (row.get::<_, i64>(2)?, row.get::<_, i64>(3)?, row.get::<_, Option<Hash>>(4)?);
            let known = self.running.remove(&row.get::<_, [u8; 16]>(1)?).is_some_and(|call| {
                call.seq == seq && !call.erased && (call.run, call.effect, call.scope) == stated
            });
            if !known || row.get::<_, Option<i64>>(5)?.is_none() {
                findings.note(seq, "its row of `running` says something else than the records");
            }
        }
        for call in self.running.values() {
            findings.note(call.seq, "its call has no ending and is not in `running`");
        }
        Ok(())
    }

    fn compare_keys(&mut self, connection: &Connection, findings: &mut Findings) -> rusqlite::Result<()> {
        let mut select = connection.prepare("SELECT scope, call, arguments, intent, ending, in_doubt, at_ms FROM keys")?;
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            let stated = Key {
                call: row.get(1)?,
                arguments: chain::hex(&row.get::<_, Hash>(2)?),
                intent: uint(row, 3)?,
                ending: row.get::<_, Option<i64>>(4)?.map(i64::cast_unsigned),
                in_doubt: row.get(5)?,
                at_ms: uint(row, 6)?,
            };
            if self.keys.remove(&row.get::<_, Hash>(0)?).is_none_or(|key| key != stated) {
                findings.note(stated.intent, "its row of `keys` says something else than the records");
            }
        }
        let forgotten = |key: &Key| key.ending.is_some() && key.at_ms < self.pruned_before;
        for key in self.keys.values().filter(|key| !forgotten(key)) {
            findings.note(key.intent, "it binds a key, and `keys` does not have it");
        }
        Ok(())
    }
}

fn started(counters: &Counters) -> u64 {
    counters.running + counters.completed + counters.failed + counters.unended
}

fn read_run(row: &rusqlite::Row<'_>) -> rusqlite::Result<RunRow> {
    Ok(RunRow {
        run: *row.get::<_, Run>(1)?.0.as_bytes(),
        principal: row.get(2)?,
        name: row.get(3)?,
        opened_ms: uint(row, 4)?,
        last_ms: uint(row, 5)?,
        last_seq: uint(row, 6)?,
        hash: row.get(7)?,
        counters: read_counters(row, 8)?,
    })
}

const SELECT_RUNS: &str = "SELECT id, run, principal, name, opened_ms, last_ms, last_seq, hash, running, completed, \
     failed, refused, unended FROM runs";
