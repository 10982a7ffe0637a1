//! What is written to the tables and read from them, each in one short transaction.
//!
//! Invariants: a host that registers sees every switch that its kill did not wait for, since both are in one order
//! of transactions; a row that cannot be understood is an error, never skipped.

use super::board::Acknowledgement;
use super::connection::Database;
use super::error::ControlError;
use super::files::{self, HostLock};
use super::process::{Life, Process};
use super::schema::classify;
use super::target::{Switch, Target};
use crate::call::RunId;
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, TransactionBehavior, params};
use std::collections::HashMap;
use std::path::Path;

/// Switches that may be on at once; every host holds all of them in memory and reads all of them after a change.
pub(super) const SWITCHES_MAX: u64 = 10_000;

/// Bytes of a tool's name or of an operator's reason.
pub(super) const TEXT_BYTES_MAX: usize = 1_000;

/// A host in the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) id: u64,
    pub(super) process: Process,
    pub(super) registered_ms: u64,
}

impl Listed {
    /// Whether its process lives. One that cannot be seen from here is gone when it has let go of its lock.
    pub(super) fn life(&self, database: &Path) -> Life {
        match self.process.life() {
            Life::Unknown if files::is_let_go(database, self.id) => Life::Gone,
            life => life,
        }
    }
}

/// A switch that was written, and the hosts that must answer.
pub(super) struct Thrown {
    pub(super) switch: Switch,
    pub(super) was_on: bool,
    pub(super) hosts: Vec<Listed>,
    /// What they said to it before, when it was on.
    pub(super) said: Said,
}

/// What each host in the list says to a switch: `None` where it says nothing yet.
pub(super) type Said = HashMap<u64, Option<Acknowledgement>>;

impl Database {
    /// Strikes out the hosts whose process is gone, and gives this one a number and the lock that says that it lives.
    pub(super) fn register(
        &mut self,
        process: &Process,
        now_ms: u64,
    ) -> Result<(u64, HostLock), ControlError> {
        self.strike_out()?;
        let host = self.write(|transaction| {
            let insert = "INSERT INTO hosts (pid, started, boot, namespace, registered_ms) VALUES (?1, ?2, ?3, ?4, ?5)";
            let Process { pid, started, boot, namespace } = process;
            let values = params![pid, int(*started), boot, int(*namespace), int(now_ms)];
            transaction.execute(insert, values)?;
            Ok(transaction.last_insert_rowid().cast_unsigned())
        })?;
        let lock = HostLock::take(&self.path, host).inspect_err(|_| {
            // If not even that: whoever comes next finds its process gone.
            let _ = self.leave(host);
        })?;
        Ok((host, lock))
    }

    /// Strikes out the hosts whose process is gone.
    pub(super) fn strike_out(&mut self) -> Result<(), ControlError> {
        let path = self.path.clone();
        let gone = self.write(|transaction| {
            let mut gone = listed(transaction)?;
            gone.retain(|host| host.life(&path) == Life::Gone);
            for host in &gone {
                transaction.execute("DELETE FROM hosts WHERE id = ?1", [int(host.id)])?;
            }
            Ok(gone)
        })?;
        gone.iter().for_each(|host| files::forget_lock(&path, host.id));
        Ok(())
    }

    /// Takes a host off the list.
    pub(super) fn leave(&mut self, host: u64) -> Result<(), ControlError> {
        self.write(|transaction| {
            transaction.execute("DELETE FROM hosts WHERE id = ?1", [int(host)]).map(|_| ())
        })?;
        files::forget_lock(&self.path, host);
        Ok(())
    }

    /// The switches that are on, for a host that is in the list.
    pub(super) fn read(&self, host: u64) -> Result<Vec<Switch>, ControlError> {
        let read = || -> rusqlite::Result<Option<Vec<Switch>>> {
            let snapshot = self.connection.unchecked_transaction()?;
            let listed = snapshot.prepare_cached("SELECT 1 FROM hosts WHERE id = ?1")?.exists([int(host)])?;
            listed.then(|| switches(&snapshot)).transpose()
        };
        let read = read().map_err(|error| classify(&self.path, &error))?;
        read.ok_or_else(|| ControlError::StruckOut { path: self.path.clone() })
    }

    /// Writes what a host says to the switches, unless they were lifted meanwhile.
    pub(super) fn acknowledge(&mut self, host: u64, said: &[Acknowledgement]) -> Result<(), ControlError> {
        self.write(|transaction| {
            let mut insert = transaction.prepare_cached(
                "INSERT INTO acknowledgements SELECT hosts.id, generation, ?3, ?4 FROM switches, hosts
                 WHERE hosts.id = ?1 AND generation = ?2
                 ON CONFLICT DO UPDATE SET running = excluded.running, stopped = excluded.stopped",
            )?;
            for Acknowledgement { generation, running, stopped } in said {
                insert.execute(params![int(host), int(*generation), int(*running), int(*stopped)])?;
            }
            Ok(())
        })
    }

    /// Throws a switch. One that is on already stays as it is, but for the reason, if there is a new one.
    pub(super) fn throw(&mut self, target: &Target, why: &str, now_ms: u64) -> Result<Thrown, ControlError> {
        let (kind, name) = columns(target);
        if name.len() > TEXT_BYTES_MAX || why.len() > TEXT_BYTES_MAX {
            let sentence = format!("a tool's name and a reason have at most {TEXT_BYTES_MAX} bytes");
            return Err(ControlError::Limit(sentence));
        }
        let thrown = self.write(|transaction| {
            let before = find(transaction, target)?;
            let was_on = before.is_some();
            let on: i64 = transaction.query_row("SELECT count(*) FROM switches", [], |row| row.get(0))?;
            if !was_on && *target != Target::All && on.cast_unsigned() >= SWITCHES_MAX {
                return Ok(None);
            }
            let insert = "INSERT INTO switches (kind, name, since_ms, why) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (kind, name) DO UPDATE SET why = iif(excluded.why = '', why, excluded.why)";
            transaction.execute(insert, params![kind, name, int(now_ms), why])?;
            let switch = find(transaction, target)?.ok_or(rusqlite::Error::QueryReturnedNoRows)?;
            let said =
                before.map_or_else(|| Ok(Said::new()), |before| said(transaction, before.generation))?;
            Ok(Some(Thrown { switch, was_on, hosts: listed(transaction)?, said }))
        })?;
        thrown.ok_or_else(|| {
            ControlError::Limit(format!(
                "{SWITCHES_MAX} switches are on: lift some with `toolgate unkill`, or stop everything with --all"
            ))
        })
    }

    /// Lifts a switch; gives it, if it was on.
    pub(super) fn lift(&mut self, target: &Target) -> Result<Option<Switch>, ControlError> {
        self.write(|transaction| {
            let switch = find(transaction, target)?;
            if let Some(switch) = &switch {
                transaction
                    .execute("DELETE FROM switches WHERE generation = ?1", [int(switch.generation)])?;
            }
            Ok(switch)
        })
    }

    /// Whether the switch of this number is on: once lifted, it never is again.
    pub(super) fn is_on(&self, generation: u64) -> Result<bool, ControlError> {
        let find = || {
            let mut select =
                self.connection.prepare_cached("SELECT 1 FROM switches WHERE generation = ?1")?;
            select.exists([int(generation)])
        };
        find().map_err(|error| classify(&self.path, &error))
    }

    /// The switches that are on, the oldest first.
    pub(super) fn switches(&self) -> Result<Vec<Switch>, ControlError> {
        switches(&self.connection).map_err(|error| classify(&self.path, &error))
    }

    /// The hosts in the list.
    pub(super) fn hosts(&self) -> Result<Vec<Listed>, ControlError> {
        listed(&self.connection).map_err(|error| classify(&self.path, &error))
    }

    /// What the hosts in the list say to a switch. Both in one snapshot.
    pub(super) fn answers(&self, generation: u64) -> Result<Said, ControlError> {
        said(&self.connection, generation).map_err(|error| classify(&self.path, &error))
    }

    fn write<T>(
        &mut self,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, ControlError> {
        let Self { connection, path, .. } = self;
        let begun = connection.transaction_with_behavior(TransactionBehavior::Immediate);
        let done = begun.and_then(|transaction| {
            let done = work(&transaction)?;
            transaction.commit()?;
            Ok(done)
        });
        done.map_err(|error| classify(path, &error))
    }
}

fn said(connection: &Connection, generation: u64) -> rusqlite::Result<Said> {
    let mut select = connection.prepare_cached(
        "SELECT hosts.id, running, stopped FROM hosts
         LEFT JOIN acknowledgements ON host = hosts.id AND generation = ?1",
    )?;
    let rows = select.query_map([int(generation)], |row| {
        let said = row.get::<_, Option<i64>>(1)?.zip(row.get::<_, Option<i64>>(2)?);
        let said = said.map(|(running, stopped)| {
            let (running, stopped) = (running.cast_unsigned(), stopped.cast_unsigned());
            Acknowledgement { generation, running, stopped }
        });
        Ok((uint(row, 0)?, said))
    })?;
    rows.collect()
}

fn listed(connection: &Connection) -> rusqlite::Result<Vec<Listed>> {
    let text = "SELECT id, pid, started, boot, namespace, registered_ms FROM hosts ORDER BY id";
    let mut select = connection.prepare_cached(text)?;
    let rows = select.query_map([], |row| {
        let process =
            Process { pid: row.get(1)?, started: uint(row, 2)?, boot: row.get(3)?, namespace: uint(row, 4)? };
        Ok(Listed { id: uint(row, 0)?, process, registered_ms: uint(row, 5)? })
    })?;
    rows.collect()
}

fn switches(connection: &Connection) -> rusqlite::Result<Vec<Switch>> {
    let text = "SELECT generation, kind, name, since_ms, why FROM switches ORDER BY generation";
    connection.prepare_cached(text)?.query_map([], switch)?.collect()
}

fn find(connection: &Connection, target: &Target) -> rusqlite::Result<Option<Switch>> {
    let text = "SELECT generation, kind, name, since_ms, why FROM switches WHERE kind = ?1 AND name = ?2";
    connection.prepare_cached(text)?.query_row(columns(target), switch).optional()
}

fn switch(row: &Row<'_>) -> rusqlite::Result<Switch> {
    let (kind, name): (String, String) = (row.get(1)?, row.get(2)?);
    let target = match kind.as_str() {
        "run" => name.parse::<RunId>().map(Target::Run).map_err(|error| error.to_string()),
        "tool" => Ok(Target::Tool(name)),
        "all" if name.is_empty() => Ok(Target::All),
        _ => Err(format!("a switch of kind {kind:?}, named {name:?}")),
    };
    let target =
        target.map_err(|error| rusqlite::Error::FromSqlConversionFailure(1, Type::Text, error.into()))?;
    Ok(Switch { target, generation: uint(row, 0)?, since_ms: uint(row, 3)?, why: row.get(4)? })
}

fn columns(target: &Target) -> (&'static str, String) {
    match target {
        Target::Run(run) => ("run", run.to_string()),
        Target::Tool(tool) => ("tool", tool.clone()),
        Target::All => ("all", String::new()),
    }
}

fn int(value: u64) -> i64 {
    value.cast_signed()
}

fn uint(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    row.get::<_, i64>(column).map(i64::cast_unsigned)
}
