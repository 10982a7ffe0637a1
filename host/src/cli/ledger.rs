//! Which ledger a command reads: the one that a policy names, or a file.

use super::CliError;
use std::path::PathBuf;
use toolgate::ledger::{Ledger, LedgerReader};

/// Which ledger.
#[derive(Debug, clap::Args)]
pub(super) struct LedgerArg {
    /// The policy whose ledger is read.
    #[arg(long, short, value_name = "FILE", env = "TOOLGATE_POLICY", default_value = "toolgate.toml")]
    policy: PathBuf,
    /// A ledger file, instead of the policy's; it wins over `--policy` and `TOOLGATE_POLICY`.
    #[arg(long, value_name = "FILE")]
    ledger: Option<PathBuf>,
}

impl LedgerArg {
    /// The ledger of this policy.
    pub(super) fn of_policy(policy: PathBuf) -> Self {
        Self { policy, ledger: None }
    }

    /// The ledger's file.
    pub(super) fn path(&self) -> Result<PathBuf, CliError> {
        match &self.ledger {
            Some(path) => match path.parent() {
                // A misspelled path would make a ledger, or a kill switch, that no host knows.
                Some(folder) if !folder.as_os_str().is_empty() && !folder.is_dir() => {
                    let folder = folder.display();
                    Err(CliError::Usage(format!(
                        "there is no folder {folder}; name the ledger that hosts use"
                    )))
                }
                _ => Ok(path.clone()),
            },
            None => {
                let (policy, base) = toolgate::opening::load_policy(&self.policy)?;
                Ok(base.join(policy.host.ledger))
            }
        }
    }

    /// The tools of the policy; `None` where a file is named instead.
    pub(super) fn tools(&self) -> Result<Option<Vec<String>>, CliError> {
        if self.ledger.is_some() {
            return Ok(None);
        }
        let (policy, _) = toolgate::opening::load_policy(&self.policy)?;
        Ok(Some(policy.tools.into_keys().collect()))
    }

    /// Opens it for reading, also while a host writes.
    pub(super) fn read(&self) -> Result<LedgerReader, CliError> {
        let path = self.path()?;
        if !path.exists() {
            let sentence = format!(
                "there is no ledger at {} yet; it is made by the first `toolgate serve`, `call` or `run start`",
                path.display()
            );
            return Err(CliError::Usage(sentence));
        }
        Ok(Ledger::read(&path)?)
    }
}
