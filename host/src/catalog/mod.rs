//! The catalog: the components a policy names, loaded; their tools, schemas and digests.
//!
//! Not here: whether a tool may be called (policy), running one (sandbox). Invariant: every text that a
//! component wrote about itself passed the sanitizer before it stands here, and a component whose bytes
//! are not the ones the policy names is never compiled or loaded.

mod cache;
mod caps;
mod compile;
mod component;
mod load;
mod section;
mod tool;

pub use cache::{Cache, Entry};
pub use compile::{Compiler, WORKER_COMMAND, worker};
pub use component::{COMPONENT_BYTES_MAX, Inspection, digest, inspect, inspect_file, read};
pub use load::{Loader, declared_output, definitions};
pub use section::{Declared, NAME as SECTION_NAME, embed};
pub use tool::{Tool, ToolCard};

use crate::sandbox::SandboxError;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The tools of one host, by name.
#[derive(Default)]
pub struct Catalog {
    tools: BTreeMap<String, Arc<Tool>>,
    changed: BTreeMap<String, Changed>,
}

/// A tool that is not loaded because its component is not the one the policy names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// The digest that the policy names, in hex.
    pub named: String,
    /// The digest of the file, in hex.
    pub found: String,
}

impl Catalog {
    /// The tool of this name.
    pub fn tool(&self, name: &str) -> Option<&Arc<Tool>> {
        self.tools.get(name)
    }

    /// Set when the tool exists in the policy and its component is another one.
    pub fn changed(&self, name: &str) -> Option<&Changed> {
        self.changed.get(name)
    }

    /// Every loaded tool, by name.
    pub fn tools(&self) -> impl Iterator<Item = &Arc<Tool>> {
        self.tools.values()
    }

    /// Every name that was not loaded, and why.
    pub fn all_changed(&self) -> &BTreeMap<String, Changed> {
        &self.changed
    }
}

/// What goes wrong with a component before it can run.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// The file cannot be read.
    #[error("cannot read the component {path}: {error}; run `toolgate build`, or correct `component`", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// The file is past the size cap.
    #[error("the component {path} is over {max} MiB; build it with `toolgate build`, which optimizes for size", path = path.display(), max = COMPONENT_BYTES_MAX >> 20)]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// The bytes are something else.
    #[error("not a WebAssembly component: {0}")]
    NotComponent(String),
    /// A structural cap.
    #[error("the component is refused: it has more than {max} {what}")]
    Bomb {
        /// Of what.
        what: &'static str,
        /// The cap.
        max: usize,
    },
    /// The custom section is damaged.
    #[error(
        "the section `toolgate:tools` cannot be used: {0}; build the component again with `toolgate build`"
    )]
    Section(String),
    /// Imports that this host does not have.
    #[error("the component imports what this host does not have: {0}")]
    ForbiddenImports(String),
    /// The component says one thing in its section and another when asked.
    #[error(
        "the component's section `toolgate:tools` and its definitions() disagree; build it again with `toolgate build`"
    )]
    Mismatch,
    /// A tool's own description of itself cannot be used.
    #[error("the tool `{tool}` is refused: {why}")]
    BadTool {
        /// The tool, sanitized.
        tool: String,
        /// One sentence.
        why: String,
    },
    /// The policy names a tool that the component does not have.
    #[error("the component {path} has no tool `{tool}`; it has {has}", path = path.display())]
    NoSuchTool {
        /// The file.
        path: PathBuf,
        /// The name in the policy.
        tool: String,
        /// The names it has.
        has: String,
    },
    /// A grant cannot be opened.
    #[error("the grants of the tool `{tool}` cannot be used: {why}")]
    Grant {
        /// The tool.
        tool: String,
        /// One sentence.
        why: String,
    },
    /// The cache cannot be used.
    #[error("cannot use the compiled cache at {path}: {error}", path = path.display())]
    Cache {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// The compile worker failed.
    #[error("compiling failed: {0}")]
    Worker(String),
    /// The sandbox refused it.
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
    /// Any of these, with the component that it is about.
    #[error("the component {path}{of} cannot be used: {error}{help}", path = path.display(), of = of_tool(tool.as_deref()), help = what_helps(tool.is_some()))]
    Component {
        /// The file.
        path: PathBuf,
        /// The tool for which a policy names it.
        tool: Option<String>,
        /// Why.
        error: Box<CatalogError>,
    },
}

impl CatalogError {
    /// The same, said of the component at `path`, which serves `tool` where a policy names it.
    #[must_use]
    pub fn of(self, path: &Path, tool: Option<&str>) -> Self {
        match self {
            Self::Read { .. } | Self::TooLarge { .. } | Self::NoSuchTool { .. } | Self::Component { .. } => {
                self
            }
            error => Self::Component {
                path: path.to_owned(),
                tool: tool.map(str::to_owned),
                error: Box::new(error),
            },
        }
    }

    /// Whether this host failed, and not the component or the policy.
    pub fn is_the_hosts(&self) -> bool {
        match self {
            Self::Cache { .. } | Self::Worker(_) => true,
            Self::Component { error, .. } => error.is_the_hosts(),
            _ => false,
        }
    }
}

fn of_tool(tool: Option<&str>) -> String {
    tool.map_or_else(String::new, |tool| format!(" of tools.{tool}"))
}

/// A policy can name another one; whoever names the file itself knows what to do from why.
fn what_helps(in_policy: bool) -> &'static str {
    if in_policy {
        "; correct `component` in the policy, or build it again with `toolgate build`"
    } else {
        ""
    }
}
