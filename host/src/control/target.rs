//! What a switch stops, and what a stopped call says of it.
//!
//! Not here: whether a switch is on (`board.rs`). Invariant: what an agent is told names no path and repeats no
//! text of an operator.

use crate::call::{Lineage, RunId};
use serde::{Deserialize, Serialize};
use std::fmt;

/// What a switch stops. In JSON `{"kind": "run", "name": "run_…"}`, `{"kind": "tool", "name": …}` or
/// `{"kind": "all"}`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", content = "name", rename_all = "snake_case")]
pub enum Target {
    /// Every call of one run, and of the runs that are part of it.
    Run(RunId),
    /// Every call of one tool, in all runs; the name as the policy has it.
    Tool(String),
    /// Every call.
    All,
}

impl Target {
    /// Whether a call of this run and tool is meant.
    pub fn means(&self, run: &Lineage, tool: &str) -> bool {
        match self {
            Self::Run(named) => run.contains(*named),
            Self::Tool(named) => named == tool,
            Self::All => true,
        }
    }

    /// What names it on the command line of `toolgate kill` and `toolgate unkill`.
    pub fn arguments(&self) -> String {
        match self {
            Self::Run(run) => run.to_string(),
            Self::Tool(tool) => format!("--tool {tool}"),
            Self::All => "--all".to_owned(),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Run(run) => write!(f, "run {run}"),
            Self::Tool(tool) => write!(f, "tool `{tool}`"),
            Self::All => f.write_str("all calls"),
        }
    }
}

/// A switch that is on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Switch {
    /// What it stops.
    pub target: Target,
    /// Since when, in milliseconds since the Unix epoch, by the clock of who threw it.
    pub since_ms: u64,
    /// Why, in the operator's words; may be empty.
    pub why: String,
    /// Its number: a later switch has a higher one, also when the same target is switched off again after `unkill`.
    pub generation: u64,
}

/// Who stopped a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// An operator's switch.
    Switch,
    /// The host itself: it cannot see which switches are on, or it is closing.
    Host,
}

/// Why a call is not let in, or must end. `Display` is the operator's sentence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{}", self.operator_text())]
pub struct Killed {
    /// What is stopped.
    pub target: Target,
    /// Since when, in milliseconds since the Unix epoch.
    pub since_ms: u64,
    /// The operator's words, or what the host cannot see.
    pub why: String,
    /// Who stopped it.
    pub origin: Origin,
}

impl Killed {
    /// The sentence for the agent.
    pub fn agent_text(&self) -> &'static str {
        match (self.origin, &self.target) {
            (Origin::Host, _) => "The host has stopped all tools, because its kill switch cannot be watched.",
            (_, Target::Run(_)) => "An operator has stopped this run.",
            (_, Target::Tool(_)) => "An operator has switched this tool off.",
            (_, Target::All) => "An operator has stopped all tools.",
        }
    }

    /// The sentence for the agent that asks where its run stands.
    pub fn status_text(&self) -> String {
        match (self.origin, &self.target) {
            (Origin::Switch, Target::Tool(tool)) => {
                format!("An operator has switched the tool `{tool}` off.")
            }
            _ => self.agent_text().to_owned(),
        }
    }

    /// What the agent should do next.
    pub fn agent_hint(&self) -> &'static str {
        match (self.origin, &self.target) {
            (Origin::Switch, Target::Tool(_)) => {
                "Do not call it again. Go on without it, or tell the person you work for what is missing."
            }
            _ => "Do not call any tool again. Tell the person you work for how far you came.",
        }
    }

    fn operator_text(&self) -> String {
        let Self { target, why, .. } = self;
        let since = moment(self.since_ms);
        match self.origin {
            Origin::Host => format!("all calls are refused since {since}: {why}"),
            Origin::Switch => {
                let why = if why.is_empty() { String::new() } else { format!(" ({why})") };
                let arguments = target.arguments();
                format!(
                    "{target}: the kill switch is on since {since}{why}; `toolgate unkill {arguments}` lifts it"
                )
            }
        }
    }
}

impl From<&Switch> for Killed {
    fn from(switch: &Switch) -> Self {
        let Switch { target, since_ms, why, .. } = switch.clone();
        Self { target, since_ms, why, origin: Origin::Switch }
    }
}

/// A Unix time in milliseconds, as people read it.
fn moment(unix_ms: u64) -> String {
    let at = i64::try_from(unix_ms).ok().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
    at.map_or_else(|| format!("{unix_ms} ms"), |at| at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(last: u8) -> RunId {
        RunId::new(1, [last; 10])
    }

    #[test]
    fn a_target_means_its_own_calls_and_no_others() {
        let cases = [
            (Target::Run(run(1)), [true, true, false, false]),
            (Target::Tool("read".to_owned()), [true, false, true, false]),
            (Target::All, [true, true, true, true]),
        ];
        for (target, expected) in cases {
            let calls = [(1, "read"), (1, "Read"), (2, "read"), (2, "read2")];
            assert_eq!(calls.map(|(id, tool)| target.means(&run(id).into(), tool)), expected, "{target}");
        }
    }

    #[test]
    fn a_run_means_the_runs_that_are_part_of_it_and_not_the_one_that_it_is_part_of() {
        let (parent, child) = (Lineage::from(run(1)), Lineage::new(run(2), &[run(1)]));
        let grandchild = Lineage::new(run(3), &[run(2), run(1)]);
        let meant = |target: RunId| {
            [&parent, &child, &grandchild].map(|lineage| Target::Run(target).means(lineage, "read"))
        };
        assert_eq!(meant(run(1)), [true, true, true]);
        assert_eq!(meant(run(2)), [false, true, true]);
        assert_eq!(meant(run(3)), [false, false, true]);
    }

    #[test]
    fn a_target_survives_json() {
        for target in [Target::Run(run(7)), Target::Tool("a \"b\"".to_owned()), Target::All] {
            let json = serde_json::to_string(&target).expect("it is plain");
            assert_eq!(serde_json::from_str::<Target>(&json).expect("its own JSON"), target, "{json}");
        }
        let json = serde_json::to_value(Target::Tool("read".to_owned())).expect("it is plain");
        assert_eq!(json, serde_json::json!({"kind": "tool", "name": "read"}));
    }

    #[test]
    fn the_operator_reads_since_when_why_and_how_to_lift_it_and_the_agent_does_not() {
        let killed = Killed {
            target: Target::Tool("pay".to_owned()),
            since_ms: 1_700_000_000_000,
            why: "see /srv/incident".to_owned(),
            origin: Origin::Switch,
        };
        assert_eq!(
            killed.to_string(),
            "tool `pay`: the kill switch is on since 2023-11-14 22:13:20 UTC (see /srv/incident); \
             `toolgate unkill --tool pay` lifts it"
        );
        assert!(!format!("{}{}", killed.agent_text(), killed.agent_hint()).contains("incident"));
        let blind = Killed { origin: Origin::Host, target: Target::All, ..killed };
        assert!(blind.to_string().contains("/srv/incident") && !blind.agent_text().contains("/srv"));
    }
}
