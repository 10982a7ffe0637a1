//! Tests that look into the file, or damage it.

use super::Place;
use crate::call::Status;
use crate::ledger::tests::{Fixture, ending, intent, keyed, new_run, open, path, refusal};
use crate::ledger::{Durability, Ending, Ledger, LedgerError, LedgerOptions};
use proptest::prelude::*;
use rusqlite::Connection;
use rusqlite::types::Value;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use tempfile::TempDir;

/// A closed ledger with every kind of record and a row in every table.
async fn sample() -> TempDir {
    let fixture = Fixture::new().await;
    let run = fixture.run;
    fixture.ledger.open_run(new_run(2, Some("desk"))).await.unwrap();
    fixture.start(keyed(run, 1, "a")).await;
    fixture.end(ending(run, 1, Status::Completed)).await;
    fixture.start(keyed(run, 2, "b")).await;
    fixture.end(Ending { in_doubt: true, ..ending(run, 2, Status::Failed) }).await;
    fixture.ledger.refuse(refusal(run, 3)).await.unwrap();
    fixture.start(intent(run, 4)).await;
    let fixture = fixture.crash();
    fixture.start(intent(run, 5)).await;
    fixture.end(ending(run, 5, Status::Completed)).await;
    fixture.ledger.prune(1_002, 2_000).unwrap();
    fixture.start(keyed(run, 6, "c")).await;
    fixture.ledger.close().await.unwrap();
    fixture.dir
}

fn open_error(dir: &TempDir) -> LedgerError {
    match Ledger::open(LedgerOptions::new(path(dir)), 1_000) {
        Ok(_) => panic!("it opened"),
        Err(error) => error,
    }
}

fn edit(dir: &TempDir, statement: &str) {
    Connection::open(path(dir)).unwrap().execute_batch(statement).unwrap();
}

#[tokio::test]
async fn a_change_of_any_value_of_any_row_is_found() {
    let dir = sample().await;
    assert!(Ledger::read(&path(&dir)).unwrap().verify(None).unwrap().ok);
    let connection = Connection::open(path(&dir)).unwrap();
    let mut changes = 0;
    for (table, key) in [
        ("events", "seq"),
        ("runs", "id"),
        ("running", "seq"),
        ("keys", "scope"),
        ("hosts", "id"),
        ("folded", "seq"),
    ] {
        let mut select = connection.prepare(&format!("SELECT {key}, * FROM {table}")).unwrap();
        let columns: Vec<String> = select.column_names().skip(1).map(str::to_owned).collect();
        let rows = select
            .query_map([], |row| (0..=columns.len()).map(|at| row.get(at)).collect::<Result<Vec<Value>, _>>())
            .unwrap();
        let rows: Vec<Vec<Value>> = rows.map(Result::unwrap).collect();
        assert!(!rows.is_empty(), "{table} is empty");
        for row in rows {
            for (column, value) in columns.iter().zip(&row[1..]) {
                for changed in variants(value) {
                    let update = format!("UPDATE {table} SET {column} = {} WHERE {key} IS ?2", cast(value));
                    if connection.execute(&update, [&changed, &row[0]]).is_err() {
                        continue; // the schema does not take it
                    }
                    let report = Ledger::read(&path(&dir)).and_then(|reader| reader.verify(None));
                    assert!(
                        !report.is_ok_and(|report| report.ok),
                        "{table}.{column} of {:?}: {changed:?}",
                        row[0]
                    );
                    let back = format!("UPDATE {table} SET {column} = ?1 WHERE {key} IS ?2");
                    let key_now = if column == key { &changed } else { &row[0] };
                    connection.execute(&back, [value, key_now]).unwrap();
                    changes += 1;
                }
            }
        }
    }
    assert!(changes > 300, "only {changes} changes were tried");
    assert!(Ledger::read(&path(&dir)).unwrap().verify(None).unwrap().ok);
}

/// Values that differ in one bit or one byte, or are missing, or appear.
fn variants(value: &Value) -> Vec<Value> {
    let flips = |bytes: &[u8]| -> Vec<Value> {
        let places = [0, bytes.len() / 2, bytes.len().saturating_sub(1)];
        let flip = |at: usize| {
            let mut bytes = bytes.to_vec();
            bytes[at] ^= 1;
            Value::Blob(bytes)
        };
        places.into_iter().filter(|at| *at < bytes.len()).map(flip).collect()
    };
    match value {
        Value::Integer(number) => [number ^ 1, number ^ 2, number ^ (1 << 40)].map(Value::Integer).into(),
        Value::Text(text) if text.is_empty() => vec![Value::Null, Value::Blob(b"x".to_vec())],
        Value::Text(text) => flips(text.as_bytes()).into_iter().chain([Value::Null]).collect(),
        Value::Blob(bytes) => flips(bytes).into_iter().chain([Value::Null]).collect(),
        _ => vec![Value::Blob(vec![0; 32]), Value::Blob(vec![0; 16]), Value::Text("{}".to_owned())],
    }
}

fn cast(value: &Value) -> &'static str {
    if matches!(value, Value::Text(_)) { "CAST(?1 AS TEXT)" } else { "?1" }
}

#[tokio::test]
async fn a_missing_row_of_any_table_is_found() {
    let dir = sample().await;
    let whole = fs::read(path(&dir)).unwrap();
    for (table, key) in [
        ("events", "seq"),
        ("runs", "id"),
        ("running", "seq"),
        ("hosts", "id"),
        ("keys", "scope"),
        ("folded", "seq"),
    ] {
        let rows: Vec<Value> = {
            let connection = Connection::open(path(&dir)).unwrap();
            let mut select = connection.prepare(&format!("SELECT {key} FROM {table}")).unwrap();
            select.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
        };
        for row in rows {
            let connection = Connection::open(path(&dir)).unwrap();
            connection.execute(&format!("DELETE FROM {table} WHERE {key} = ?1"), [&row]).unwrap();
            drop(connection);
            let report = Ledger::read(&path(&dir)).and_then(|reader| reader.verify(None));
            assert!(!report.is_ok_and(|report| report.ok), "{table} without {row:?}");
            fs::write(path(&dir), &whole).unwrap();
        }
    }
}

#[tokio::test]
async fn a_rewritten_ledger_is_found_only_by_a_head_kept_elsewhere() {
    let kept = Ledger::read(&path(&sample().await)).unwrap().head().unwrap();
    let other = Fixture::new().await;
    let report = other.ledger.reader().unwrap().verify(Some(&kept)).unwrap();
    assert!(!report.ok);
    assert_eq!(report.proven_to, None);
    assert!(other.ledger.reader().unwrap().verify(None).unwrap().ok);
}

#[tokio::test]
async fn something_else_is_refused_and_left_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let foreign =
        [b"not a database at all, only text that is long enough to have a header".repeat(20), vec![0; 5_000]];
    for bytes in foreign {
        fs::write(path(&dir), &bytes).unwrap();
        assert!(matches!(open_error(&dir), LedgerError::NotALedger { .. }), "{}", open_error(&dir));
        assert_eq!(fs::read(path(&dir)).unwrap(), bytes);
        fs::remove_file(path(&dir)).unwrap();
    }
    edit(&dir, "CREATE TABLE notes (text); INSERT INTO notes VALUES ('mine')");
    let before = fs::read(path(&dir)).unwrap();
    assert!(matches!(open_error(&dir), LedgerError::NotALedger { .. }));
    assert_eq!(fs::read(path(&dir)).unwrap(), before);
    assert!(matches!(Ledger::read(&path(&dir)), Err(LedgerError::NotALedger { .. })));
}

#[tokio::test]
async fn another_version_is_refused_and_left_as_it_is() {
    let dir = sample().await;
    edit(&dir, "PRAGMA user_version = 3");
    let before = fs::read(path(&dir)).unwrap();
    assert!(matches!(open_error(&dir), LedgerError::OtherVersion { found: 3, expected: 2, .. }));
    assert_eq!(fs::read(path(&dir)).unwrap(), before);
    assert!(open_error(&dir).to_string().contains("use the host that wrote it"));
}

#[tokio::test]
async fn damage_in_the_last_batch_is_refused_at_once() {
    let dir = sample().await;
    edit(&dir, "UPDATE events SET at_ms = at_ms + 1 WHERE seq = (SELECT max(seq) FROM events)");
    assert!(matches!(open_error(&dir), LedgerError::Damaged { .. }));
}

#[tokio::test]
async fn a_missing_or_unreadable_place_is_named() {
    let dir = tempfile::tempdir().unwrap();
    assert!(matches!(Ledger::read(&path(&dir)), Err(LedgerError::Open { .. })));
    fs::create_dir(path(&dir)).unwrap();
    assert!(matches!(open_error(&dir), LedgerError::Open { .. }));
    let below = LedgerOptions::new("/proc/nowhere/ledger.db");
    assert!(matches!(Ledger::open(below, 0), Err(LedgerError::Open { .. })));
}

/// Nobody waits here: a host waits five seconds for its turn before SQLite says this.
#[test]
fn a_ledger_that_another_program_locks_is_called_locked() {
    let place = Place { ledger: "some/ledger.db".into() };
    for code in [rusqlite::ffi::SQLITE_BUSY, rusqlite::ffi::SQLITE_LOCKED] {
        let said = rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), None);
        let error = place.classify(&said);
        assert!(matches!(error, LedgerError::Busy { .. }), "{error:?}");
        let said = error.to_string();
        assert!(said.contains("some/ledger.db is locked by another program"), "{said}");
        assert!(!said.contains("path is right"), "{said}");
    }
}

#[tokio::test]
async fn every_file_is_private_and_so_is_a_new_folder() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("a/b");
    let ledger = Ledger::open(LedgerOptions::new(folder.join("ledger.db")), 1_000).unwrap();
    ledger.open_run(new_run(1, None)).await.unwrap();
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&folder), mode(folder.parent().unwrap())), (0o700, 0o700));
    let files: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(files.len(), 4, "{files:?}");
    for file in files {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
}

#[tokio::test]
async fn an_empty_file_becomes_a_ledger_as_after_a_crash_during_creation() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(path(&dir), b"").unwrap();
    drop(open(&dir));
    assert!(Ledger::read(&path(&dir)).unwrap().verify(None).unwrap().ok);
}

#[tokio::test]
async fn the_log_begins_anew_while_calls_go_on_and_nothing_is_lost() {
    const CALLS_MAX: u64 = 100_000;
    let fixture = Fixture::new().await;
    let run = fixture.run;
    let log = fixture.dir.path().join("ledger.db-wal");
    // Bytes 16 to 24 of the log are its salts; each new log has others (SQLite, "WAL file format").
    let salts = || fs::read(&log).unwrap().get(16..24).map(<[u8]>::to_vec);
    let mut seen = std::collections::HashSet::new();
    let mut calls = 0;
    while seen.len() < 5 {
        fixture.start(intent(run, calls)).await;
        fixture.end(ending(run, calls, Status::Completed)).await;
        seen.extend(salts());
        calls += 1;
        assert!(calls < CALLS_MAX, "the log never began anew");
    }
    assert_eq!(fixture.ledger.reader().unwrap().runs().unwrap()[0].completed, calls);
    fixture.assert_sound();
    let fixture = fixture.crash();
    assert_eq!(fixture.states().len() as u64, calls);
    fixture.assert_sound();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn a_damaged_file_gives_an_error_or_a_sound_part_and_never_a_panic(
        cut in proptest::option::of(any::<prop::sample::Index>()),
        flips in proptest::collection::vec((any::<prop::sample::Index>(), 1..=255_u8), 0..6),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let dir = sample().await;
            let mut bytes = fs::read(path(&dir)).unwrap();
            for (at, mask) in flips {
                let at = at.index(bytes.len());
                bytes[at] ^= mask;
            }
            if let Some(cut) = cut {
                bytes.truncate(cut.index(bytes.len()));
            }
            fs::write(path(&dir), &bytes).unwrap();
            if let Ok(reader) = Ledger::read(&path(&dir)) {
                let _ = reader.verify(None);
                let _ = reader.runs();
                let _ = reader.trace(new_run(1, None).id);
            }
            match Ledger::open(LedgerOptions::new(path(&dir)), 3_000) {
                Ok(ledger) => {
                    let _ = ledger.open_run(new_run(7, None)).await;
                    let _ = ledger.start(intent(new_run(7, None).id, 70), Durability::Synced).await;
                }
                Err(error) => assert!(error.to_string().contains("ledger"), "{error}"),
            }
        });
    }
}

#[tokio::test]
async fn a_fold_beyond_the_last_record_is_damage() {
    let dir = sample().await;
    edit(&dir, "UPDATE folded SET seq = 1000000");
    assert!(matches!(open_error(&dir), LedgerError::Damaged { .. }));
}

/// A host that was killed while it copied the log into the file may leave half a page there.
#[tokio::test]
async fn half_a_page_at_the_end_is_damage_once_the_log_is_empty() {
    let Fixture { dir, ledger, run } = Fixture::new().await;
    ledger.start(intent(run, 1), Durability::Synced).await.unwrap();
    let append = || {
        let mut file = fs::OpenOptions::new().append(true).open(path(&dir)).unwrap();
        std::io::Write::write_all(&mut file, &[0; 2_048]).unwrap();
    };
    let verify = || Ledger::read(&path(&dir)).unwrap().verify(None).unwrap();
    append();
    assert!(verify().ok, "{:?}", verify().broken);
    ledger.close().await.unwrap();
    assert!(verify().ok, "{:?}", verify().broken);
    append();
    assert!(!verify().ok);
}
