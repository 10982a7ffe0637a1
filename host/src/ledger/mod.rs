//! The ledger: the durable, append-only, hash-chained record of every call.
//!
//! The format, what it proves and how it recovers are in `host/docs/ledger-format.md`. Not here: what
//! a call means or may do; the pipeline decides that and hands entries in. Invariant: an answer is
//! given only after its record is as durable as was asked, and every started call gets exactly one ending.

mod chain;
mod commit;
mod disk;
mod entry;
mod error;
mod guarded;
mod health;
mod record;
mod report;
mod sqlite;
mod store;
mod sync;

pub use disk::{Disk, Sync, SystemDisk};
pub use entry::{
    ApprovalAsk, Asked, Attempt, Decided, Durability, Effect, Ending, InFlight, Intent, LogLine, NewApproval,
    NewRun, Receipt, Refusal, Refused, Resolution, Resolved, RunRow, Start, Started, Steering, Told, Turn,
    Unapproved,
};
pub use error::LedgerError;
pub use report::{
    AnswerTrace, ApprovalRow, BROKEN_MAX, Broken, CallContent, CallState, CallTrace, Doubt, PruneReport,
    RunSummary, RunTrace, SteeredTrace, VerifyReport,
};
pub use sqlite::{LedgerReader, approval_binding, approval_message};

use crate::call::{Outcome, RunId};
use crate::guard::event::{Hold, Steer};
use crate::guard::settings::{RunGuards, SpendGuards};
use crate::guard::{Refusal as GuardRefusal, Standing};
use commit::Committer;
use health::Health;
use record::Record;
use sqlite::{Checkpointer, Growth, OpenFiles, Place};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use store::{Op, Reply, StartOp, TurnOp};
use sync::GroupSync;
use tokio::time::Instant;

/// Where the ledger is and how it reaches the disk.
pub struct LedgerOptions {
    /// The file. SQLite keeps `-wal` and `-shm` beside it, and each open host a `-host-N`.
    pub path: PathBuf,
    /// The seam to the disk.
    pub disk: Arc<dyn Disk>,
}

impl LedgerOptions {
    /// A ledger on the system's disk.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), disk: Arc::new(SystemDisk) }
    }
}

/// An open ledger that can be written. Clones share it. Without [`Ledger::close`] the last clone lets go of the
/// file as a crash would, and the next host tidies up.
#[derive(Clone)]
pub struct Ledger(Arc<Inner>);

/// Fields are dropped in this order: the writer's connection last, so that the log stays until nobody syncs it.
struct Inner {
    checkpointer: Checkpointer,
    sync: GroupSync,
    lookups: Mutex<Option<LedgerReader>>,
    found: Mutex<HashMap<RunId, RunRow>>,
    committer: Arc<Committer>,
    health: Health,
    disk: Arc<dyn Disk>,
    place: Place,
    host: u64,
}

impl Ledger {
    /// Opens or makes the ledger, registers this host, and marks the started and unended calls of dead
    /// hosts: in doubt, or abandoned where they were read-only. Blocks on the disk.
    ///
    /// # Errors
    /// [`LedgerError::Open`], [`LedgerError::Busy`], [`LedgerError::NotALedger`], [`LedgerError::OtherVersion`] or
    /// [`LedgerError::Damaged`]; in the last three nothing was written.
    pub fn open(options: LedgerOptions, now_ms: u64) -> Result<Self, LedgerError> {
        let LedgerOptions { path, disk } = options;
        let (health, growth) = (Health::default(), Arc::new(Growth::default()));
        let (writer, place, wal) = sqlite::open(&path, &disk, &growth, now_ms)?;
        let host = writer.host();
        let files = OpenFiles::of(&place, host)?;
        let committer = Arc::new(Committer::new(Box::new(writer), health.clone()));
        let checkpointer =
            Checkpointer::start(&place, disk.vfs(), growth, Arc::clone(&committer), health.clone())?;
        let lookups = Mutex::new(Some(LedgerReader::open(place.path(), disk.vfs())?));
        let look = Box::new(move || files.look());
        let sync = GroupSync::start(Arc::clone(&disk), wal, look, health.clone())
            .map_err(|error| LedgerError::Open { path: path.clone(), cause: error.to_string() })?;
        let found = Mutex::default();
        Ok(Self(Arc::new(Inner { checkpointer, sync, lookups, found, committer, health, disk, place, host })))
    }

    /// Opens an existing ledger for reading only, also while hosts write to it. Blocks on the disk.
    ///
    /// # Errors
    /// As [`Ledger::open`].
    pub fn read(path: &Path) -> Result<LedgerReader, LedgerError> {
        LedgerReader::open(path, None)
    }

    /// A reader of this ledger.
    ///
    /// # Errors
    /// As [`Ledger::open`].
    pub fn reader(&self) -> Result<LedgerReader, LedgerError> {
        LedgerReader::open(self.0.place.path(), self.0.disk.vfs())
    }

    /// Opens a run (committed), with its parent's context where it has none of its own, or finds the named run of this
    /// principal again; gives its id.
    ///
    /// # Errors
    /// [`LedgerError::RunExists`] when the id is taken, [`LedgerError::Unavailable`] when nothing can be written.
    pub async fn open_run(&self, mut run: NewRun) -> Result<RunId, LedgerError> {
        if run.context.is_none()
            && let Some(parent) = run.parent
        {
            run.context = self.find_run(parent, &run.principal).await?.and_then(|parent| parent.context);
        }
        let record = Record::run_opened(run.clone())?;
        match self.0.committer.submit(Op::OpenRun { run, record }).await? {
            Reply::Run(id) => Ok(id),
            other => Err(commit::unexpected(&other)),
        }
    }

    /// Finds a run of this principal. Another principal's run is `None`.
    ///
    /// # Errors
    /// [`LedgerError::Damaged`] or [`LedgerError::Open`] when it cannot be read.
    pub async fn find_run(&self, id: RunId, principal: &str) -> Result<Option<RunRow>, LedgerError> {
        let remembered = lock(&self.0.found).get(&id).cloned();
        let run = match remembered {
            Some(run) => Some(run),
            None => self.0.look_up(|reader| reader.find_run(id))?,
        };
        if let Some(run) = &run {
            let mut found = lock(&self.0.found);
            if found.len() >= FOUND_MAX {
                found.clear();
            }
            found.entry(id).or_insert_with(|| run.clone());
        }
        Ok(run.filter(|run| run.principal == principal))
    }

    /// Looks the key up and, if the call may run, writes its intent: one atomic step. Dropping the future
    /// does not take the intent back.
    ///
    /// # Errors
    /// [`LedgerError::UnknownRun`] when the run is not this principal's, [`LedgerError::AlreadyStarted`] when the
    /// call id was used, [`LedgerError::Unavailable`] when nothing can be promised: then nothing may run.
    pub async fn start(&self, intent: Intent, durability: Durability) -> Result<Asked, LedgerError> {
        let hold = intent.ask.as_ref().map_or_else(Hold::default, |ask| ask.worst);
        let op = StartOp {
            call: intent.call,
            run: intent.run,
            principal: intent.principal.clone(),
            tool: intent.tool.clone(),
            scope: intent.key.as_deref().map(|key| chain::scope(&intent.principal, &intent.tool, key)),
            arguments: intent.arguments_digest,
            effect: intent.effect,
            approval: intent.approval.clone(),
            ask: intent.ask.clone(),
            record: Record::intent(intent, hold, self.0.host)?,
        };
        let asked = match self.0.committer.submit(Op::Start(op)).await? {
            Reply::Start(asked) => asked,
            other => return Err(commit::unexpected(&other)),
        };
        if matches!(asked.start, Start::Fresh(_) | Start::Recorded(_)) {
            self.0.reach(durability).await?;
        }
        Ok(asked)
    }

    /// Writes the one ending of a call that this host started.
    ///
    /// # Errors
    /// [`LedgerError::NotStarted`] when it has its ending or never started here, [`LedgerError::Unavailable`] when
    /// nothing can be promised: the ending may or may not be recorded.
    pub async fn end(&self, ending: Ending, durability: Durability) -> Result<Receipt, LedgerError> {
        let (call, good) = (ending.call, ending.good);
        let record = Record::ending(ending)?;
        self.0.written(Op::End { call, good, record }, durability).await
    }

    /// Writes the one record of a proposal that never started (committed).
    ///
    /// # Errors
    /// [`LedgerError::UnknownRun`] when there is no such run, [`LedgerError::Unavailable`] when nothing can be written.
    pub async fn refuse(&self, refusal: Refusal) -> Result<Refused, LedgerError> {
        let (run, guards) = (refusal.run, refusal.guards.clone());
        let steer = refusal.steer.clone().map(|steering| Ok((steering.run, Record::steered(steering)?)));
        let steer = steer.transpose()?;
        let approval = refusal.approval.clone().map(|new| (new, refusal.call, refusal.tool.clone()));
        let record = Record::unstarted(refusal)?;
        match self.0.committer.submit(Op::Refuse { run, record, guards, approval, steer }).await? {
            Reply::Refused(refused) => Ok(refused),
            other => Err(commit::unexpected(&other)),
        }
    }

    /// Writes that a call which this host started is executed once more; `None` when the tool's retry budget is
    /// used up, and then it must not be.
    ///
    /// # Errors
    /// As [`Ledger::end`].
    pub async fn attempt(
        &self,
        attempt: Attempt,
        durability: Durability,
    ) -> Result<Option<Receipt>, LedgerError> {
        let record = Record::attempt(&attempt)?;
        match self.0.committer.submit(Op::Attempt { attempt, record }).await? {
            Reply::NoRetry => Ok(None),
            Reply::Written(receipt) => self.0.reach(durability).await.map(|()| Some(receipt)),
            other => Err(commit::unexpected(&other)),
        }
    }

    /// The last good outcome remembered under this scope, no older than `not_before_ms`, with its time.
    ///
    /// # Errors
    /// [`LedgerError::Damaged`] or [`LedgerError::Open`] when it cannot be read.
    pub async fn last_good(
        &self,
        scope: [u8; 32],
        not_before_ms: u64,
    ) -> Result<Option<(u64, Outcome)>, LedgerError> {
        self.0.look_up(|reader| reader.last_good(&scope, not_before_ms))
    }

    /// Takes a person's answer to an approval (synced).
    ///
    /// # Errors
    /// [`LedgerError::NotWaiting`] when there is none of this id that waits, [`LedgerError::Unavailable`] when
    /// nothing can be written.
    pub async fn decide(&self, decided: Decided) -> Result<Receipt, LedgerError> {
        let record = Record::decided(&decided)?;
        self.0.written(Op::Decide { decided, record }, Durability::Synced).await
    }

    /// Resolves a call that is in doubt (synced).
    ///
    /// # Errors
    /// [`LedgerError::UnknownRun`] when there is no such run, [`LedgerError::NotInDoubt`] when somebody has resolved it,
    /// [`LedgerError::Unavailable`] when nothing can be written.
    pub async fn resolve(&self, resolved: Resolved) -> Result<Receipt, LedgerError> {
        let record = Record::resolved(&resolved)?;
        self.0.written(Op::Resolve { resolved, record }, Durability::Synced).await
    }

    /// Changes a run's course (synced: a person, or a guard, relies on it).
    ///
    /// # Errors
    /// [`LedgerError::UnknownRun`] when there is no such run, [`LedgerError::Unavailable`] when nothing can be written.
    pub async fn steer(&self, steering: Steering) -> Result<Receipt, LedgerError> {
        let run = steering.run;
        let record = Record::steered(steering)?;
        self.0.written(Op::Steer { run, record }, Durability::Synced).await
    }

    /// Writes what an agent says about its own run, in one step with the guards' answer (synced): the call, which is one
    /// proposal, and the words that change anything. Gives the guard that says no; a refusal has written nothing.
    ///
    /// # Errors
    /// As [`Ledger::steer`].
    pub async fn turn(&self, turn: Turn) -> Result<Option<Box<GuardRefusal>>, LedgerError> {
        let call = Record::own_call(&turn)?;
        let Turn { run, guards, at_ms, words, .. } = turn;
        let record = |(steer, note): (Steer, Option<String>)| {
            let steering = Steering { run, steer: steer.clone(), by: AGENT.to_owned(), note, at_ms };
            Record::steered(steering).map(|record| (steer, record))
        };
        let words = words.into_iter().map(record).collect::<Result<Vec<_>, _>>()?;
        match self.0.committer.submit(Op::Turn(TurnOp { run, guards, call, words })).await? {
            Reply::Written(_) => self.0.reach(Durability::Synced).await.map(|()| None),
            Reply::Unturned(refusal) => Ok(refusal),
            other => Err(commit::unexpected(&other)),
        }
    }

    /// Where a run stands under these guards; `None` when there is no such run.
    ///
    /// # Errors
    /// [`LedgerError::Unavailable`] when the ledger cannot be used.
    pub async fn standing(
        &self,
        run: RunId,
        guards: Arc<RunGuards>,
        spend: Arc<SpendGuards>,
        at_ms: u64,
    ) -> Result<Option<Standing>, LedgerError> {
        match self.0.committer.submit(Op::Standing { run, guards, spend, at_ms }).await? {
            Reply::Standing(standing) => Ok(standing.map(|standing| *standing)),
            other => Err(commit::unexpected(&other)),
        }
    }

    /// Waits until the call that holds a key has ended, or its host has died (`true`: call `start` again, which
    /// tells how), or until the time is up (`false`).
    ///
    /// # Errors
    /// [`LedgerError::Damaged`] or [`LedgerError::Open`] when it cannot be read.
    pub async fn await_ending(&self, flight: InFlight, timeout: Duration) -> Result<bool, LedgerError> {
        let deadline = Instant::now().checked_add(timeout);
        loop {
            self.0.health.check()?;
            let mut ended = std::pin::pin!(self.0.committer.ended().notified());
            ended.as_mut().enable();
            if !self.0.look_up(|reader| reader.is_running(flight))? {
                return Ok(true);
            }
            let left =
                deadline.map_or(LOOK_AGAIN, |deadline| deadline.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                return Ok(false);
            }
            // Another host's ending notifies nobody here, so look again soon.
            let _ = tokio::time::timeout(left.min(LOOK_AGAIN), ended).await;
        }
    }

    /// Erases the content of records written before a time, but of calls that still run, of calls that a person may
    /// still approve, and of calls whose key is bound; keys are kept at least 24 hours. Blocks: call it off the async
    /// workers.
    ///
    /// # Errors
    /// [`LedgerError::Unavailable`], [`LedgerError::Damaged`] or [`LedgerError::Open`]; what was erased stays erased.
    pub fn prune(&self, before_ms: u64, now_ms: u64) -> Result<PruneReport, LedgerError> {
        let before_ms = before_ms.min(now_ms);
        self.0.committer.submit_blocking(&Op::Prune(Record::pruned(before_ms, now_ms)?))?;
        sqlite::erase(&self.0.place, self.0.disk.vfs(), before_ms, now_ms)
    }

    /// Syncs, checkpoints and lets go of the file, for every clone. Calls that still run are for the next
    /// host to mark.
    ///
    /// # Errors
    /// [`LedgerError::Unavailable`] when something failed before or fails now.
    pub async fn close(self) -> Result<(), LedgerError> {
        let broken = self.0.sync.wait().await;
        let inner = self.0;
        let closed =
            tokio::task::spawn_blocking(move || inner.shut()).await.unwrap_or(Err(LedgerError::Closed));
        broken.and(closed)
    }
}

impl Inner {
    async fn written(&self, op: Op, durability: Durability) -> Result<Receipt, LedgerError> {
        let receipt = match self.committer.submit(op).await? {
            Reply::Written(receipt) => receipt,
            other => return Err(commit::unexpected(&other)),
        };
        self.reach(durability).await?;
        Ok(receipt)
    }

    async fn reach(&self, durability: Durability) -> Result<(), LedgerError> {
        match durability {
            Durability::Committed => Ok(()),
            Durability::Synced => self.sync.wait().await,
        }
    }

    fn look_up<T>(
        &self,
        read: impl FnOnce(&LedgerReader) -> Result<T, LedgerError>,
    ) -> Result<T, LedgerError> {
        lock(&self.lookups).as_ref().map_or(Err(LedgerError::Closed), read)
    }

    fn shut(&self) -> Result<(), LedgerError> {
        let store = self.committer.take_store();
        self.health.close();
        self.sync.stop();
        self.checkpointer.stop();
        lock(&self.lookups).take();
        store.map_or(Ok(()), store::Store::close)
    }
}

/// Runs remembered for `find_run`; beyond, all are forgotten and read again.
const FOUND_MAX: usize = 4_096;

/// Who turns a run by the host's own tools, as the ledger says it.
const AGENT: &str = "agent";

/// How soon to look whether another host ended a call.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
pub(crate) mod tests;
