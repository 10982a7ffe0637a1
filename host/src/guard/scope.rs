//! Scopes: what the guards keep a state for, each under a key of its own.
//!
//! Not here: the states. Invariant: a key reads back as its scope, and different scopes have different keys.

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

    /// Reads a key back; `None` when it is none.
    pub fn parse(key: &str) -> Option<Self> {
        let (kind, name) = key.split_once(':')?;
        match kind {
            "run" => name.parse().ok().map(Self::Run),
            "tool" => Some(Self::Tool(name.to_owned())),
            "principal" => Some(Self::Principal(name.to_owned())),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scope_reads_back_from_its_key() {
        let names = [Scope::Tool("a:b".to_owned()), Scope::Principal(String::new())];
        for scope in names.into_iter().chain([Scope::Run(RunId::new(7, [1; 10]))]) {
            assert_eq!(Scope::parse(&scope.key()), Some(scope));
        }
    }

    #[test]
    fn other_keys_are_no_scope() {
        for key in ["", "run", "run:x", "call:y"] {
            assert_eq!(Scope::parse(key), None, "{key}");
        }
    }
}
