//! What goes wrong in a command, how it is said, and with which exit code.

use super::{Console, USAGE, diagnostic};
use std::fmt::Display;
use toolgate::GateError;
use toolgate::catalog::CatalogError;
use toolgate::ledger::LedgerError;
use toolgate::mcp::ServeError;

/// The end of a command that could not do its work.
#[derive(Debug)]
pub(super) enum CliError {
    /// The command was used wrongly; the sentence says how to use it.
    Usage(String),
    /// The gate does not open.
    Gate(Box<GateError>),
    /// The ledger cannot be read.
    Ledger(LedgerError),
    /// A stream, a file or a thread failed.
    Io(std::io::Error),
}

/// The host failed.
const HOST_ERROR: u8 = 1;

impl CliError {
    /// Says it on stderr and gives the exit code.
    pub(super) fn report(self, console: &mut Console) -> u8 {
        match self {
            Self::Usage(sentence) => {
                console.note(format!("error: {sentence}"));
                USAGE
            }
            Self::Gate(error) => report_gate(*error, console),
            Self::Ledger(error) => {
                console.note(format!("error: {error}"));
                HOST_ERROR
            }
            // The reader went away (`toolgate runs | head`): there is nothing to say, and nobody to hear it.
            Self::Io(error) if error.kind() == std::io::ErrorKind::BrokenPipe => 0,
            Self::Io(error) => {
                console.note(format!("error: {error}"));
                HOST_ERROR
            }
        }
    }
}

/// Says beside an answer that stands that its ledger was not closed in order.
pub(super) fn note_unclosed(error: Option<impl Display>, console: &mut Console) {
    if let Some(error) = error {
        console.note(format!(
            "warning: the ledger did not close in order; what is said above is on it: {error}"
        ));
    }
}

fn report_gate(error: GateError, console: &mut Console) -> u8 {
    match &error {
        GateError::Policy { path, text, diagnostics } => {
            console.note(diagnostic::render(&path.display().to_string(), text, diagnostics));
            USAGE
        }
        GateError::Read { error: cause, .. } if cause.kind() == std::io::ErrorKind::NotFound => {
            console.note(format!("error: {error}; `--policy FILE` or TOOLGATE_POLICY names another"));
            USAGE
        }
        GateError::Ledger(_) | GateError::Control(_) | GateError::Sandbox(_) => {
            console.note(format!("error: {error}"));
            HOST_ERROR
        }
        GateError::Catalog(cause) if cause.is_the_hosts() => {
            console.note(format!("error: {error}"));
            HOST_ERROR
        }
        _ => {
            console.note(format!("error: {error}"));
            USAGE
        }
    }
}

impl From<GateError> for CliError {
    fn from(error: GateError) -> Self {
        Self::Gate(Box::new(error))
    }
}

impl From<CatalogError> for CliError {
    fn from(error: CatalogError) -> Self {
        Self::Gate(Box::new(error.into()))
    }
}

impl From<LedgerError> for CliError {
    fn from(error: LedgerError) -> Self {
        Self::Ledger(error)
    }
}

impl From<ServeError> for CliError {
    fn from(error: ServeError) -> Self {
        Self::Io(std::io::Error::other(error))
    }
}

impl From<std::io::Error> for CliError {
    fn from(error: std::io::Error) -> Self {
        Self::Io(error)
    }
}
