//! The writer: applies each operation of a batch in one transaction, continuing from the head it finds.
//!
//! Invariant: an operation that is refused has changed nothing, so its neighbours in the batch stand; a call is
//! ended by the host that started it, once, by taking its row out of `running`.

use super::batch::{self, Batch, Memory, Tip};
use super::files::HostLock;
use super::key;
use super::row::{Run, int};
use super::{Place, approvals, dead, doubts, empty_log, recover, sql, turn};
use crate::call::{CallId, Denial, RunId};
use crate::guard::event::{Hold, Steer};
use crate::guard::settings::RunGuards;
use crate::guard::{Admission, Consulted, Refusal};
use crate::ledger::chain::Hash;
use crate::ledger::disk::Disk;
use crate::ledger::entry::{Asked, Attempt, NewRun, Receipt, Refused, Start, Started, Steering, Unapproved};
use crate::ledger::error::LedgerError;
use crate::ledger::record::Record;
use crate::ledger::store::{Answer, Op, Reply, StartOp, Store};
use rusqlite::{Connection, OptionalExtension, params};
use std::borrow::Cow;
use std::collections::HashMap;
use std::io;
use std::sync::Arc;

/// The one connection that writes records.
pub(in crate::ledger) struct Writer {
    connection: Connection,
    disk: Arc<dyn Disk>,
    tip: Tip,
    memory: Memory,
    own: Own,
}

/// What is this host's own.
pub(super) struct Own {
    pub(super) place: Place,
    pub(super) host: u64,
    flights: HashMap<CallId, Flight>,
    lock: Option<HostLock>,
}

/// A call that this host started.
struct Flight {
    intent: u64,
    run: RunId,
    scope: Option<Hash>,
}

/// Why a transaction did not happen.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    #[error(transparent)]
    Disk(#[from] io::Error),
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

impl Store for Writer {
    fn commit(&mut self, ops: &[&Op]) -> Result<Vec<Answer>, LedgerError> {
        let written = self.transaction(|own, batch| {
            let answers = ops.iter().map(|op| apply(own, batch, op));
            answers.collect::<Result<Vec<Answer>, Failure>>()
        });
        match written {
            Ok((mut answers, head)) => {
                answers.iter_mut().flatten().for_each(|reply| reply.set_head(head));
                Ok(answers)
            }
            Err(failure) => {
                Err(LedgerError::Unavailable { cause: format!("writing to the ledger failed: {failure}") })
            }
        }
    }

    fn close(mut self: Box<Self>) -> Result<(), LedgerError> {
        let closed = self.sign_off().and_then(|()| empty_log(&mut self.connection));
        closed.map_err(|error| LedgerError::Unavailable { cause: format!("closing it failed: {error}") })
    }
}

impl Writer {
    /// A writer that has no host number yet.
    pub(super) fn new(connection: Connection, place: Place, disk: Arc<dyn Disk>, tip: Tip) -> Self {
        let own = Own { place, host: 0, flights: HashMap::new(), lock: None };
        Self { connection, disk, tip, memory: Memory::default(), own }
    }

    /// Takes a host number and marks the calls of dead hosts.
    pub(super) fn register(&mut self, now_ms: u64) -> Result<(), LedgerError> {
        self.memory
            .forget(&self.connection, self.tip.seq)
            .map_err(|error| self.own.place.classify(&error))?;
        let written = self.transaction(|own, batch| {
            let (host, lock) = recover::register(batch, &own.place, now_ms)?;
            (own.host, own.lock) = (host, Some(lock));
            Ok(())
        });
        written.map(|_| ()).map_err(|failure| match failure {
            Failure::Sqlite(error) => self.own.place.classify(&error),
            Failure::Disk(error) => self.own.place.open_error(&error),
            Failure::Ledger(error) => error,
        })
    }

    /// The number of this host.
    pub(in crate::ledger) fn host(&self) -> u64 {
        self.own.host
    }

    /// Folds, and strikes this host out unless it has calls that run: those are for the next host, which finds
    /// its lock free, to mark.
    fn sign_off(&mut self) -> rusqlite::Result<()> {
        sql(&self.connection, "BEGIN IMMEDIATE")?;
        let tip = recover::read_tip(&self.connection)?;
        if tip != self.tip {
            self.memory.forget(&self.connection, tip.seq)?;
        }
        batch::fold(&self.connection, &mut self.memory, tip.seq)?;
        if self.own.flights.is_empty() {
            self.connection.execute("DELETE FROM hosts WHERE id = ?1", [int(self.own.host)])?;
        }
        sql(&self.connection, "COMMIT")
    }

    /// Copies the whole log into the database, anew and synced, and empties it, unless a reader is in the way.
    pub(super) fn checkpoint_all(&mut self) -> Result<(), LedgerError> {
        empty_log(&mut self.connection).map_err(|error| self.own.place.classify(&error))
    }

    /// Does the work and writes its batch in one transaction; gives the head after it too.
    fn transaction<'a, R>(
        &'a mut self,
        work: impl FnOnce(&mut Own, &mut Batch<'a>) -> Result<R, Failure>,
    ) -> Result<(R, Hash), Failure> {
        let Self { connection, disk, tip, memory, own } = self;
        let connection: &'a Connection = connection;
        sql(connection, "BEGIN IMMEDIATE")?;
        let written = || {
            let found = recover::read_tip(connection)?;
            if found != *tip {
                own.still_counts(connection)?;
                memory.forget(connection, found.seq)?;
            }
            memory.check(found.seq)?;
            let mut batch = Batch::new(connection, memory, found);
            let result = work(own, &mut batch)?;
            *tip = batch.write()?;
            disk.before_commit()?;
            sql(connection, "COMMIT")?;
            Ok((result, tip.head))
        };
        written().inspect_err(|_| {
            // Where even this fails, the log's checksums keep the half transaction out.
            let _ = sql(connection, "ROLLBACK");
        })
    }
}

impl Own {
    /// Another host wrote: it may have taken this one for dead, and then nothing here may go on.
    fn still_counts(&self, connection: &Connection) -> Result<(), Failure> {
        let mut select = connection.prepare_cached("SELECT 1 FROM hosts WHERE id = ?1")?;
        if self.host == 0 || select.exists([int(self.host)])? {
            return Ok(());
        }
        Err(Failure::Disk(io::Error::other("another host took this one for dead and marked its calls")))
    }
}

fn apply<'a>(own: &mut Own, batch: &mut Batch<'a>, op: &'a Op) -> Result<Answer, Failure> {
    match op {
        Op::OpenRun { run, record } => open_run(batch, run, record),
        Op::Start(start) => begin(own, batch, start),
        Op::End { call, good, record } => finish(own, batch, *call, good.as_ref(), record),
        Op::Refuse { run, record, guards, approval, steer: turn } => {
            let answer = refuse(batch, *run, record, guards.as_deref(), turn.as_ref())?;
            if let (Ok(Reply::Refused(refused)), Some(new)) = (&answer, approval) {
                approvals::ask(batch.connection, new, *run, refused.receipt.seq, record.at_ms)?;
            }
            Ok(answer)
        }
        Op::Decide { decided, record } => {
            let seq = approvals::decide(batch, decided, record)?;
            Ok(seq.map(|seq| Reply::Written(receipt(seq))))
        }
        Op::Resolve { resolved, record } => {
            if batch.run(resolved.run.as_bytes())?.is_none() {
                return Ok(Err(LedgerError::UnknownRun(resolved.run)));
            }
            let seq = doubts::resolve(batch, resolved, record)?;
            Ok(seq.map(|seq| Reply::Written(receipt(seq))))
        }
        Op::Attempt { attempt, record } => try_again(own, batch, attempt, record),
        Op::Steer { run, record } => steer(batch, *run, record),
        Op::Turn(op) => turn::turn(batch, op),
        Op::Standing { run, guards, spend, at_ms } => {
            let standing = batch.board(*run, None)?.standing(*run, guards, spend, *at_ms);
            Ok(Ok(Reply::Standing(standing.map(Box::new))))
        }
        Op::Prune(record) => {
            let seq = batch.append_own(Cow::Borrowed(record))?;
            Ok(Ok(Reply::Written(receipt(seq))))
        }
    }
}

fn open_run<'a>(batch: &mut Batch<'a>, run: &NewRun, record: &'a Record) -> Result<Answer, Failure> {
    if let Some(name) = &run.name {
        let mut select =
            batch.connection.prepare_cached("SELECT run FROM runs WHERE principal = ?1 AND name = ?2")?;
        if let Some(Run(id)) = select.query_row([&run.principal, name], |row| row.get(0)).optional()? {
            return Ok(Ok(Reply::Run(id)));
        }
    }
    if let Some(parent) = &run.parent
        && batch.run(parent.as_bytes())?.is_none_or(|parent| parent.principal != run.principal)
    {
        return Ok(Err(LedgerError::UnknownRun(*parent)));
    }
    let id = run.id.as_bytes();
    if batch.run(id)?.is_some() {
        return Ok(Err(LedgerError::RunExists(run.id)));
    }
    let mut insert = batch.connection.prepare_cached(INSERT_RUN)?;
    let row = insert.insert(params![id, run.principal, run.name, int(batch.next_seq()), int(run.at_ms)])?;
    batch.add_run(*id, row, &run.principal);
    batch.append(id, Cow::Borrowed(record))?;
    Ok(Ok(Reply::Run(run.id)))
}

fn begin<'a>(own: &mut Own, batch: &mut Batch<'a>, start: &'a StartOp) -> Result<Answer, Failure> {
    if batch.run(start.run.as_bytes())?.is_none_or(|run| run.principal != start.principal) {
        return Ok(Err(LedgerError::UnknownRun(start.run)));
    }
    if own.flights.contains_key(&start.call) {
        return Ok(Err(LedgerError::AlreadyStarted(start.call)));
    }
    let (answer, readings) = match &start.ask {
        Some(ask) => {
            let Consulted { answer, readings } = dead::consult(batch, &own.place, own.host, start.run, ask)?;
            (answer.map(Some), readings)
        }
        None => (Ok(None), Vec::new()),
    };
    let started = decide(own, batch, start, answer)?;
    Ok(started.map(|start| Reply::Start(Asked { start, readings })))
}

/// What the guards' answer, the key, an earlier doubt and a person's answer make of the call, in this order.
fn decide<'a>(
    own: &mut Own,
    batch: &mut Batch<'a>,
    start: &'a StartOp,
    guards: Result<Option<Admission>, Refusal>,
) -> Result<Result<Start, LedgerError>, Failure> {
    let (admission, refusal) = match guards {
        Ok(admission) => (admission, None),
        Err(refusal) if stops_answers(refusal.code) => return Ok(Ok(Start::Refused(Box::new(refusal)))),
        Err(refusal) => (None, Some(refusal)),
    };
    if let Some(scope) = &start.scope
        && let Some(answer) = key::look_up(own, batch, scope, start)?
    {
        return Ok(answer);
    }
    if let Some(refusal) = refusal {
        return Ok(Ok(Start::Refused(Box::new(refusal))));
    }
    if let Some(call) = key::doubted(own, batch, start)? {
        return Ok(Ok(Start::InDoubt { call }));
    }
    let approval = match approved(batch, start)? {
        Ok(approval) => approval,
        Err(unapproved) => return Ok(Ok(Start::Unapproved(unapproved))),
    };
    let asked = start.ask.as_ref().map_or_else(Hold::default, |ask| ask.worst);
    let allowed = admission.as_ref().map_or(asked, |admission| admission.allowed);
    let record = if allowed != asked || approval.is_some() {
        Cow::Owned(start.record.admitted(allowed, approval)?)
    } else {
        Cow::Borrowed(&start.record)
    };
    let intent = batch.append(start.run.as_bytes(), record)?;
    batch.started(intent, own.host);
    if let Some(scope) = &start.scope {
        key::hold(batch, scope, start, intent, own.host)?;
    }
    own.flights.insert(start.call, Flight { intent, run: start.run, scope: start.scope });
    Ok(Ok(Start::Fresh(Box::new(Started { receipt: receipt(intent), admission }))))
}

/// The approval that the call uses, used up; `None` where it needs none.
fn approved(batch: &mut Batch<'_>, start: &StartOp) -> Result<Result<Option<String>, Unapproved>, Failure> {
    let Some(ask) = &start.approval else { return Ok(Ok(None)) };
    let spent = batch.board(start.run, None)?.cost_micro_usd(start.run);
    if !ask.always && ask.spent_micro_usd.is_none_or(|limit| spent < limit) {
        let denied = approvals::denied(batch.connection, &ask.binding, start.record.at_ms)?;
        return Ok(denied.map_or(Ok(None), |id| Err(Unapproved::Denied { id })));
    }
    Ok(match approvals::look_up(batch.connection, ask, start.record.at_ms)? {
        Ok(id) => {
            approvals::take(batch.connection, &ask.binding)?;
            Ok(Some(id))
        }
        Err(unapproved) => Err(unapproved),
    })
}

/// Whether not even a recorded answer is given again: the run is over or stands still.
fn stops_answers(code: Denial) -> bool {
    matches!(code, Denial::RunHalted | Denial::RunPaused | Denial::DepthExceeded | Denial::Killed)
}

fn try_again<'a>(
    own: &Own,
    batch: &mut Batch<'a>,
    attempt: &Attempt,
    record: &'a Record,
) -> Result<Answer, Failure> {
    let Some(flight) = own.flights.get(&attempt.call) else {
        return Ok(Err(LedgerError::NotStarted(attempt.call)));
    };
    let board = batch.board(flight.run, Some(&attempt.tool))?;
    if board.stands(flight.run) || !board.may_retry(&attempt.tool, &attempt.budget, attempt.at_ms) {
        return Ok(Ok(Reply::NoRetry));
    }
    let seq = batch.append(flight.run.as_bytes(), Cow::Borrowed(record))?;
    Ok(Ok(Reply::Written(receipt(seq))))
}

fn steer<'a>(batch: &mut Batch<'a>, run: RunId, record: &'a Record) -> Result<Answer, Failure> {
    if batch.run(run.as_bytes())?.is_none() {
        return Ok(Err(LedgerError::UnknownRun(run)));
    }
    let seq = batch.append(run.as_bytes(), Cow::Borrowed(record))?;
    Ok(Ok(Reply::Written(receipt(seq))))
}

fn finish<'a>(
    own: &mut Own,
    batch: &mut Batch<'a>,
    call: CallId,
    good: Option<&Hash>,
    record: &'a Record,
) -> Result<Answer, Failure> {
    let Some(flight) = own.flights.remove(&call) else { return Ok(Err(LedgerError::NotStarted(call))) };
    let seq = batch.append(flight.run.as_bytes(), Cow::Borrowed(record))?;
    batch.ended(flight.intent);
    if let Some(scope) = &flight.scope {
        key::settle(batch, scope, call, record.end, seq, record.at_ms)?;
    }
    if let Some(scope) = good {
        let mut replace = batch
            .connection
            .prepare_cached("INSERT OR REPLACE INTO good (scope, ending, at_ms) VALUES (?1, ?2, ?3)")?;
        replace.execute(params![scope, int(seq), int(record.at_ms)])?;
    }
    Ok(Ok(Reply::Written(receipt(seq))))
}

fn refuse<'a>(
    batch: &mut Batch<'a>,
    run: RunId,
    record: &'a Record,
    guards: Option<&RunGuards>,
    turn: Option<&'a (RunId, Record)>,
) -> Result<Answer, Failure> {
    if batch.run(run.as_bytes())?.is_none() {
        return Ok(Err(LedgerError::UnknownRun(run)));
    }
    let seq = batch.append(run.as_bytes(), Cow::Borrowed(record))?;
    if let Some((run, record)) = turn {
        batch.append(run.as_bytes(), Cow::Borrowed(record))?;
    }
    let overrun = match guards {
        Some(guards) => batch.board(run, None)?.overrun(run, guards),
        None => None,
    };
    if let Some((run, why)) = &overrun {
        let (steer, by) = (Steer::Halted(why.sentence()), format!("guard:{}", why.guard().as_str()));
        let halt = Steering { run: *run, steer, by, note: None, at_ms: record.at_ms };
        batch.append(run.as_bytes(), Cow::Owned(Record::steered(halt)?))?;
    }
    let overrun = overrun.map(|(run, why)| (run, why.sentence()));
    Ok(Ok(Reply::Refused(Refused { receipt: receipt(seq), overrun })))
}

/// A receipt whose head comes with the end of the batch.
fn receipt(seq: u64) -> Receipt {
    Receipt { seq, head: [0; 32] }
}

const INSERT_RUN: &str = "INSERT INTO runs (run, principal, name, opened, opened_ms, last_ms, last_seq, hash, running, completed, failed, refused, \
     unended) VALUES (?1, ?2, ?3, ?4, ?5, 0, 0, zeroblob(32), 0, 0, 0, 0, 0)";
