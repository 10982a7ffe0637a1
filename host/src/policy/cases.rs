//! Cases: calls and the answers that a policy must give, in a `*.cases.toml` beside it.
//!
//! ```toml
//! [[case]]
//! name = "a report may be read"              # optional
//! tool = "read_file"
//! arguments = '{"path": "reports/may.md"}'   # JSON, as an agent sends it; default {}
//! verdict = "allow"
//! rule = "tools.read_file.rule[0]"           # one of the decision's makers
//! ```
//!
//! `rule` may be left out only where the decision names none: an unknown tool. Not here: reading files
//! and printing. Invariant: a case that cannot be read is an error and never a case that passes.

use super::compile::POLICY_BYTES_MAX;
use super::compiled::{Policy, Verdict};
use super::decide::Decision;
use super::diagnostic::{Diagnostic, Diagnostics, LineIndex, Place};
use super::document::{Cursor, Environment, Read, read};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The cases of one file.
#[derive(Debug, Clone, Default)]
pub struct Cases(Vec<Case>);

/// One call and the answer it must get.
#[derive(Debug, Clone)]
pub struct Case {
    /// What it shows.
    pub name: Option<String>,
    /// The tool.
    pub tool: String,
    /// The arguments.
    pub arguments: Value,
    /// The verdict that it must get.
    pub verdict: Verdict,
    /// A rule that must be among the decision's makers; `None` when there must be none.
    pub rule: Option<String>,
    /// Where it stands in its file, from 1.
    pub line: usize,
}

/// How one case went.
#[derive(Debug, Clone, Serialize)]
pub struct CaseResult {
    /// The case's name, else its tool and arguments.
    pub name: String,
    /// Where it stands in its file.
    pub line: usize,
    /// True when the answer is the expected one.
    pub passed: bool,
    /// The expected verdict.
    pub verdict: Verdict,
    /// The expected rule.
    pub rule: Option<String>,
    /// The answer.
    pub decision: Decision,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseFile {
    case: Vec<WrittenCase>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenCase {
    name: Option<String>,
    tool: String,
    arguments: Option<String>,
    verdict: Verdict,
    rule: Option<String>,
}

impl Cases {
    /// Each of them, in the order of the file.
    pub fn iter(&self) -> std::slice::Iter<'_, Case> {
        self.0.iter()
    }
}

/// Reads cases; `env` fills in `${NAME}` as it does in the policy.
///
/// # Errors
/// Everything that is wrong with the text.
pub fn parse(text: &str, env: &dyn Fn(&str) -> Option<String>) -> Result<Cases, Diagnostics> {
    let lines = LineIndex::new(text);
    if text.len() > POLICY_BYTES_MAX {
        let message = format!("the cases are longer than {POLICY_BYTES_MAX} bytes");
        let mut diagnostics = Diagnostics::default();
        diagnostics.push(Diagnostic::error("too_large", &Place::default(), message));
        return Err(diagnostics);
    }
    let read: Read<CaseFile> = read(text, &lines, &mut Environment::new(env));
    let mut diagnostics = read.diagnostics;
    let root = Cursor::root(&read.tree, &lines).key("case");
    let written = read.document.map(|file| file.case).unwrap_or_default();
    let cases = written.into_iter().enumerate();
    let cases = cases.filter_map(|(at, case)| compile(case, &root.item(at), &mut diagnostics)).collect();
    match diagnostics.is_empty() {
        true => Ok(Cases(cases)),
        false => Err(diagnostics.sorted()),
    }
}

fn compile(written: WrittenCase, cursor: &Cursor<'_>, diagnostics: &mut Diagnostics) -> Option<Case> {
    let arguments = match &written.arguments {
        None => Value::Object(Map::new()),
        Some(text) => match serde_json::from_str(text) {
            Ok(value) => value,
            Err(error) => {
                let place = cursor.key("arguments").place();
                let message = format!("the arguments are not JSON: {error}");
                diagnostics.push(Diagnostic::error("bad_arguments", &place, message));
                return None;
            }
        },
    };
    Some(Case {
        name: written.name,
        tool: written.tool,
        arguments,
        verdict: written.verdict,
        rule: written.rule,
        line: cursor.place().line,
    })
}

/// Asks the policy every case.
pub fn run(policy: &Policy, cases: &Cases) -> Vec<CaseResult> {
    cases.iter().map(|case| run_case(policy, case)).collect()
}

fn run_case(policy: &Policy, case: &Case) -> CaseResult {
    let decision = policy.decide(&case.tool, &case.arguments);
    let rule_fits = match &case.rule {
        Some(rule) => decision.rules.contains(rule),
        None => decision.rules.is_empty(),
    };
    CaseResult {
        name: case.name.clone().unwrap_or_else(|| format!("{} {}", case.tool, case.arguments)),
        line: case.line,
        passed: decision.verdict == case.verdict && rule_fits,
        verdict: case.verdict,
        rule: case.rule.clone(),
        decision,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::compile;

    const POLICY: &str = "[tools.t]\ncomponent = 't.wasm'\n[[tools.t.rule]]\nid = 'small'\n\
        when = [{ pointer = '/n', range = { max = 3 } }]\nthen = 'allow'\n";

    fn passed(cases: &str) -> Vec<bool> {
        let policy = compile(POLICY, "p.toml", &|_| None).unwrap().policy;
        run(&policy, &parse(cases, &|_| None).unwrap()).iter().map(|one| one.passed).collect()
    }

    #[test]
    fn a_case_passes_only_with_its_verdict_and_its_rule() {
        let case = |verdict: &str, rule: &str| {
            format!("[[case]]\ntool = 't'\narguments = '{{\"n\": 1}}'\nverdict = '{verdict}'\n{rule}\n")
        };
        assert_eq!(passed(&case("allow", "rule = 'small'")), [true]);
        assert_eq!(passed(&case("deny", "rule = 'small'")), [false]);
        assert_eq!(passed(&case("allow", "rule = 'other'")), [false]);
        assert_eq!(passed(&case("allow", "")), [false]);
    }

    #[test]
    fn the_default_verdict_and_an_unknown_tool_can_be_cases() {
        let text = "[[case]]\ntool = 't'\nverdict = 'deny'\nrule = 'tools.t.verdict'\n\
            [[case]]\ntool = 'u'\nverdict = 'deny'\n";
        assert_eq!(passed(text), [true, true]);
    }

    #[test]
    fn every_error_of_a_file_is_reported_at_once() {
        let text = "[[case]]\ntool = 't'\nverdict = 'maybe'\n[[case]]\ntool = 't'\nverdict = 'deny'\n\
            arguments = '{'\nrules = 'x'\n";
        let found = parse(text, &|_| None).unwrap_err();
        let codes: Vec<_> = found.iter().map(|one| (one.line, one.code)).collect();
        assert_eq!(codes, [(3, "unknown_word"), (7, "bad_arguments"), (8, "unknown_key")]);
    }

    #[test]
    fn a_file_without_cases_is_an_error() {
        assert_eq!(parse("", &|_| None).unwrap_err().iter().next().unwrap().code, "missing_key");
    }
}
