//! Whether the ledger may still be used: the first failure is kept, and everything after it is refused.
//!
//! Invariant: once broken, always broken; only opening the ledger again makes a new one.

use super::error::LedgerError;
use std::fmt::Display;
use std::sync::{Arc, OnceLock};

/// Shared by everything that can fail and everything that must stop then.
#[derive(Clone, Default)]
pub(super) struct Health(Arc<OnceLock<LedgerError>>);

impl Health {
    /// The error to refuse with, if there is one.
    pub(super) fn check(&self) -> Result<(), LedgerError> {
        self.0.get().map_or(Ok(()), |error| Err(error.clone()))
    }

    /// Keeps the first failure and gives it back.
    pub(super) fn fail(&self, cause: impl Display) -> LedgerError {
        self.keep(LedgerError::Unavailable { cause: cause.to_string() })
    }

    /// Keeps an error that is already in its words.
    pub(super) fn keep(&self, error: LedgerError) -> LedgerError {
        self.0.get_or_init(|| error).clone()
    }

    /// Refuses from now on because the ledger was closed.
    pub(super) fn close(&self) {
        self.0.get_or_init(|| LedgerError::Closed);
    }
}
