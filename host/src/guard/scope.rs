//! Scopes: what the guards keep a state for, each under a key of its own.
//!
//! Not here: the states. Invariant: different scopes have different keys.

use crate::call::RunId;

/// Whose state it is; one JSON text each in a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// One run: budgets, repetition, course.
    Run(RunId),
    /// One tool, by name: breaker, rate, retry budget.
    Tool(String),
    /// One principal, by name: the rolling hour and day.
    Principal(String),
}

impl Scope {
    /// The key it is stored under: `run:run_…`, `tool:NAME` or `principal:NAME`.
    pub fn key(&self) -> String {
        match self {
            Self::Run(run) => format!("run:{run}"),
            Self::Tool(name) => format!("tool:{name}"),
            Self::Principal(name) => format!("principal:{name}"),
        }
    }
}
