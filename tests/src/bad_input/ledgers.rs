//! Any damage to a ledger file: opened as far as it holds or refused with the reason, and never overwritten.

use crate::support::{TestGate, call};
use proptest::prelude::*;
use std::path::{Path, PathBuf};
use toolgate::ledger::{Ledger, LedgerError, LedgerOptions};

/// A closed ledger with some calls on it: its bytes.
fn some_calls() -> Vec<u8> {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let test = TestGate::new().built("echo", "echo", "");
    runtime.block_on(async {
        let gate = test.open().await;
        for n in 0..12 {
            call(&gate, "echo", &format!(r#"{{"text":"{n}"}}"#)).await;
        }
        gate.close().await.unwrap();
    });
    std::fs::read(test.ledger()).unwrap()
}

struct Damaged {
    folder: tempfile::TempDir,
}

impl Damaged {
    fn new(bytes: &[u8]) -> Self {
        let damaged = Self { folder: tempfile::tempdir().unwrap() };
        std::fs::write(damaged.path(), bytes).unwrap();
        damaged
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("ledger.db")
    }

    fn bytes(&self) -> Vec<u8> {
        std::fs::read(self.path()).unwrap()
    }
}

/// Reads everything a reader can read; an error is fine, a panic is not.
fn read_all(path: &Path) -> Result<bool, LedgerError> {
    let reader = Ledger::read(path)?;
    let report = reader.verify(None)?;
    for run in reader.runs()? {
        reader.trace(run.run)?;
    }
    Ok(report.ok)
}

fn refused_untouched(damaged: &Damaged, before: &[u8]) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let _runtime = runtime.enter();
    let opened = Ledger::open(LedgerOptions::new(damaged.path()), 1);
    if let Err(error) = opened {
        let said = error.to_string();
        assert!(said.contains("ledger.db"), "the file is named: {said}");
        assert_eq!(damaged.bytes(), before, "refused with {error:?}, and still written to");
    }
}

#[test]
fn a_ledger_cut_anywhere_is_refused_or_read_and_never_overwritten() {
    let whole = some_calls();
    let sizes = [
        0,
        1,
        15,
        16,
        99,
        100,
        101,
        512,
        4095,
        4096,
        4097,
        8192,
        whole.len() / 2,
        whole.len() - 4096,
        whole.len() - 1,
    ];
    for size in sizes {
        let cut = Damaged::new(&whole[..size]);
        // An empty file is what `open` itself leaves behind when it dies at once; anything else holds no ledger.
        let read = read_all(&cut.path());
        assert!(!matches!(read, Ok(true)) || size == 0, "cut at {size}, it reads as whole");
        assert_eq!(cut.bytes(), &whole[..size], "reading wrote to it");
        refused_untouched(&cut, &whole[..size]);
    }
}

#[test]
fn a_ledger_with_flipped_bytes_is_refused_or_found_broken_or_whole_and_never_overwritten() {
    let whole = some_calls();
    let config = ProptestConfig { cases: 120, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(flips in prop::collection::vec((any::<prop::sample::Index>(), 1..=255_u8), 1..4))| {
        let mut bytes = whole.clone();
        for (at, byte) in flips {
            let at = at.index(bytes.len());
            bytes[at] ^= byte;
        }
        let damaged = Damaged::new(&bytes);
        let _ = read_all(&damaged.path());
        prop_assert_eq!(&damaged.bytes(), &bytes, "reading wrote to it");
        refused_untouched(&damaged, &bytes);
    });
}

#[test]
fn what_is_no_ledger_is_named_and_left_alone() {
    let texts: [&[u8]; 4] = [
        b"not a database at all, but long enough to look at",
        b"SQLite format 3\0",
        &[0; 8192],
        b"[host]\nledger = 'x'\n",
    ];
    for text in texts {
        let file = Damaged::new(text);
        assert!(read_all(&file.path()).is_err());
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let _runtime = runtime.enter();
        assert!(Ledger::open(LedgerOptions::new(file.path()), 1).is_err());
        assert_eq!(file.bytes(), text);
    }
}

#[test]
fn a_ledger_that_cannot_be_opened_says_what_to_do() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let _runtime = runtime.enter();
    let folder = tempfile::tempdir().unwrap();
    for path in [folder.path().to_owned(), PathBuf::from("/proc/none/ledger.db"), PathBuf::from("/dev/null")]
    {
        let Err(error) = Ledger::open(LedgerOptions::new(&path), 1) else {
            panic!("{} opens", path.display())
        };
        let said = error.to_string();
        assert!(said.contains("check that") || said.contains("name another path"), "{said}");
    }
}
