//! Whether the files that a host writes are still those that bear the ledger's names.
//!
//! A file that was removed, moved or replaced takes every write as before, and nobody will ever read it. Not here: when to
//! look (`ledger/sync`). Invariant: nobody deletes or replaces these files while a host has the ledger open, not SQLite
//! and not another host, so what is found changed is always somebody's mistake.

use super::{Place, files};
use crate::ledger::error::LedgerError;
use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;

/// The files of an open ledger: the database, its log, the log's index, and the lock that says that the host lives.
pub(in crate::ledger) struct OpenFiles {
    ledger: PathBuf,
    known: Vec<(PathBuf, (u64, u64))>,
}

impl OpenFiles {
    /// Remembers which they are.
    pub(in crate::ledger) fn of(place: &Place, host: u64) -> Result<Self, LedgerError> {
        let paths = [
            place.path().to_owned(),
            place.beside("-wal"),
            place.beside("-shm"),
            files::lock_path(place, host),
        ];
        let mut known = Vec::with_capacity(paths.len());
        for path in paths {
            let found = fs::metadata(&path).map_err(|error| place.open_error(&error))?;
            known.push((path, files::number(&found)));
        }
        Ok(Self { ledger: place.path().to_owned(), known })
    }

    /// Looks at each name.
    pub(in crate::ledger) fn look(&self) -> Result<(), LedgerError> {
        for (path, number) in &self.known {
            let why = match fs::metadata(path) {
                Ok(found) if files::number(&found) == *number => continue,
                Ok(_) => "another file has its name".to_owned(),
                Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                    error.to_string()
                }
                // That it cannot be looked at does not say that it is gone.
                Err(_) => continue,
            };
            let cause = format!(
                "{} was removed, moved or replaced while this host wrote it ({}: {why}): put back the file and those \
                 beside it, or begin a new ledger where nothing is left of it, and restart the host",
                self.ledger.display(),
                path.display()
            );
            return Err(LedgerError::Unavailable { cause });
        }
        Ok(())
    }
}
