//! What is left when a life is over: nothing that runs, and nothing that is held for what no longer does.
//!
//! By then every call has its ending or, if its host died, its mark. So on no host's board, and not on the real ledger,
//! may a run have a call in flight or a hold, the principal hold money, a tool's breaker keep a probe's slot, a key its
//! call. Not here: what must hold after each record (`auditor.rs`). Invariant: it goes by what the guards answer.

use super::host::Bound;
use super::scenario::Tool;
use super::world::World;
use std::collections::BTreeSet;
use std::sync::Arc;
use toolgate::call::{CallId, RunId};
use toolgate::guard::event::{Fingerprint, Hold};
use toolgate::guard::settings::{RunGuards, SpendGuards, ToolGuards};
use toolgate::guard::{Amounts, Ask, GuardName, Standing, Why};

/// Beyond every window and wait.
const LATER_MS: u64 = 25 * 3_600_000;

impl World {
    pub(super) fn nothing_is_held(&mut self) {
        assert!(self.hosts.iter().all(|host| host.alive && host.running.is_empty()), "every host is back");
        let running = self.ledger.keys.iter().find(|(_, bound)| matches!(bound, Bound::Running(_)));
        assert_eq!(running, None, "a key is held by a call that has ended");
        self.auditor.nothing_runs();
        let stranger = self.open(0, None);
        let runs = self.auditor.runs();
        for host in 0..self.hosts.len() {
            runs.iter().for_each(|run| self.run_holds_nothing(host, *run));
            (0..self.scenario.tools.len()).for_each(|tool| self.tool_is_free(host, tool, stranger));
            self.agrees_with_its_twin(host, &BTreeSet::from([stranger]));
        }
    }

    /// What is left to the run is what it and its ancestors have not used. The real ledger said the same before.
    fn run_holds_nothing(&mut self, host: usize, run: RunId) {
        self.hosts[host].follow(&self.ledger, run, None);
        let (board, scenario) = (&self.hosts[host].board, &self.scenario);
        let standing = |run: &RunId| board.standing(*run, &scenario.run, &scenario.spend, self.now).unwrap();
        let lineage: Vec<Standing> = self.auditor.lineage(run).iter().map(standing).collect();
        assert_eq!(lineage[0].usage.in_flight, 0, "in flight in {run}");
        let least = |limit: Option<u64>, used: fn(&Amounts) -> u64| {
            let left = |standing: &Standing| limit.map(|limit| limit.saturating_sub(used(&standing.usage)));
            lineage.iter().filter_map(left).min()
        };
        let (left, budgets) = (&lineage[0].remaining, &scenario.run.budgets);
        let unused = least(Some(budgets.cost_micro_usd), |used| micro_usd(used.cost_usd));
        assert_eq!(Some(micro_usd(left.cost_usd)), unused, "money held in {run}");
        for (what, left, unused) in [
            ("tokens", left.tokens, least(budgets.tokens, |used| used.tokens)),
            ("wall time", left.wall_ms, least(budgets.wall_ms, |used| used.wall_ms)),
            ("fuel", left.fuel, least(budgets.fuel, |used| used.fuel)),
            ("host calls", left.host_calls, least(budgets.host_calls, |used| used.host_calls)),
            ("output", left.output_bytes, least(budgets.output_bytes, |used| used.output_bytes)),
        ] {
            assert_eq!(left, unused, "{what} held in {run}");
        }
    }

    /// No probe keeps the slot, at the time when the newest call had it; and a day later everything is as new.
    fn tool_is_free(&mut self, host: usize, tool: usize, stranger: RunId) {
        let tool = &self.scenario.tools[tool];
        self.hosts[host].follow(&self.ledger, stranger, Some(tool.name));
        let board = &self.hosts[host].board;
        let then = board.admit(&ask(tool, stranger, self.auditor.newest_ms(tool))).answer;
        let probing = then.is_err_and(|refusal| refusal.why == Why::BreakerOpen { probing: true });
        assert!(!probing, "a slot of {} is held, and no call runs", tool.name);
        let later = board.admit(&ask(tool, stranger, self.now + LATER_MS));
        later.answer.unwrap();
        for reading in later.readings {
            let holds = matches!(reading.guard, GuardName::HourCost | GuardName::DayCost) && reading.used > 0;
            assert!(!holds, "the principal holds {reading:?}");
        }
    }
}

fn micro_usd(usd: f64) -> u64 {
    (usd * 1e6).round() as u64
}

/// Of a run without limits, on the tool with its breaker.
fn ask(tool: &Tool, run: RunId, at_ms: u64) -> Ask {
    let spend = SpendGuards { hour_micro_usd: u64::MAX, day_micro_usd: u64::MAX, ..SpendGuards::default() };
    Ask {
        run,
        call: CallId::new(at_ms, [0; 10]),
        tool: tool.name.to_owned(),
        fingerprint: Fingerprint { exact: 0, near: 0 },
        worst: Hold::default(),
        until_ms: at_ms,
        at_ms,
        run_guards: Arc::new(RunGuards { segment_ms: u64::MAX, ..RunGuards::default() }),
        spend: Arc::new(spend),
        tool_guards: Arc::new(ToolGuards { breaker: tool.guards.breaker, ..ToolGuards::default() }),
    }
}
