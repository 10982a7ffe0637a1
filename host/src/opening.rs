//! Reading a policy and refusing what must not be opened: what a gate and the commands around it share.
//!
//! Not here: what a policy means (`policy/`). Invariant: nothing is opened for a policy with errors, nor for one
//! whose writable grants reach what the host itself depends on.

use crate::catalog::Catalog;
use crate::control::path_beside;
use crate::gate::GateError;
use crate::policy::{self, Policy, RunFrom};
use crate::sandbox::grants::fs::{Protected, refuse_overlapping, refuse_self_widening};
use std::io::{Error, ErrorKind, Read};
use std::path::{Path, PathBuf};

pub use crate::regular::open_regular;

/// Bytes read of a policy. One character past the cap, so that one that is cut there leaves more than the cap.
const READ_BYTES_MAX: usize = policy::POLICY_BYTES_MAX + 4;

/// Reads and compiles a policy; gives it with the folder that its relative paths start from.
///
/// # Errors
/// When it cannot be read or has errors.
pub fn load_policy(path: &Path) -> Result<(Policy, PathBuf), GateError> {
    let read = |error| GateError::Read { path: path.to_owned(), error };
    let text = read_policy(path).map_err(read)?;
    let file = path.display().to_string();
    match policy::compile(&text, &file, &|name| std::env::var(name).ok()) {
        Ok(compiled) => {
            for warning in compiled.warnings.iter() {
                tracing::info!("{file}:{}: {}", warning.line, warning.message);
            }
            Ok((compiled.policy, base_of(path).map_err(read)?))
        }
        Err(diagnostics) => Err(GateError::Policy { path: path.to_owned(), text, diagnostics }),
    }
}

/// The folder of a policy file, absolute.
///
/// # Errors
/// When the file does not exist.
pub fn base_of(path: &Path) -> std::io::Result<PathBuf> {
    let path = std::path::absolute(path)?;
    Ok(path.parent().map_or_else(|| PathBuf::from("/"), Path::to_path_buf))
}

/// Reads a policy file, a little past the policy's cap at most, so that the compiler can say so.
///
/// # Errors
/// When it cannot be read, is no regular file, or is not UTF-8.
pub fn read_policy(path: &Path) -> std::io::Result<String> {
    let mut bytes = Vec::new();
    open_regular(path)?.take(READ_BYTES_MAX as u64).read_to_end(&mut bytes)?;
    if bytes.len() == READ_BYTES_MAX
        && let Err(error) = std::str::from_utf8(&bytes)
        && error.error_len().is_none()
    {
        // The last character was cut by us.
        bytes.truncate(error.valid_up_to());
    }
    String::from_utf8(bytes).map_err(|error| {
        let before = error.as_bytes().get(..error.utf8_error().valid_up_to()).unwrap_or_default();
        let line = memchr::memchr_iter(b'\n', before).count() + 1;
        Error::new(ErrorKind::InvalidData, format!("line {line} is not UTF-8; save the file as UTF-8"))
    })
}

/// Refuses a writable grant that contains, or reaches by a link, what the host depends on.
///
/// # Errors
/// With the sentence that names the grant and the thing.
pub fn refuse_widening(policy: &Policy, path: &Path, base: &Path) -> Result<(), GateError> {
    let grants: Vec<_> = policy
        .tools
        .values()
        .flat_map(|tool| tool.grants.fs.iter().map(|grant| (tool.name.clone(), grant.clone())))
        .collect();
    let cache = base.join(&policy.host.cache);
    let mut protected = vec![
        Protected { what: "the policy", path: std::path::absolute(path).unwrap_or_else(|_| path.to_owned()) },
        Protected { what: "the ledger", path: base.join(&policy.host.ledger) },
        Protected { what: "the kill switch", path: path_beside(&base.join(&policy.host.ledger)) },
        Protected { what: "the cache's key", path: cache.with_extension("key") },
        Protected { what: "the compiled cache", path: cache },
    ];
    protected.extend(
        policy.tools.values().map(|tool| Protected { what: "a component", path: base.join(&tool.component) }),
    );
    refuse_self_widening(&grants, &protected, base)?;
    Ok(refuse_overlapping(&grants, base)?)
}

pub(crate) fn refuse_unlocked(policy: &Policy, catalog: &Catalog) -> Result<(), GateError> {
    let unpinned = policy.tools.values().find(|tool| tool.sha256.is_none()).map(|tool| &tool.name);
    if let Some(name) = unpinned {
        return Err(GateError::Unlocked(format!(
            "`--locked`, and tools.{name} has no sha256; `toolgate inspect` prints it"
        )));
    }
    match catalog.all_changed().iter().next() {
        Some((name, changed)) => Err(GateError::Unlocked(format!(
            "`--locked`, and tools.{name}.sha256 is {}, but its component hashes to {}",
            changed.named, changed.found
        ))),
        None => Ok(()),
    }
}

/// The name of the run of a client that names none.
pub(crate) fn run_name(policy: &Policy, given: Option<String>) -> Result<Option<String>, GateError> {
    match &policy.run.from {
        _ if given.is_some() => Ok(given),
        RunFrom::Process => Ok(None),
        RunFrom::Name => match &policy.run.name {
            Some(name) => Ok(Some(name.clone())),
            None => Err(GateError::RunIdentity(
                "run.from is \"name\": give `--run NAME` to `toolgate serve`, or set run.name in the policy"
                    .to_owned(),
            )),
        },
        RunFrom::Env(variable) => match std::env::var(variable) {
            Ok(name) if !name.is_empty() => Ok(Some(name)),
            _ => Err(GateError::RunIdentity(format!(
                "run.from is \"env:{variable}\": set {variable} to the run's name"
            ))),
        },
    }
}
