//! The guards in words: what happened and what to do next for the agent, which line decides for the operator.
//!
//! Not here: the numbers. Invariant: the agent's words hold no path, no key of the policy and nothing that a person
//! wrote; the tool's name is the caller's to have cleaned.

use super::budget::Budget;
use super::rate::Limited;
use super::repetition::Pattern;
use super::spend::Window;
use super::verdict::{Notice, Refusal, Why};
use crate::call::Denial;

impl Refusal {
    /// What happened, for the agent; one or two sentences.
    pub fn text(&self, tool: &str) -> String {
        let whose = if self.inherited { "A run that this run is part of" } else { "This run" };
        match &self.why {
            Why::Halted(_) => format!("{whose} was halted."),
            Why::Finished => format!("{whose} is finished."),
            Why::Paused(_) => format!("{whose} is paused for a person."),
            Why::Review { .. } => {
                format!(
                    "{whose} is paused for a person: half of what it may use is used, and its goal is not reported."
                )
            }
            Why::Budget { budget, held, .. } if self.code == Denial::RateLimited => {
                let held = amount(*budget, *held);
                format!("Calls that are running hold {held}; that leaves too little for this call.")
            }
            Why::Spend { window, .. } if self.code == Denial::RateLimited => {
                let window = self::window(*window);
                format!("Calls that are running hold what may still be spent in {window}.")
            }
            Why::Budget { budget, used, limit, asked, .. } => {
                format!("{whose} has used {}.{}", of_limit(*budget, *used, *limit), too_dear(*budget, *asked))
            }
            Why::PolledEarly { poll_ms } => {
                format!("`{tool}` may be asked the same again only every {}.", duration(*poll_ms))
            }
            Why::Rate { of, calls, per_ms } => rate(*of, tool, *calls, *per_ms),
            Why::Slowed => format!("The service behind `{tool}` asks everybody to wait."),
            Why::BreakerOpen { probing: false } => {
                format!("`{tool}` has failed too often and is left alone.")
            }
            Why::BreakerOpen { probing: true } => {
                format!("`{tool}` has failed too often; another call is trying whether it works again.")
            }
            why => why.sentence(),
        }
    }

    /// What to do next, for the agent.
    pub fn hint(&self) -> String {
        match &self.why {
            Why::UnknownRun => "Use the id that an earlier result carried.".to_owned(),
            Why::Halted(_) | Why::Finished | Why::Refusals { .. } | Why::BurnRate { .. } => STOP.to_owned(),
            Why::Paused(_) | Why::Review { .. } => {
                "Report what is done and what is open, and wait until a person continues the run.".to_owned()
            }
            Why::Depth { .. } => {
                "Do the work in the run that you came from instead of opening one more.".to_owned()
            }
            Why::Segment { .. } => {
                "Write down the goal, what is done and what is open. A fresh agent goes on from there: it first calls `toolgate_status` with {\"refresh\": true}.".to_owned()
            }
            Why::Budget { budget: Budget::Proposals, .. } => STOP.to_owned(),
            Why::Budget { .. } | Why::Spend { .. } | Why::HourSteps { .. } => match self.retry_after_ms {
                Some(ms) => format!("{} Or finish with what you have.", again(ms)),
                None => "Make no more calls. Finish with what you have, and say what is missing.".to_owned(),
            },
            Why::Repeated(_) if self.halts => STOP.to_owned(),
            Why::Repeated(pattern) => advice(*pattern, self.retry_after_ms),
            Why::PolledEarly { .. } | Why::Rate { .. } | Why::Slowed | Why::BreakerOpen { .. } => {
                match self.retry_after_ms {
                    Some(ms) => format!("Go on with something else. {}", again(ms)),
                    None => "Go on with something else.".to_owned(),
                }
            }
        }
    }

    /// Which line of the policy, or which command, would change the answer.
    pub fn operator(&self, tool: &str) -> String {
        let run = self.run;
        let line = self.why.line().unwrap_or_default();
        match &self.why {
            Why::UnknownRun => "no such run on the ledger; `toolgate runs` lists them".to_owned(),
            Why::Halted(why) => {
                let once = halted_by(why).map(|key| format!(" once {key} allows it")).unwrap_or_default();
                format!("{run} was halted: {why}; `toolgate run resume {run}` continues it{once}")
            }
            Why::Finished => format!("{run} is finished; start another run"),
            Why::Paused(why) => format!("{run} was paused: {why}; `toolgate run resume {run}` continues it"),
            Why::Depth { depth, .. } => format!("{run} has depth {depth}; {line}"),
            Why::Refusals { used, .. } => {
                format!("{used} refusals in a row in {run}; {line}; `toolgate run resume {run}` continues it")
            }
            Why::Segment { .. } => line,
            Why::Budget { budget, used, held, asked, .. } => {
                let (used, held, asked) =
                    (amount(*budget, *used), amount(*budget, *held), amount(*budget, *asked));
                format!("{line}; {run} has spent {used} and holds {held}, and the call needs {asked}")
            }
            Why::Review { budget, used, limit } => {
                let of = of_limit(*budget, *used, *limit);
                format!("{run} used {of}; `toolgate run resume {run}` continues it, {line}")
            }
            Why::Spend { used, held, asked, .. } => {
                let (used, held, asked) = (usd(*used), usd(*held), usd(*asked));
                format!("{line}; spent are {used}, held {held}, and the call may cost {asked}")
            }
            Why::HourSteps { used, .. } => format!("{line}; {used} calls ran in the last hour"),
            Why::BurnRate { hourly, .. } => {
                let hourly = usd(*hourly);
                format!(
                    "{run} spends at {hourly} an hour; {line}; `toolgate run resume {run}` continues it once that allows it"
                )
            }
            Why::Repeated(_) => {
                format!(
                    "the agent repeats itself in {run}; `toolgate trace {run}` shows it; tools.{tool}.poll is for tools that are meant to be asked again"
                )
            }
            Why::PolledEarly { poll_ms } => format!("tools.{tool}.poll is {}", duration(*poll_ms)),
            Why::Rate { of, calls, per_ms } => {
                let key = match of {
                    Limited::Tool => format!("tools.{tool}.rate"),
                    Limited::Run => "run.rate".to_owned(),
                    Limited::Principal => "spend.rate".to_owned(),
                };
                format!("{key} is {calls} calls in {}", duration(*per_ms))
            }
            Why::Slowed => {
                format!("the service behind `{tool}` answered that everybody must wait; no line changes that")
            }
            Why::BreakerOpen { .. } => {
                format!(
                    "the breaker of `{tool}` is open; tools.{tool}.breaker says after how many failures and for how long"
                )
            }
        }
    }
}

impl Why {
    /// Which line about runs or spend decides, and what it says, for the operator; `None` where none does, or its name
    /// takes more than is known here.
    pub(super) fn line(&self) -> Option<String> {
        Some(match self {
            Self::Depth { limit, .. } => format!("run.depth is {limit}"),
            Self::Refusals { limit, .. } => format!("run.refusals_in_a_row is {limit}"),
            Self::Segment { limit_ms, .. } => {
                let segment = duration(*limit_ms);
                format!(
                    "run.segment is {segment}; the agent's `toolgate_status` with {{\"refresh\": true}} begins the next one"
                )
            }
            Self::Budget { budget, limit, .. } => {
                format!("run.budgets.{} is {}", key(*budget), amount(*budget, *limit))
            }
            Self::Review { .. } => "run.review = false never asks".to_owned(),
            Self::Spend { window, limit, .. } => format!("spend.{} is {}", window_key(*window), usd(*limit)),
            Self::HourSteps { limit, .. } => format!("spend.hour_steps is {limit}"),
            Self::BurnRate { limit, .. } => format!("spend.hour is {}", usd(*limit)),
            Self::UnknownRun
            | Self::Halted(_)
            | Self::Finished
            | Self::Paused(_)
            | Self::Repeated(_)
            | Self::PolledEarly { .. }
            | Self::Rate { .. }
            | Self::Slowed
            | Self::BreakerOpen { .. } => return None,
        })
    }

    /// The reason as one sentence: for the record of a halt or pause, and for a status.
    pub fn sentence(&self) -> String {
        match self {
            Self::Refusals { used, .. } => format!("{used} calls in a row were refused."),
            Self::Depth { depth, limit } => {
                format!("Runs are nested {depth} deep; {limit} is the deepest allowed.")
            }
            Self::Segment { age_ms, .. } => {
                format!("This segment of the run is {} old: time for a fresh start.", duration(*age_ms))
            }
            Self::Budget { budget, used, limit, asked, .. } => {
                format!("The run has used {}.{}", of_limit(*budget, *used, *limit), too_dear(*budget, *asked))
            }
            Self::Review { budget, used, limit } => {
                format!(
                    "The run has used {} and has not reported on its goal.",
                    of_limit(*budget, *used, *limit)
                )
            }
            Self::Spend { window, used, limit, asked, .. } => {
                let (window, used, limit) = (self::window(*window), usd(*used), usd(*limit));
                let dear = too_dear(Budget::Cost, *asked);
                format!("{used} of the {limit} that may be spent in {window} are spent.{dear}")
            }
            Self::HourSteps { used, limit } => {
                format!("{used} of {limit} calls that may run in an hour have run.")
            }
            Self::BurnRate { hourly, limit } => {
                let (hourly, limit) = (usd(*hourly), usd(*limit));
                format!("The run spends at {hourly} an hour; {limit} {BURNS}.")
            }
            Self::Repeated(pattern) => repeated(*pattern),
            Self::UnknownRun => "The run does not exist.".to_owned(),
            Self::Halted(why) => format!("The run was halted: {why}"),
            Self::Finished => "The run is finished.".to_owned(),
            Self::Paused(why) => format!("The run is paused: {why}"),
            Self::PolledEarly { .. } | Self::Rate { .. } => "Calls came too fast.".to_owned(),
            Self::Slowed => "The tool's service asks everybody to wait.".to_owned(),
            Self::BreakerOpen { .. } => "The tool has failed too often.".to_owned(),
        }
    }
}

impl Notice {
    /// The notice as sentences for the agent.
    pub fn text(&self) -> String {
        match self {
            Self::WrapUp { used, limit, inherited } => {
                let whose = if *inherited { "that this run shares with others" } else { "of this run" };
                format!(
                    "{used} of {limit} calls {whose} are used. Wrap up: finish with what you have, or report what is open."
                )
            }
            Self::Repeated(pattern) => {
                let advice = advice(*pattern, None);
                format!("{} {advice} The next repeat is refused.", repeated(*pattern))
            }
            Self::Halted { inherited } => {
                let whose = if *inherited { "A run that this run is part of" } else { "This run" };
                format!("{whose} is halted from here on: no call of it will run. {STOP}")
            }
        }
    }
}

/// Ends the sentence of a halt by proposals.
const PROPOSALS: &str = "suggested calls";
/// Ends the sentence of a halt by the burn rate.
const BURNS: &str = "an hour is allowed";

/// The line that still halts a run that is continued, by the sentence of its halt. Refusals in a row and repeats are
/// forgotten then.
fn halted_by(why: &str) -> Option<&'static str> {
    let why = why.trim_end_matches('.');
    let lines = [(PROPOSALS, "run.budgets.proposals"), (BURNS, "spend.hour")];
    lines.into_iter().find_map(|(end, line)| why.ends_with(end).then_some(line))
}

/// For a run that must not go on.
const STOP: &str = "Stop. Make no more calls, and tell the user what is done and what is not.";

fn repeated(pattern: Pattern) -> String {
    let same = |near| if near { "nearly the same call" } else { "the same call" };
    match pattern {
        Pattern::Same { times, near } => format!("This is {} {times} times in a row.", same(near)),
        Pattern::Cycle { period, near } => {
            let nearly = if near { " nearly" } else { "" };
            format!("The same {period} calls come round again and again,{nearly} without a change.")
        }
        Pattern::SameResult { times, near } => {
            let made = same(near);
            format!("You made {made} before, and it gave the same result {times} times.")
        }
        Pattern::Unchanged { times, interval_ms } => {
            let interval = duration(interval_ms);
            format!(
                "What you poll has not changed in {times} answers; ask no more often than every {interval}."
            )
        }
        Pattern::Errors { times } => format!("The last {times} calls all failed."),
    }
}

/// What to change.
fn advice(pattern: Pattern, retry_after_ms: Option<u64>) -> String {
    match (pattern, retry_after_ms) {
        (Pattern::Same { near: false, .. }, _) => {
            "Use the result that you have; change the arguments or call something else.".to_owned()
        }
        (Pattern::Same { near: true, .. } | Pattern::SameResult { near: true, .. }, _) => {
            "White space, letter case, number form and order make no difference to it: ask for something else.".to_owned()
        }
        (Pattern::Cycle { .. }, _) => {
            "Leave the circle: say what you are missing, and take another way to it.".to_owned()
        }
        (Pattern::SameResult { near: false, .. }, _) => {
            "It will not change by asking again: use the result, change the arguments, or call something else.".to_owned()
        }
        (Pattern::Unchanged { .. }, Some(ms)) => {
            format!("Do something else meanwhile, or report that it is still pending. {}", again(ms))
        }
        (Pattern::Unchanged { .. }, None) => {
            "Do something else meanwhile, or report that it is still pending.".to_owned()
        }
        (Pattern::Errors { .. }, _) => {
            "Read the errors before you go on: correct what they name, use another tool, or tell the user.".to_owned()
        }
    }
}

fn rate(of: Limited, tool: &str, calls: u64, per_ms: u64) -> String {
    let per = duration(per_ms);
    match of {
        Limited::Tool => format!("`{tool}` may be called {calls} times in {per}."),
        Limited::Run => format!("This run may make {calls} calls in {per}."),
        Limited::Principal => format!("All runs together may make {calls} calls in {per}."),
    }
}

/// "20 of 20 calls".
fn of_limit(budget: Budget, used: u64, limit: u64) -> String {
    match budget {
        Budget::Cost | Budget::WallTime => format!("{} of {}", amount(budget, used), amount(budget, limit)),
        _ => format!("{used} of {}", amount(budget, limit)),
    }
}

fn too_dear(budget: Budget, asked: u64) -> String {
    match (budget, asked) {
        (Budget::Cost, 1..) => format!(" This call may cost {}.", usd(asked)),
        _ => String::new(),
    }
}

fn amount(budget: Budget, amount: u64) -> String {
    match budget {
        Budget::Steps => format!("{amount} calls"),
        Budget::Proposals => format!("{amount} {PROPOSALS}"),
        Budget::Cost => usd(amount),
        Budget::Tokens => format!("{amount} tokens"),
        Budget::WallTime => format!("{} of running time", duration(amount)),
        Budget::Fuel => format!("{amount} units of fuel"),
        Budget::HostCalls => format!("{amount} calls into the host"),
        Budget::OutputBytes => format!("{amount} bytes of output"),
    }
}

/// The key under `[run.budgets]`.
fn key(budget: Budget) -> &'static str {
    match budget {
        Budget::Steps => "steps",
        Budget::Proposals => "proposals",
        Budget::Cost => "cost",
        Budget::Tokens => "tokens",
        Budget::WallTime => "wall_time",
        Budget::Fuel => "fuel",
        Budget::HostCalls => "host_calls",
        Budget::OutputBytes => "output",
    }
}

fn window(window: Window) -> &'static str {
    match window {
        Window::Hour => "an hour",
        Window::Day => "24 hours",
    }
}

/// The key under `[spend]`.
fn window_key(window: Window) -> &'static str {
    match window {
        Window::Hour => "hour",
        Window::Day => "day",
    }
}

fn again(ms: u64) -> String {
    format!("Ask again in {}.", duration(ms))
}

/// Dollars with two decimals, and more where they are needed: "$0.50", "$0.000125".
fn usd(micro_usd: u64) -> String {
    let (dollars, rest) = (micro_usd / 1_000_000, micro_usd % 1_000_000);
    let rest = format!("{rest:06}");
    let fine = rest.trim_end_matches('0');
    format!("${dollars}.{fine:0<2}")
}

/// A time in its largest whole unit, rounded up beyond a second: "250 ms", "2 s", "2 min", "3 h".
fn duration(ms: u64) -> String {
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..120_000 => format!("{} s", ms.div_ceil(1_000)),
        120_000..7_200_000 => format!("{} min", ms.div_ceil(60_000)),
        _ => format!("{} h", ms.div_ceil(3_600_000)),
    }
}
