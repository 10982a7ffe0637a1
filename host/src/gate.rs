//! The gate: the library's front door. Opens a policy and everything under it, and runs calls.
//!
//! Not here: what happens to a call (`pipeline/`). The MCP server and the command line are thin callers of
//! this. Invariant: a gate exists only for a policy without errors whose writable grants reach nothing
//! that the host itself depends on.

use crate::call::{Arguments, CallMeta, Outcome, RunId, Suggestion};
use crate::catalog::{Cache, Catalog, CatalogError, Compiler, Loader, ToolCard};
use crate::ledger::{Disk, Ledger, LedgerError, LedgerOptions, NewRun, SystemDisk};
use crate::pipeline::{self, ProgressSink};
use crate::policy::{self, Diagnostics, Policy, RunFrom, SanitizeSettings};
use crate::sandbox::grants::fs::{OverlapError, Protected, refuse_overlapping, refuse_self_widening};
use crate::sandbox::{Admission, Sandbox, SandboxError};
use crate::sanitizer::{Bounds, Sanitizer};
use crate::schema::strict;
use crate::seams::Seams;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::OnceCell;

/// Bytes of the arguments of one call.
const ARGUMENTS_BYTES_MAX: usize = 4 << 20;
/// Nesting of the arguments of one call.
const ARGUMENTS_DEPTH_MAX: usize = 64;
/// Calls at once per core, unless the policy says otherwise.
const CONCURRENCY_PER_CORE: usize = 4;
/// Calls at once on any machine: each may reserve address space for 16 memories of 4 GiB.
const CONCURRENCY_MAX: usize = 1024;

/// Why a gate does not open.
#[derive(Debug, thiserror::Error)]
pub enum GateError {
    /// The policy file cannot be read.
    #[error("cannot read the policy {path}: {error}", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// The policy has errors.
    #[error("the policy {path} has errors", path = path.display())]
    Policy {
        /// The file.
        path: PathBuf,
        /// Its text, for underlining.
        text: String,
        /// What is wrong.
        diagnostics: Diagnostics,
    },
    /// A grant would let a tool change what decides about it, or breaks another grant's promise.
    #[error(transparent)]
    Overlap(#[from] OverlapError),
    /// `--locked`, and a component is not pinned or is another one.
    #[error("{0}")]
    Unlocked(String),
    /// A run identity that cannot be had.
    #[error("{0}")]
    RunIdentity(String),
    /// A component cannot be used.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// The ledger cannot be used.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The sandbox cannot start.
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
}

/// How to open a gate; [`Gate::open`] uses the defaults.
pub struct GateOptions {
    /// The run's name where the policy takes it from the command line.
    pub run_name: Option<String>,
    /// Refuse components that the policy does not pin.
    pub locked: bool,
    /// Where components are compiled.
    pub compiler: Compiler,
    /// The ledger's seam to the disk.
    pub disk: Arc<dyn Disk>,
    /// Time and entropy.
    pub seams: Seams,
}

impl Default for GateOptions {
    fn default() -> Self {
        Self {
            run_name: None,
            locked: false,
            compiler: Compiler::Thread,
            disk: Arc::new(SystemDisk),
            seams: Seams::system(),
        }
    }
}

/// An open gate. Clones share it.
#[derive(Clone)]
pub struct Gate(Arc<Host>);

/// Everything the pipeline reads.
pub(crate) struct Host {
    pub(crate) policy: Policy,
    pub(crate) catalog: Catalog,
    pub(crate) sandbox: Sandbox,
    pub(crate) admission: Admission,
    pub(crate) ledger: Ledger,
    pub(crate) sanitizer: Sanitizer,
    pub(crate) seams: Seams,
    run_name: Option<String>,
    own_run: OnceCell<RunId>,
}

impl Host {
    /// Caps of the arguments of one call.
    pub(crate) fn strict_caps(&self) -> strict::Caps {
        strict::Caps { bytes_max: ARGUMENTS_BYTES_MAX, depth_max: ARGUMENTS_DEPTH_MAX }
    }

    /// The run of a caller that names none, opened when it is first needed.
    pub(crate) async fn own_run(&self) -> Result<RunId, LedgerError> {
        self.own_run.get_or_try_init(|| self.open_run(self.run_name.clone(), None, None)).await.copied()
    }

    async fn open_run(
        &self,
        name: Option<String>,
        goal: Option<String>,
        context: Option<Value>,
    ) -> Result<RunId, LedgerError> {
        let run = NewRun {
            id: self.seams.run_id(),
            principal: self.policy.host.principal.clone(),
            name,
            policy_digest: self.policy.digest,
            goal,
            context,
            at_ms: self.seams.now_ms(),
        };
        self.ledger.open_run(run).await
    }
}

impl Gate {
    /// Opens the policy at `path` with the default options.
    ///
    /// # Errors
    /// Whatever keeps the gate shut; see [`GateError`].
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, GateError> {
        Self::open_with(path, GateOptions::default()).await
    }

    /// Opens the policy at `path`.
    ///
    /// # Errors
    /// As [`Gate::open`].
    pub async fn open_with(path: impl AsRef<Path>, options: GateOptions) -> Result<Self, GateError> {
        let (policy, base) = load_policy(path.as_ref())?;
        let (ledger_path, cache_path) = (base.join(&policy.host.ledger), base.join(&policy.host.cache));
        refuse_widening(&policy, path.as_ref(), &base)?;
        let run_name = run_name(&policy, options.run_name)?;

        let concurrency = policy.host.concurrency.unwrap_or_else(default_concurrency);
        let sandbox = Sandbox::open(concurrency)?;
        let sanitizer = Sanitizer::new(Bounds::from(&policy.sanitize));
        let cache = Cache::open(&cache_path, crate::sandbox::compatibility()?)?;
        let loader = Loader {
            sandbox: &sandbox,
            cache: Some(&cache),
            compiler: &options.compiler,
            sanitizer: &sanitizer,
            base: &base,
        };
        let catalog = loader.load(&policy).await?;
        if options.locked {
            refuse_unlocked(&policy, &catalog)?;
        }
        let ledger = LedgerOptions { path: ledger_path, disk: options.disk };
        let ledger = Ledger::open(ledger, options.seams.now_ms())?;
        Ok(Self(Arc::new(Host {
            admission: Admission::new(concurrency, policy.host.queue),
            policy,
            catalog,
            sandbox,
            ledger,
            sanitizer,
            seams: options.seams,
            run_name,
            own_run: OnceCell::new(),
        })))
    }

    /// The tools that clients see, by name. Texts are sanitized.
    pub fn tools(&self) -> impl Iterator<Item = &ToolCard> {
        self.0.catalog.tools().map(|tool| &tool.card)
    }

    /// Every tool that is not available because its component is not the one the policy names.
    pub fn changed_tools(&self) -> impl Iterator<Item = &str> {
        self.0.catalog.all_changed().keys().map(String::as_str)
    }

    /// Caps of the arguments of one call.
    pub fn strict_caps(&self) -> strict::Caps {
        self.0.strict_caps()
    }

    /// Opens a run of its own.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub async fn run(&self, options: RunOptions) -> Result<Run, GateError> {
        let id = self.0.open_run(options.name, options.goal, options.context.clone()).await?;
        Ok(Run { gate: self.clone(), id, context: options.context })
    }

    /// Runs one suggested call. It never fails otherwise than in its outcome; dropping the future cancels
    /// the call and records that.
    pub async fn call(&self, suggestion: Suggestion, progress: Option<ProgressSink>) -> Outcome {
        pipeline::run(&self.0, suggestion, progress).await
    }

    /// Ends what the gate holds: waits for the ledger to be synced and lets go of it.
    ///
    /// # Errors
    /// When the last sync fails.
    pub async fn close(self) -> Result<(), GateError> {
        Ok(self.0.ledger.clone().close().await?)
    }
}

/// How a run is opened.
#[derive(Debug, Clone, Default)]
pub struct RunOptions {
    /// The run that belongs to this name, or a new one.
    pub name: Option<String>,
    /// What the agent is after.
    pub goal: Option<String>,
    /// Context keys for every call of the run.
    pub context: Option<Value>,
}

/// One agent task.
#[derive(Clone)]
pub struct Run {
    gate: Gate,
    id: RunId,
    context: Option<Value>,
}

impl Run {
    /// The run's id.
    pub fn id(&self) -> RunId {
        self.id
    }

    /// Calls a tool. Calls of one run may overlap.
    pub async fn call(&self, tool: &str, arguments: impl Into<Arguments>) -> Outcome {
        self.call_with(tool, arguments, CallMeta::default()).await
    }

    /// Calls a tool, with an idempotency key, a thought or whatever else goes beside.
    pub async fn call_with(
        &self,
        tool: &str,
        arguments: impl Into<Arguments>,
        mut meta: CallMeta,
    ) -> Outcome {
        meta.context = meta.context.or_else(|| self.context.clone());
        let suggestion = Suggestion {
            run: Some(self.id.to_string()),
            tool: tool.to_owned(),
            arguments: arguments.into(),
            meta,
        };
        self.gate.call(suggestion, None).await
    }
}

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
/// When it cannot be read as UTF-8 text.
pub fn read_policy(path: &Path) -> std::io::Result<String> {
    use std::io::Read;
    let mut text = String::new();
    let file = std::fs::File::open(path)?;
    if !file.metadata()?.is_file() {
        return Err(std::io::Error::other("not a regular file"));
    }
    file.take(policy::POLICY_BYTES_MAX as u64 + 1).read_to_string(&mut text)?;
    Ok(text)
}

/// DESIGN's rule: no writable grant may contain, or reach by a link, what the host depends on.
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
        Protected { what: "the cache's key", path: cache.with_extension("key") },
        Protected { what: "the compiled cache", path: cache },
    ];
    protected.extend(
        policy.tools.values().map(|tool| Protected { what: "a component", path: base.join(&tool.component) }),
    );
    refuse_self_widening(&grants, &protected, base)?;
    Ok(refuse_overlapping(&grants, base)?)
}

fn refuse_unlocked(policy: &Policy, catalog: &Catalog) -> Result<(), GateError> {
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

fn run_name(policy: &Policy, given: Option<String>) -> Result<Option<String>, GateError> {
    match &policy.run.from {
        _ if given.is_some() => Ok(given),
        RunFrom::Process => Ok(None),
        RunFrom::Name => match &policy.run.name {
            Some(name) => Ok(Some(name.clone())),
            None => Err(GateError::RunIdentity(
                "run.from is \"name\": give `--run NAME`, or set run.name in the policy".to_owned(),
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

impl From<&SanitizeSettings> for Bounds {
    fn from(settings: &SanitizeSettings) -> Self {
        let size = |bytes: u64| usize::try_from(bytes).unwrap_or(usize::MAX);
        Self {
            string_bytes_max: size(settings.string_bytes_max),
            total_bytes_max: size(settings.text_bytes_max),
            depth_max: settings.depth_max as usize,
            ..Self::default()
        }
    }
}

fn default_concurrency() -> usize {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
    cores.saturating_mul(CONCURRENCY_PER_CORE).min(CONCURRENCY_MAX)
}
