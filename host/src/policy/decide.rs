//! Decide: a pure function from the policy, a tool's name and its arguments to a verdict and its makers.
//!
//! Not here: guards, budgets, approvals and their conditions; they can only take away from what this allows. Invariant:
//! deny > ask > allow over all matching rules whatever their order; nothing matched is the tool's own
//! verdict, deny unless written; an unknown tool and arguments that rules cannot be asked about are denied.

use super::compiled::{Policy, Rule, ToolPolicy, Verdict};
use serde::Serialize;
use serde_json::Value;

/// Why the verdict is what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DecisionReason {
    /// The rules in [`Decision::rules`] matched and are the strongest that did.
    RuleMatched,
    /// No rule matched: the tool's own `verdict` speaks.
    NoRuleMatched,
    /// The policy has no such tool.
    UnknownTool,
    /// The arguments are not a JSON object, so that no rule can be asked.
    EvaluationError,
}

/// A verdict and what made it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Decision {
    /// The answer.
    pub verdict: Verdict,
    /// Ids of what made it: every matching rule of that verdict in the order of the file, or
    /// `tools.NAME.verdict`; empty for an unknown tool and an evaluation error.
    pub rules: Vec<String>,
    /// Why.
    pub reason: DecisionReason,
    /// The first deciding rule's hint for the agent.
    pub hint: Option<String>,
    /// The first deciding line of the policy file, from 1; `None` for an unknown tool.
    pub line: Option<usize>,
    /// How risky the call is, from 0 to 100: the highest of the tool's risk and those of all matching rules,
    /// deciding or not; 0 for an unknown tool.
    pub risk: u8,
}

impl Policy {
    /// Decides about one call.
    pub fn decide(&self, tool: &str, arguments: &Value) -> Decision {
        match self.tools.get(tool) {
            Some(tool) => tool.decide(arguments),
            None => Decision {
                verdict: Verdict::Deny,
                rules: Vec::new(),
                reason: DecisionReason::UnknownTool,
                hint: None,
                line: None,
                risk: 0,
            },
        }
    }
}

impl ToolPolicy {
    /// Decides about one call of this tool.
    pub fn decide(&self, arguments: &Value) -> Decision {
        if !arguments.is_object() {
            return Decision {
                verdict: Verdict::Deny,
                rules: Vec::new(),
                reason: DecisionReason::EvaluationError,
                hint: None,
                line: Some(self.place("").line),
                risk: self.risk,
            };
        }
        let matching: Vec<&Rule> = self.rules.iter().filter(|rule| rule.matches(arguments)).collect();
        let Some(verdict) = matching.iter().map(|rule| rule.then).max() else {
            return Decision {
                verdict: self.verdict,
                rules: vec![self.verdict_id()],
                reason: DecisionReason::NoRuleMatched,
                hint: None,
                line: Some(self.place("verdict").line),
                risk: self.risk,
            };
        };
        let makers = || matching.iter().filter(|rule| rule.then == verdict);
        Decision {
            verdict,
            rules: makers().map(|rule| rule.id.to_string()).collect(),
            reason: DecisionReason::RuleMatched,
            hint: makers().find_map(|rule| rule.hint.clone()),
            line: makers().next().map(|rule| rule.line),
            risk: matching.iter().filter_map(|rule| rule.risk).fold(self.risk, u8::max),
        }
    }

    /// The id of the answer when no rule matches.
    pub fn verdict_id(&self) -> String {
        format!("tools.{}.verdict", self.name)
    }
}

impl Rule {
    /// True when all its conditions hold.
    pub fn matches(&self, arguments: &Value) -> bool {
        self.when.iter().all(|condition| condition.holds(arguments))
    }
}
