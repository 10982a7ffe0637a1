//! The gate: the library's front door. Opens a policy and everything under it, and runs calls.
//!
//! Not here: what happens to a call (`pipeline/`). The MCP server and the command line are thin callers of
//! this. Invariant: a gate exists only for a policy without errors whose writable grants reach nothing
//! that the host itself depends on.

use crate::call::{Lineage, Outcome, RunId, Suggestion};
use crate::catalog::{Cache, Catalog, CatalogError, Compiler, Loader, ToolCard};
use crate::control::{Control, ControlError, Killed, Target, count_in, path_beside};
use crate::guard::Standing;
use crate::ledger::{Disk, Ledger, LedgerError, LedgerOptions, NewRun, RunRow, SystemDisk};
use crate::opening::{load_policy, refuse_unlocked, refuse_widening, run_name};
use crate::pipeline::{self, ProgressSink};
use crate::policy::{Diagnostics, HostSettings, Policy, SanitizeSettings};
use crate::run::{Run, RunOptions};
use crate::sandbox::grants::fs::OverlapError;
use crate::sandbox::{Admission, Sandbox, SandboxError};
use crate::sanitizer::{Bounds, Sanitizer};
use crate::schema::strict;
use crate::seams::Seams;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::OnceCell;

/// Bytes of the arguments of one call.
const ARGUMENTS_BYTES_MAX: usize = 4 << 20;
/// Nesting of the arguments of one call.
const ARGUMENTS_DEPTH_MAX: usize = 64;
/// Calls at once per core, unless the policy says otherwise.
const CONCURRENCY_PER_CORE: usize = 4;

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
    /// The kill switch cannot be watched.
    #[error(transparent)]
    Control(#[from] ControlError),
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
    pub(crate) control: Control,
    pub(crate) sanitizer: Sanitizer,
    pub(crate) seams: Seams,
    own_tools: Vec<ToolCard>,
    run_name: Option<String>,
    own_run: OnceCell<RunRow>,
}

impl Host {
    /// Caps of the arguments of one call.
    pub(crate) fn strict_caps(&self) -> strict::Caps {
        strict::Caps { bytes_max: ARGUMENTS_BYTES_MAX, depth_max: ARGUMENTS_DEPTH_MAX }
    }

    /// The run of a caller that names none, opened when it is first needed.
    pub(crate) async fn own_run(&self) -> Result<&RunRow, LedgerError> {
        let options = RunOptions { name: self.run_name.clone(), ..RunOptions::default() };
        let open = || async {
            let run = self.open_run(&options).await?;
            self.find_run(run).await
        };
        self.own_run.get_or_try_init(open).await
    }

    /// A run of this principal.
    async fn find_run(&self, run: RunId) -> Result<RunRow, LedgerError> {
        let found = self.ledger.find_run(run, &self.policy.host.principal).await?;
        found.ok_or(LedgerError::UnknownRun(run))
    }

    /// Where a run stands, the kill switch counted in; in words for the agent.
    pub(crate) async fn standing(&self, run: RunId) -> Result<Standing, LedgerError> {
        let mut standing = self.run_standing(run).await?.ok_or(LedgerError::UnknownRun(run))?;
        let mut on = self.control.about(&self.find_run(run).await?.lineage);
        on.retain(|killed| match &killed.target {
            Target::Tool(tool) => self.catalog.tool(tool).is_some(),
            Target::Run(_) | Target::All => true,
        });
        count_in(&mut standing, &on, Killed::status_text);
        Ok(standing)
    }

    /// Whether the run or one above it is paused, halted or finished, or nobody can say.
    pub(crate) async fn stands(&self, lineage: &Lineage) -> bool {
        let standing = self.run_standing(lineage.run()).await;
        !matches!(standing, Ok(Some(standing)) if standing.stands.is_none())
    }

    /// Where a run stands on the ledger; `None` when there is no such run.
    pub(crate) async fn run_standing(&self, run: RunId) -> Result<Option<Standing>, LedgerError> {
        let (guards, spend) = (Arc::clone(&self.policy.run.guards), Arc::clone(&self.policy.spend));
        self.ledger.standing(run, guards, spend, self.seams.now_ms()).await
    }

    async fn open_run(&self, options: &RunOptions) -> Result<RunId, LedgerError> {
        let run = NewRun {
            id: self.seams.run_id(),
            principal: self.policy.host.principal.clone(),
            name: options.name.clone(),
            policy_digest: self.policy.digest,
            goal: options.goal.clone(),
            context: options.context.clone(),
            parent: options.parent,
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
        let control_path = path_beside(&ledger_path);
        let ledger = LedgerOptions { path: ledger_path, disk: options.disk };
        let ledger = Ledger::open(ledger, options.seams.now_ms())?;
        let control = Control::open(&control_path, options.seams.now_ms())?;
        Ok(Self(Arc::new(Host {
            admission: Admission::new(concurrency, policy.host.queue),
            policy,
            catalog,
            sandbox,
            ledger,
            control,
            sanitizer,
            seams: options.seams,
            own_tools: pipeline::own_tools(),
            run_name,
            own_run: OnceCell::new(),
        })))
    }

    /// The tools that clients see: the policy's by name, then the host's own. Texts are sanitized.
    pub fn tools(&self) -> impl Iterator<Item = &ToolCard> {
        self.0.catalog.tools().map(|tool| &tool.card).chain(&self.0.own_tools)
    }

    /// Every tool that is not available because its component is not the one the policy names.
    pub fn changed_tools(&self) -> impl Iterator<Item = &str> {
        self.0.catalog.all_changed().keys().map(String::as_str)
    }

    /// Caps of the arguments of one call.
    pub fn strict_caps(&self) -> strict::Caps {
        self.0.strict_caps()
    }

    /// Opens a run of its own, or finds the named one again.
    ///
    /// # Errors
    /// When the ledger cannot be written, or the parent is not a run of this principal.
    pub async fn run(&self, options: RunOptions) -> Result<Run, GateError> {
        let id = self.0.open_run(&options).await?;
        Ok(Run::new(self.clone(), id))
    }

    /// Goes on with a run, by its id; `None` when this principal has no such run.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub async fn resume(&self, id: RunId) -> Result<Option<Run>, GateError> {
        let found = self.0.ledger.find_run(id, &self.0.policy.host.principal).await?;
        Ok(found.map(|run| Run::new(self.clone(), run.id)))
    }

    /// What the pipeline reads.
    pub(crate) fn host(&self) -> &Host {
        &self.0
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
    cores.saturating_mul(CONCURRENCY_PER_CORE).min(HostSettings::CONCURRENCY_MAX)
}
