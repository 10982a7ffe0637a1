//! The board: the state of every run, tool and principal in memory, folded from the ledger's events.
//!
//! How a host keeps it, so that nothing is forgotten or taken twice:
//!
//! - Every record is applied, in the order of its number (from 1), and before it whatever [`Board::missing_for`]
//!   names is inserted, as it lies in the store: its snapshot, or `None`.
//! - What [`Board::take_changed`] gives is stored in one transaction, with the number of the newest record applied.
//!   No snapshot overwrites one that is as of a later record (another host's).
//! - A new board begins after that number: every scope that is not in memory is then as in the store.
//!
//! Each scope keeps the number of the record it is as of and takes none twice. Not here: reading and writing.
//! Invariant: folding all records, or what is stored and the records after it, gives the same state.

use super::event::{Event, Kind, Opened, Refused, Steer};
use super::run::RunState;
use super::scope::Scope;
use super::spend::PrincipalState;
use super::tool::ToolState;
use crate::call::{CallId, Lineage, RunId};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::HashMap;

/// A scope's state in memory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Kept<S> {
    /// The last record that touched it.
    as_of: u64,
    /// It is not as in its snapshot.
    changed: bool,
    state: S,
}

/// All that the guards know and have loaded.
#[derive(Debug, Clone, Default)]
pub struct Board {
    runs: HashMap<RunId, Kept<RunState>>,
    tools: HashMap<String, Kept<ToolState>>,
    principals: HashMap<String, Kept<PrincipalState>>,
    /// The tool of every call that runs; made from the tools' states.
    calls: HashMap<CallId, String>,
}

impl Board {
    /// A board that knows nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// The next scope that must be in memory before an ask of `run` on `tool`: [`insert`](Self::insert) it as it
    /// lies in the store, and ask again until there is none.
    pub fn missing(&self, run: RunId, tool: Option<&str>) -> Option<Scope> {
        let mut next = Some(run);
        for _ in 0..Lineage::RUNS_MAX {
            let Some(run) = next else { break };
            let Some(kept) = self.runs.get(&run) else { return Some(Scope::Run(run)) };
            next = kept.state.parent;
        }
        let principal = self.run(run).and_then(|state| state.principal.as_ref());
        if let Some(name) = principal.filter(|name| !self.principals.contains_key(*name)) {
            return Some(Scope::Principal(name.clone()));
        }
        tool.filter(|name| !self.tools.contains_key(*name)).map(|name| Scope::Tool(name.to_owned()))
    }

    /// The next scope that must be in memory before `event` is applied; an event leaves out what is not.
    pub fn missing_for(&self, event: &Event) -> Option<Scope> {
        let of_call = |call: &CallId| {
            let tool = self.run(event.run).and_then(|state| state.in_flight.get(call));
            tool.map(|flight| flight.tool.as_str())
        };
        let missing = self.missing(event.run, None);
        missing.or_else(|| match &event.kind {
            Kind::Admitted(admitted) => self.missing(event.run, Some(&admitted.tool)),
            Kind::Retried { call, .. } => self.missing(event.run, of_call(call)),
            Kind::Ended(ended) => self.missing(event.run, of_call(&ended.call)),
            Kind::Opened(Opened { parent: Some(parent), .. }) => self.missing(*parent, None),
            Kind::Refused(refused) => self.missing(event.run, refused.tool.as_deref()),
            Kind::Opened(_) | Kind::Steered(_) => None,
        })
    }

    /// Puts a scope in memory: its snapshot with the number of the record it is as of, or `None` when there is
    /// none. Replaces what is there.
    ///
    /// # Errors
    /// The text is no snapshot of such a scope; then nothing changes, and the caller folds from the first record.
    pub fn insert(&mut self, scope: Scope, snapshot: Option<(u64, &str)>) -> Result<(), serde_json::Error> {
        match scope {
            Scope::Run(run) => drop(self.runs.insert(run, Kept::read(snapshot)?)),
            Scope::Principal(name) => drop(self.principals.insert(name, Kept::read(snapshot)?)),
            Scope::Tool(name) => {
                let kept: Kept<ToolState> = Kept::read(snapshot)?;
                self.calls.retain(|_, tool| *tool != name);
                self.calls.extend(kept.state.breaker.running().map(|call| (call, name.clone())));
                self.tools.insert(name, kept);
            }
        }
        Ok(())
    }

    /// Takes an event into every scope that it touches, is in memory and has not seen it.
    pub fn apply(&mut self, event: &Event) {
        self.apply_to_runs(event);
        self.apply_to_principal(event);
        self.apply_to_tool(event);
    }

    /// The scopes that changed since the last time this was called, each with the number of the record it is as of
    /// and its state as one JSON text.
    ///
    /// # Errors
    /// None in practice: every state can be written as JSON.
    pub fn take_changed(&mut self) -> Result<Vec<(Scope, u64, String)>, serde_json::Error> {
        let mut changed = Vec::new();
        for (run, kept) in &mut self.runs {
            kept.take(&mut changed, || Scope::Run(*run))?;
        }
        for (name, kept) in &mut self.tools {
            kept.take(&mut changed, || Scope::Tool(name.clone()))?;
        }
        for (name, kept) in &mut self.principals {
            kept.take(&mut changed, || Scope::Principal(name.clone()))?;
        }
        Ok(changed)
    }

    /// How many scopes are in memory.
    pub fn len(&self) -> usize {
        self.runs.len() + self.tools.len() + self.principals.len()
    }

    /// Whether no scope is in memory.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Drops every scope that is as in its snapshot; it will be missed when it is needed again.
    pub fn forget(&mut self) {
        self.runs.retain(|_, kept| kept.changed);
        self.principals.retain(|_, kept| kept.changed);
        self.tools.retain(|_, kept| kept.changed);
        self.calls.retain(|_, tool| self.tools.contains_key(tool));
    }

    /// The run's state.
    pub(super) fn run(&self, run: RunId) -> Option<&RunState> {
        self.runs.get(&run).map(|kept| &kept.state)
    }

    /// The tool's state.
    pub(super) fn tool(&self, name: &str) -> Option<&ToolState> {
        self.tools.get(name).map(|kept| &kept.state)
    }

    /// The principal's state.
    pub(super) fn principal(&self, name: &str) -> Option<&PrincipalState> {
        self.principals.get(name).map(|kept| &kept.state)
    }

    /// The run and its ancestors, as far as they are in memory; empty for a run that was not opened.
    pub(super) fn lineage(&self, run: RunId) -> Vec<(RunId, &RunState)> {
        let mut lineage = Vec::with_capacity(4);
        let mut next = Some(run);
        while let Some(run) = next.filter(|_| lineage.len() < Lineage::RUNS_MAX) {
            let Some(state) = self.run(run).filter(|state| state.principal.is_some()) else { break };
            lineage.push((run, state));
            next = state.parent;
        }
        lineage
    }

    /// Marks every scope as changed.
    #[cfg(test)]
    pub(super) fn touch_all(&mut self) {
        self.runs.values_mut().for_each(|kept| kept.changed = true);
        self.tools.values_mut().for_each(|kept| kept.changed = true);
        self.principals.values_mut().for_each(|kept| kept.changed = true);
    }

    fn apply_to_runs(&mut self, event: &Event) {
        let mut next = Some(event.run);
        for _ in 0..Lineage::RUNS_MAX {
            let Some(run) = next else { break };
            let Some(kept) = self.runs.get_mut(&run) else { break };
            let own = run == event.run;
            if kept.state.takes(event, own) {
                kept.fold(event.seq, |state| state.apply(event, own));
            }
            next = kept.state.parent;
        }
    }

    fn apply_to_principal(&mut self, event: &Event) {
        let principal = self.runs.get(&event.run).and_then(|kept| kept.state.principal.as_deref());
        let Some(kept) = principal.and_then(|name| self.principals.get_mut(name)) else { return };
        match &event.kind {
            Kind::Admitted(admitted) => kept.fold(event.seq, |state| state.admitted(event.at_ms, admitted)),
            Kind::Ended(ended) => kept.fold(event.seq, |state| state.ended(event.at_ms, ended)),
            // Nothing that counts, but where the clock was set back, it is seen here.
            Kind::Retried { .. } | Kind::Refused(_) | Kind::Steered(_) if kept.state.minds(event.at_ms) => {
                kept.fold(event.seq, |state| state.pass(event.at_ms))
            }
            Kind::Opened(_) | Kind::Retried { .. } | Kind::Refused(_) | Kind::Steered(_) => false,
        };
    }

    fn apply_to_tool(&mut self, event: &Event) {
        match &event.kind {
            Kind::Admitted(admitted) => {
                let Some(kept) = self.tools.get_mut(&admitted.tool) else { return };
                if kept.fold(event.seq, |state| state.admitted(event.at_ms, admitted)) {
                    self.calls.insert(admitted.call, admitted.tool.clone());
                }
            }
            Kind::Retried { call, slow_ms } => {
                let Some(kept) = self.calls.get(call).and_then(|name| self.tools.get_mut(name)) else {
                    return;
                };
                kept.fold(event.seq, |state| state.retried(event.at_ms, *slow_ms));
            }
            Kind::Ended(ended) => {
                let Some(name) = self.calls.get(&ended.call) else { return };
                let Some(kept) = self.tools.get_mut(name) else { return };
                if kept.fold(event.seq, |state| state.ended(event.at_ms, ended)) {
                    self.calls.remove(&ended.call);
                }
            }
            Kind::Refused(Refused { tool: Some(name), .. }) => {
                let Some(kept) = self.tools.get_mut(name) else { return };
                if kept.state.is_ahead(event.at_ms) {
                    kept.fold(event.seq, |state| state.pass(event.at_ms));
                }
            }
            Kind::Opened(_) | Kind::Refused(_) | Kind::Steered(_) => {}
        }
    }
}

impl RunState {
    /// Whether an event of this run, or of a descendant, changes its state.
    fn takes(&self, event: &Event, own: bool) -> bool {
        match &event.kind {
            Kind::Admitted(_) | Kind::Ended(_) | Kind::Refused(_) | Kind::Steered(Steer::Tokens(_)) => true,
            Kind::Opened(_) | Kind::Steered(_) => own,
            Kind::Retried { .. } => false,
        }
    }

    fn apply(&mut self, event: &Event, own: bool) {
        self.pass(event.at_ms);
        match &event.kind {
            Kind::Opened(opened) => self.opened(event.at_ms, opened),
            Kind::Admitted(admitted) => self.admitted(event.at_ms, admitted, own),
            Kind::Ended(ended) => self.ended(event.run, ended, own),
            Kind::Refused(refused) => self.refused(refused, own),
            Kind::Steered(Steer::Tokens(tokens)) => self.tokens.tell(event.run, *tokens),
            Kind::Steered(steer) => self.steered(event.at_ms, steer),
            Kind::Retried { .. } => {}
        }
    }
}

impl<S: Serialize + DeserializeOwned + Default> Kept<S> {
    fn read(snapshot: Option<(u64, &str)>) -> Result<Self, serde_json::Error> {
        match snapshot {
            None => Ok(Self::default()),
            Some((as_of, text)) => Ok(Self { as_of, changed: false, state: serde_json::from_str(text)? }),
        }
    }

    /// Takes a record unless it has it already; whether it did.
    fn fold(&mut self, seq: u64, change: impl FnOnce(&mut S)) -> bool {
        if seq <= self.as_of {
            return false;
        }
        change(&mut self.state);
        self.as_of = seq;
        self.changed = true;
        true
    }

    fn take(
        &mut self,
        changed: &mut Vec<(Scope, u64, String)>,
        scope: impl FnOnce() -> Scope,
    ) -> Result<(), serde_json::Error> {
        if self.changed {
            changed.push((scope(), self.as_of, serde_json::to_string(&self.state)?));
            self.changed = false;
        }
        Ok(())
    }
}
