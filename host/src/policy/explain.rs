//! Explain: the decision again, with every rule's conditions and the line that would change the answer.
//!
//! For the operator: it names lines, rules and argument values, and none of it may go to an agent.
//! Invariant: it never decides by itself; the decision in it is `decide`'s own.

use super::compiled::{Policy, Rule, ToolPolicy, Verdict};
use super::condition::{Condition, Pointer, Test};
use super::decide::{Decision, DecisionReason};
use crate::call::nearest;
use serde::Serialize;
use serde_json::Value;

/// Why a call is answered as it is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Explanation {
    /// The tool that was asked for.
    pub tool: String,
    /// The answer and its makers.
    pub decision: Decision,
    /// Every rule of the tool, in the order of the file.
    pub rules: Vec<RuleReport>,
    /// What would change the answer.
    pub change: Change,
}

/// One rule beside the arguments.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RuleReport {
    /// The rule's id.
    pub id: String,
    /// Where it begins.
    pub line: usize,
    /// Its answer.
    pub then: Verdict,
    /// How risky a call is that matches; `None` where the rule does not say.
    pub risk: Option<u8>,
    /// True when all its conditions hold.
    pub matched: bool,
    /// True when it is one of the decision's makers.
    pub decides: bool,
    /// Its conditions, in the order of the file.
    pub conditions: Vec<ConditionReport>,
}

/// One condition beside the arguments.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ConditionReport {
    /// Which value.
    pub pointer: Pointer,
    /// What must be true of it.
    pub test: Test,
    /// Where it stands.
    pub line: usize,
    /// True when it is.
    pub held: bool,
    /// The value as JSON, cut to a line; `None` where there is none.
    pub found: Option<String>,
}

/// What would change the answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// Lines of the policy file, all of which have to change; empty when no line is to blame.
    pub lines: Vec<usize>,
    /// One sentence for the operator.
    pub text: String,
}

impl Policy {
    /// Explains the decision about one call.
    pub fn explain(&self, tool: &str, arguments: &Value) -> Explanation {
        let decision = self.decide(tool, arguments);
        let known = self.tools.get(tool);
        let rules = known.map_or(&[][..], |tool| tool.rules.as_slice());
        let change = match known {
            Some(tool) => self.change(tool, arguments, &decision),
            None => self.unknown_tool(tool),
        };
        let rules = rules.iter().map(|rule| report(rule, arguments, &decision)).collect();
        Explanation { tool: tool.to_owned(), decision, rules, change }
    }

    fn change(&self, tool: &ToolPolicy, arguments: &Value, decision: &Decision) -> Change {
        match decision.reason {
            DecisionReason::RuleMatched => self.other_rule(tool, arguments, decision.verdict),
            DecisionReason::NoRuleMatched => self.other_default(tool, arguments),
            DecisionReason::UnknownTool => self.unknown_tool(&tool.name),
            DecisionReason::EvaluationError => Change {
                lines: Vec::new(),
                text: "the arguments are not a JSON object, which no line of the policy allows".to_owned(),
            },
        }
    }

    /// The deciding rules, all of which must go before a weaker one can speak.
    fn other_rule(&self, tool: &ToolPolicy, arguments: &Value, verdict: Verdict) -> Change {
        let rules = tool.rules.iter().enumerate();
        let makers = rules.filter(|(_, rule)| rule.then == verdict && rule.matches(arguments));
        let lines: Vec<usize> = makers.map(|(at, _)| tool.place(&format!("rule[{at}].then")).line).collect();
        let listed: Vec<String> = lines.iter().map(usize::to_string).collect();
        let each = if lines.len() > 1 { ", each of them" } else { "" };
        let text = format!("{}:{}: change `then = \"{verdict}\"`{each}", self.file, listed.join(", "));
        Change { lines, text }
    }

    /// The rule that is nearest to matching, else the tool's own verdict.
    fn other_default(&self, tool: &ToolPolicy, arguments: &Value) -> Change {
        let failing = |rule: &Rule| rule.when.iter().filter(|one| !one.holds(arguments)).count();
        let others = tool.rules.iter().filter(|rule| rule.then != tool.verdict);
        if let Some(rule) = others.min_by_key(|rule| failing(rule)) {
            let failing = || rule.when.iter().filter(|one| !one.holds(arguments));
            let lines: Vec<usize> = failing().map(|one| one.place.line).collect();
            let reasons: Vec<String> = failing().map(|one| said(one, arguments)).collect();
            let line = lines.first().copied().unwrap_or(rule.line);
            let (file, id, then) = (&self.file, &rule.id, rule.then);
            let text = format!("{file}:{line}: `{id}` would {then}, but {}", reasons.join("; and "));
            return Change { lines, text };
        }
        let line = tool.place("verdict").line;
        let other = if tool.verdict == Verdict::Allow { Verdict::Deny } else { Verdict::Allow };
        let (file, name) = (&self.file, &tool.name);
        let text = format!("{file}:{line}: write `verdict = \"{other}\"` or a rule under `[tools.{name}]`");
        Change { lines: vec![line], text }
    }

    fn unknown_tool(&self, name: &str) -> Change {
        let help = match nearest(name, self.tools.keys().map(String::as_str)) {
            Some(right) => format!("did you mean `{right}`?"),
            None => "`toolgate add FILE.wasm --policy F` registers one".to_owned(),
        };
        let text = format!("{} has no tool `{}`; {help}", self.file, cut(&name.escape_debug().to_string()));
        Change { lines: Vec::new(), text }
    }
}

fn report(rule: &Rule, arguments: &Value, decision: &Decision) -> RuleReport {
    let asked = decision.reason != DecisionReason::EvaluationError;
    let condition = |one: &Condition| ConditionReport {
        pointer: one.pointer.clone(),
        test: one.test.clone(),
        line: one.place.line,
        held: asked && one.holds(arguments),
        found: found(one, arguments),
    };
    RuleReport {
        id: rule.id.to_string(),
        line: rule.line,
        then: rule.then,
        risk: rule.risk,
        matched: asked && rule.matches(arguments),
        decides: decision.rules.contains(&rule.id.0),
        conditions: rule.when.iter().map(condition).collect(),
    }
}

/// Why a condition does not hold.
fn said(condition: &Condition, arguments: &Value) -> String {
    let found = found(condition, arguments).unwrap_or_else(|| "absent".to_owned());
    let (name, operand) = (condition.test.name(), cut(&condition.test.operand().to_string()));
    format!("`{}` is {found}, where it says `{name} = {operand}`", condition.pointer)
}

fn found(condition: &Condition, arguments: &Value) -> Option<String> {
    arguments.pointer(condition.pointer.as_str()).map(|value| cut(&value.to_string()))
}

fn cut(text: &str) -> String {
    const CHARS_MAX: usize = 80;
    let cut: String = text.chars().take(CHARS_MAX).collect();
    if cut.len() < text.len() { format!("{cut}…") } else { cut }
}
