//! What the ledger, the agent and the outside world must agree on, once nothing runs any more.
//!
//! Not here: how it came about. Invariant: the ledger is read by a reader of its own, and the effects are counted
//! where they were made, never from what the host says of them.

use super::STEPS;
use super::agent::{Agent, Answer, Request};
use super::effects::{self, Tool, Trace};
use crate::support::TestGate;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use toolgate::call::CallId;
use toolgate::ledger::{CallState, CallTrace};

/// Every call on a ledger.
pub(super) type Calls = BTreeMap<CallId, CallTrace>;

/// What was found; what must not be found has panicked before.
#[derive(Debug, Default)]
pub(super) struct Report {
    /// Answers that the agent read, each of them on the ledger.
    pub(super) answers: usize,
    /// Of those, the ones given again from the ledger.
    pub(super) recorded: usize,
    /// Of those, the ones refused because their call is in doubt.
    pub(super) doubted: usize,
    /// Of those, the ones refused because the run has no steps left.
    pub(super) exhausted: usize,
    /// The most steps of a run.
    pub(super) steps_max: u64,
    /// Calls of `once`.
    pub(super) once: Count,
    /// Calls of `keyed`.
    pub(super) keyed: Count,
    /// Calls of `idempotent`.
    pub(super) idempotent: Count,
}

/// What became of one tool.
#[derive(Debug, Default)]
pub(super) struct Count {
    /// Requests that had their effect: executions, deduplicated by request.
    pub(super) effects: usize,
    /// Executions.
    pub(super) attempts: usize,
    /// Calls that the ledger has in doubt: started, and not known to have ended.
    pub(super) in_doubt: usize,
    /// Of those, the ones that had their effect.
    pub(super) happened: usize,
}

/// Looks through everything.
pub(super) fn audit(test: &TestGate, agent: &Agent) -> Report {
    let found = test.verified();
    assert_eq!(found.running, 0, "every started call has its ending: {found:#?}");
    let calls = calls(test);
    nothing_answered_is_lost(agent.answers(), &calls);
    let of = |tool: Tool| {
        let traces = effects::traces(test, tool);
        every_effect_has_its_intent(tool, &traces, &calls);
        no_effect_is_lost_or_repeated(tool, &traces, agent);
        count(tool, &traces, &calls)
    };
    let answers = |word: &str| agent.answers().iter().filter(|answer| answer.word == word).count();
    Report {
        answers: agent.answers().len(),
        recorded: agent.answers().iter().filter(|answer| answer.recorded).count(),
        doubted: answers("in_doubt"),
        exhausted: answers("budget_exhausted"),
        steps_max: no_budget_is_exceeded(test),
        once: of(Tool::Once),
        keyed: of(Tool::Keyed),
        idempotent: of(Tool::Idempotent),
    }
}

/// Every call of a ledger.
pub(super) fn calls(test: &TestGate) -> Calls {
    test.all_calls().into_iter().map(|call| (call.call, call)).collect()
}

/// What the agent has read is on the ledger, as it was told.
fn nothing_answered_is_lost(answers: &[Answer], calls: &Calls) {
    for answer in answers {
        let call = calls.get(&answer.call).unwrap_or_else(|| panic!("{answer:?} is not on the ledger"));
        let expected = match answer.word.as_str() {
            "completed" if answer.recorded => CallState::Recorded,
            "completed" => CallState::Completed,
            "in_doubt" | "budget_exhausted" => CallState::Refused,
            _ => panic!("no call of this workload ends so: {answer:?}, {call:#?}"),
        };
        assert_eq!(call.state, expected, "{answer:?}, {call:#?}");
        if expected == CallState::Refused {
            assert_eq!(call.reason.as_deref(), Some(answer.word.as_str()), "{call:#?}");
        }
    }
}

/// Whatever happened outside was written down before, as a call of this tool; and what completed happened.
pub(super) fn every_effect_has_its_intent(tool: Tool, traces: &[Trace], calls: &Calls) {
    let mut executed = BTreeSet::new();
    for trace in traces {
        assert!(executed.insert(trace.call), "one call had its effect twice: {trace:?}");
        let call = calls.get(&trace.call).unwrap_or_else(|| panic!("{trace:?} has no intent on the ledger"));
        assert_eq!(call.tool, tool.as_str(), "{trace:?}, {call:#?}");
        let started = matches!(call.state, CallState::Completed | CallState::InDoubt);
        assert!(started && call.effect.is_some(), "{trace:?}, {call:#?}");
    }
    for call in calls.values().filter(|call| call.tool == tool.as_str()) {
        let completed = call.state == CallState::Completed;
        assert!(!completed || executed.contains(&call.call), "it completed without its effect: {call:#?}");
    }
}

/// What the agent knows to be done was done, and no more often than its effect allows.
pub(super) fn no_effect_is_lost_or_repeated(tool: Tool, traces: &[Trace], agent: &Agent) {
    let mut executions: BTreeMap<&str, Vec<&Trace>> = BTreeMap::new();
    for trace in traces {
        executions.entry(&trace.text).or_default().push(trace);
    }
    let done: BTreeSet<u64> =
        agent.answers().iter().filter(|answer| answer.is_done()).map(|answer| answer.number).collect();
    for request in agent.requests().iter().filter(|request| request.tool == tool) {
        let executions = executions.remove(request.text().as_str()).unwrap_or_default();
        let lost = done.contains(&request.number) && executions.is_empty();
        assert!(!lost, "{request:?} was done, and nothing happened");
        assert!(!is_repeated(request, &executions), "{request:?} happened again: {executions:#?}");
    }
    assert!(executions.is_empty(), "nobody asked for it: {executions:#?}");
}

/// Whether the outside world, which knows a request by its key where the tool is `keyed`, saw two of it.
fn is_repeated(request: &Request, executions: &[&Trace]) -> bool {
    match request.tool {
        Tool::Once => executions.len() > 1,
        Tool::Keyed => {
            let key = request.key().map(|key| format!("client:{key}"));
            executions.iter().any(|trace| Some(&trace.key) != key.as_ref())
        }
        Tool::Echo | Tool::Idempotent => false,
    }
}

/// The most that any run has spent.
fn no_budget_is_exceeded(test: &TestGate) -> u64 {
    let runs = test.reader().runs().expect("a readable ledger");
    let steps = |run| test.calls(run).iter().filter(|call| call.effect.is_some()).count() as u64;
    let most = runs.into_iter().map(|run| steps(run.run)).max().unwrap_or(0);
    assert!(most <= STEPS, "a run has {most} steps of {STEPS}");
    most
}

fn count(tool: Tool, traces: &[Trace], calls: &Calls) -> Count {
    let executed: BTreeSet<CallId> = traces.iter().map(|trace| trace.call).collect();
    let requests: BTreeSet<&str> = traces.iter().map(|trace| trace.text.as_str()).collect();
    let in_doubt: Vec<&CallTrace> = calls
        .values()
        .filter(|call| call.tool == tool.as_str() && call.state == CallState::InDoubt)
        .collect();
    Count {
        effects: requests.len(),
        attempts: traces.len(),
        in_doubt: in_doubt.len(),
        happened: in_doubt.iter().filter(|call| executed.contains(&call.call)).count(),
    }
}

impl Report {
    /// Of many kills: that they met what they were meant to meet.
    pub(super) fn assert_shows_something(&self) {
        assert!(self.once.in_doubt > 0 && self.doubted > 0, "no kill ever met a running effect: {self:#?}");
        assert!(self.keyed.attempts > self.keyed.effects, "no keyed call was ever repeated: {self:#?}");
        assert!(self.recorded > 0, "nothing was ever answered from the ledger: {self:#?}");
        assert!(self.exhausted > 0 && self.steps_max == STEPS, "no budget was ever reached: {self:#?}");
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { answers, recorded, doubted, exhausted, steps_max, once, keyed, idempotent } = self;
        writeln!(f, "  {answers} answers, 0 lost; {recorded} of them from the ledger")?;
        for (name, count) in [("once", once), ("keyed", keyed), ("idempotent", idempotent)] {
            let Count { effects, attempts, in_doubt, happened } = count;
            let repeated = if name == "idempotent" { "same end state" } else { "0 duplicates" };
            writeln!(
                f,
                "  {name}: {effects} effects in {attempts} attempts, {repeated}; {in_doubt} calls in doubt, \
                 of which {happened} had happened"
            )?;
        }
        write!(
            f,
            "  {doubted} ambiguous outcomes told to the agent; {exhausted} calls refused by the budget, \
             {steps_max} steps of {STEPS} at most"
        )
    }
}
