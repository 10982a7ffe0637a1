//! The auditor: adds up by itself what every record says, and compares.
//!
//! Not here: the guards' states; it sees records, refusals and what `standing` says. Invariant: it panics at the
//! first record after which one of these does not hold:
//!
//! - no budget of a run, an ancestor or the principal is exceeded, with all that is held counted as spent;
//! - nothing is admitted or tried again after a halt, a pause or the end, of the run or an ancestor;
//! - refusals in a row do not pass their limit without a halt, nor proposals;
//! - no run that spends too fast for the hour is admitted a call;
//! - nothing is held but by calls that run: what `standing` says is in flight and left is what is counted here;
//! - no window sees more calls of a tool, a run or the principal than its rate, no tool more retries than its budget;
//! - no tool is called before its upstream's wait is over ([`Watch`]);
//! - an open breaker lets a call through one cooldown after it was seen open, a half-open one when its probe has
//!   ended or its deadline is over ([`Watch`]);
//! - no repeat is admitted, what is refused as one is one, and the third refused halts ([`Habits`]);
//! - who is told to wait is told how long.

use super::habits::Habits;
use super::scenario::{Scenario, Tool};
use super::watch::{Watch, since, within_rate};
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use toolgate::call::{CallId, Denial, RunId};
use toolgate::guard::event::{Admitted, Ended, Event, Fingerprint, Hold, Kind, Opened, Refused, Steer};
use toolgate::guard::{Board, Refusal, Why};

const HOUR_MS: u64 = 3_600_000;
/// A younger run has no burn rate.
const BURN_AGE_MS_MIN: u64 = 60_000;

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Course {
    #[default]
    Runs,
    Paused,
    Halted,
    Finished,
}

#[derive(Default)]
struct Account {
    parent: Option<RunId>,
    principal: String,
    opened_ms: u64,
    course: Course,
    proposals: u64,
    refusals: u64,
    spent: Hold,
    flights: BTreeMap<CallId, Hold>,
    /// Its steps, its descendants' among them.
    admitted: Vec<u64>,
    habits: Habits,
}

impl Account {
    fn taken(&self) -> Hold {
        self.flights.values().fold(self.spent, |all, hold| all.plus(*hold))
    }

    /// What it would spend in an hour.
    fn burn_rate(&self, at_ms: u64) -> Option<u64> {
        let age_ms = at_ms - self.opened_ms;
        (age_ms >= BURN_AGE_MS_MIN).then(|| self.spent.cost_micro_usd * HOUR_MS / age_ms)
    }
}

#[derive(Default)]
struct Purse {
    endings: VecDeque<(u64, u64)>,
    held: BTreeMap<CallId, u64>,
    admitted: Vec<u64>,
}

#[derive(Default)]
pub(super) struct Auditor {
    runs: HashMap<RunId, Account>,
    purses: HashMap<String, Purse>,
    tools: HashMap<&'static str, Watch>,
    /// The tool of every call.
    calls: HashMap<CallId, usize>,
}

impl Auditor {
    /// A record was written.
    pub(super) fn see(&mut self, scenario: &Scenario, event: &Event) {
        let (run, at_ms) = (event.run, event.at_ms);
        match &event.kind {
            Kind::Opened(opened) => self.open(run, opened, at_ms),
            Kind::Admitted(admitted) => self.admit(scenario, run, admitted, at_ms),
            Kind::Retried { call, slow_ms } => {
                assert!(!self.stands(run), "{run} stands, and a call was tried again");
                let tool = &scenario.tools[self.calls[call]];
                self.watch(tool).retried(tool, *slow_ms, at_ms);
            }
            Kind::Ended(ended) => self.end(scenario, run, ended, at_ms),
            Kind::Refused(refused) => self.refuse(scenario, run, refused),
            Kind::Steered(steer) => self.steer(run, steer),
        }
    }

    /// A guard refused a call of the tool.
    pub(super) fn see_refusal(
        &mut self,
        scenario: &Scenario,
        tool: usize,
        run: RunId,
        fingerprint: Fingerprint,
        refusal: &Refusal,
        at_ms: u64,
    ) {
        let tool = &scenario.tools[tool];
        self.watch(tool).agree(tool, refusal, at_ms);
        self.runs[&run].habits.agree(tool, fingerprint.near, refusal, at_ms);
        if let Why::BurnRate { hourly, limit } = refusal.why {
            assert_eq!(self.runs[&refusal.run].burn_rate(at_ms), Some(hourly));
            assert!(hourly > limit && refusal.halts, "{hourly} an hour of {limit}");
        }
        if matches!(refusal.code, Denial::RateLimited | Denial::BreakerOpen) {
            assert!(refusal.retry_after_ms.is_some_and(|ms| ms > 0), "wait, but how long? {refusal:?}");
        }
    }

    /// A retry was refused since the run stands.
    pub(super) fn see_stands(&self, run: RunId) {
        assert!(self.stands(run), "{run} does not stand, and a call was not tried again");
    }

    /// The tool's retry budget refused a retry.
    pub(super) fn see_no_retry(&mut self, tool: &Tool, at_ms: u64) {
        self.watch(tool).not_retried(tool, at_ms);
    }

    /// After a proposal that did not start, and what followed.
    pub(super) fn nothing_is_overdue(&self, scenario: &Scenario, run: RunId) {
        let refused = self.runs[&run].refusals >= scenario.run.refusals_in_a_row;
        let over = |run: &RunId| self.runs[run].proposals > scenario.run.budgets.proposals;
        let overrun = refused || self.lineage(run).iter().any(over);
        assert!(!overrun || self.stands(run), "{run} has overrun its guards, and goes on");
    }

    /// What a board says of a run, beside what was counted here.
    pub(super) fn compare(&self, scenario: &Scenario, board: &Board, run: RunId, at_ms: u64) {
        let Some(standing) = board.standing(run, &scenario.run, &scenario.spend, at_ms) else { return };
        let account = &self.runs[&run];
        assert_eq!(standing.usage.in_flight, account.flights.len() as u64, "in flight in {run}");
        assert_eq!(standing.usage.steps, account.admitted.len() as u64, "steps of {run}");
        assert_eq!(standing.usage.proposals, account.proposals, "proposals of {run}");
        assert_eq!(standing.usage.refusals_in_a_row, account.refusals, "refusals of {run}");
        let lineage = self.lineage(run);
        let least = |left: &dyn Fn(&Account) -> u64| lineage.iter().map(|run| left(&self.runs[run])).min();
        let budgets = &scenario.run.budgets;
        let fuel = budgets.fuel.and_then(|limit| least(&|account| limit - account.taken().fuel));
        assert_eq!(standing.remaining.fuel, fuel, "fuel left to {run}");
        let cost = least(&|account| budgets.cost_micro_usd - account.taken().cost_micro_usd).unwrap();
        assert_eq!((standing.remaining.cost_usd * 1e6).round() as u64, cost, "money left to {run}");
    }

    /// At the end of a life: every call has its one ending, and nothing is held any more.
    pub(super) fn nothing_runs(&self) {
        for (run, account) in &self.runs {
            assert!(account.flights.is_empty(), "calls of {run} have no ending: {:?}", account.flights);
        }
        for (principal, purse) in &self.purses {
            assert!(purse.held.is_empty(), "{principal} still holds {:?}", purse.held);
        }
    }

    /// When the tool's newest call started.
    pub(super) fn newest_ms(&self, tool: &Tool) -> u64 {
        self.tools.get(tool.name).map_or(0, Watch::last_ms)
    }

    /// Every run there is.
    pub(super) fn runs(&self) -> BTreeSet<RunId> {
        self.runs.keys().copied().collect()
    }

    /// Whether the run, or an ancestor, stands.
    pub(super) fn stands(&self, run: RunId) -> bool {
        self.lineage(run).iter().any(|run| self.runs[run].course != Course::Runs)
    }

    fn open(&mut self, run: RunId, opened: &Opened, opened_ms: u64) {
        let (parent, principal) = (opened.parent, opened.principal.clone());
        self.runs.insert(run, Account { parent, principal, opened_ms, ..Account::default() });
    }

    fn admit(&mut self, scenario: &Scenario, run: RunId, admitted: &Admitted, at_ms: u64) {
        assert!(!self.stands(run), "{run} stands, and a call was admitted");
        let index = scenario.tools.iter().position(|tool| tool.name == admitted.tool).unwrap();
        let tool = &scenario.tools[index];
        self.calls.insert(admitted.call, index);
        self.watch(tool).admitted(tool, admitted.call, at_ms);
        let account = self.account(run);
        account.refusals = 0;
        account.habits.admitted(tool, admitted, at_ms, scenario.run.repetition);
        for run in self.lineage(run) {
            let account = self.account(run);
            let hourly = account.burn_rate(at_ms).unwrap_or(0);
            assert!(hourly <= scenario.spend.hour_micro_usd, "{run} spends {hourly} an hour");
            account.admitted.push(at_ms);
            within_rate(&account.admitted, scenario.run.rate, at_ms);
            account.proposals += 1;
            assert!(account.flights.insert(admitted.call, admitted.hold).is_none());
            let limit = scenario.run.budgets.proposals;
            assert!(account.proposals <= limit, "{run} has {} proposals", account.proposals);
            self.within(scenario, run);
        }
        let purse = self.purse(run);
        purse.held.insert(admitted.call, admitted.hold.cost_micro_usd);
        purse.admitted.push(at_ms);
        within_purse(purse, scenario, at_ms);
    }

    fn end(&mut self, scenario: &Scenario, run: RunId, ended: &Ended, at_ms: u64) {
        let tool = &scenario.tools[self.calls[&ended.call]];
        self.watch(tool).ended(ended, at_ms);
        self.account(run).habits.ended(ended);
        for run in self.lineage(run) {
            let account = self.account(run);
            let hold = account.flights.remove(&ended.call).expect("an ending of a call that runs");
            account.spent = account.spent.plus(ended.spent.unwrap_or(hold));
            self.within(scenario, run);
        }
        let purse = self.purse(run);
        let held = purse.held.remove(&ended.call).unwrap();
        let spent = ended.spent.map_or(held, |spent| spent.cost_micro_usd);
        purse.endings.push_back((at_ms, spent));
        within_purse(purse, scenario, at_ms);
    }

    fn refuse(&mut self, scenario: &Scenario, run: RunId, refused: &Refused) {
        for run in self.lineage(run) {
            self.account(run).proposals += 1;
        }
        let account = self.account(run);
        account.habits.refused(refused);
        let waits = [
            Denial::RateLimited,
            Denial::BreakerOpen,
            Denial::Conflict,
            Denial::CheckpointAndRefresh,
            Denial::RunPaused,
            Denial::RunHalted,
        ];
        if refused.code.is_some_and(|code| !waits.contains(&code)) {
            account.refusals += 1;
            let limit = scenario.run.refusals_in_a_row;
            assert!(account.refusals <= limit, "{} refusals in a row in {run}", account.refusals);
        }
    }

    fn steer(&mut self, run: RunId, steer: &Steer) {
        let account = self.account(run);
        let (runs, over) = match account.course {
            Course::Runs => (true, false),
            Course::Paused => (false, false),
            Course::Halted | Course::Finished => (false, true),
        };
        match steer {
            Steer::Paused(_) if runs => account.course = Course::Paused,
            Steer::Halted(_) if !over => account.course = Course::Halted,
            Steer::Finished { .. } if !over => account.course = Course::Finished,
            Steer::Continued if account.course != Course::Finished => {
                (account.course, account.refusals) = (Course::Runs, 0);
                account.habits = Habits::default();
            }
            _ => {}
        }
    }

    fn within(&self, scenario: &Scenario, run: RunId) {
        let (account, budgets) = (&self.runs[&run], &scenario.run.budgets);
        let (taken, steps) = (account.taken(), account.admitted.len() as u64);
        let amounts = [
            ("steps", steps, Some(budgets.steps)),
            ("cost", taken.cost_micro_usd, Some(budgets.cost_micro_usd)),
            ("tokens", taken.tokens, budgets.tokens),
            ("wall_ms", taken.wall_ms, budgets.wall_ms),
            ("fuel", taken.fuel, budgets.fuel),
            ("host_calls", taken.host_calls, budgets.host_calls),
            ("output_bytes", taken.output_bytes, budgets.output_bytes),
        ];
        for (name, taken, limit) in amounts {
            assert!(limit.is_none_or(|limit| taken <= limit), "{name} of {run}: {taken} of {limit:?}");
        }
    }

    fn account(&mut self, run: RunId) -> &mut Account {
        self.runs.get_mut(&run).expect("a run that was opened")
    }

    fn purse(&mut self, run: RunId) -> &mut Purse {
        let principal = self.runs[&run].principal.clone();
        self.purses.entry(principal).or_default()
    }

    fn watch(&mut self, tool: &Tool) -> &mut Watch {
        self.tools.entry(tool.name).or_default()
    }

    /// The run, then its ancestors.
    pub(super) fn lineage(&self, run: RunId) -> Vec<RunId> {
        std::iter::successors(Some(run), |run| self.runs[run].parent).collect()
    }
}

fn within_purse(purse: &mut Purse, scenario: &Scenario, at_ms: u64) {
    while purse.endings.front().is_some_and(|(ended_ms, _)| ended_ms + 24 * HOUR_MS <= at_ms) {
        purse.endings.pop_front();
    }
    let held: u64 = purse.held.values().sum();
    let day: u64 = purse.endings.iter().map(|(_, spent)| spent).sum();
    let in_hour = purse.endings.iter().rev().take_while(|(ended_ms, _)| ended_ms + HOUR_MS > at_ms);
    let hour: u64 = in_hour.map(|(_, spent)| spent).sum();
    let spend = &scenario.spend;
    assert!(held + hour <= spend.hour_micro_usd, "{held} held and {hour} spent in an hour");
    assert!(held + day <= spend.day_micro_usd, "{held} held and {day} spent in a day");
    let steps = since(&purse.admitted, at_ms, HOUR_MS) as u64;
    assert!(spend.hour_steps.is_none_or(|limit| steps <= limit), "{steps} steps in an hour");
    within_rate(&purse.admitted, spend.rate, at_ms);
}
