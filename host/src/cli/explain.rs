//! `toolgate explain`: which rule decides about a call, and which line would change the answer.

use super::{CliError, Console, JsonArg, PolicyArg};
use serde_json::Value;
use toolgate::policy::Explanation;
use toolgate::sanitizer::clean_line;
use toolgate::schema::strict;

/// Say which rule decides about a call, and why.
#[derive(Debug, clap::Args)]
pub(super) struct Explain {
    #[command(flatten)]
    policy: PolicyArg,
    /// The tool's name.
    tool: String,
    /// The arguments, a JSON object.
    #[arg(value_name = "JSON", default_value = "{}")]
    arguments: String,
    #[command(flatten)]
    json: JsonArg,
}

impl Explain {
    pub(super) fn run(self, console: &mut Console) -> Result<u8, CliError> {
        let (policy, _) = toolgate::opening::load_policy(&self.policy.policy)?;
        let arguments: Value = strict::parse(self.arguments.as_bytes(), &strict::Caps::default())
            .map_err(|error| CliError::Usage(format!("the arguments are not usable JSON: {error}")))?;
        let explanation = policy.explain(&self.tool, &arguments);
        if self.json.json {
            console.json(&explanation)?;
        } else {
            print(&explanation, &policy.file, console)?;
        }
        Ok(0)
    }
}

fn print(explanation: &Explanation, file: &str, console: &mut Console) -> Result<(), CliError> {
    let decision = &explanation.decision;
    let by =
        if decision.rules.is_empty() { String::new() } else { format!(" by {}", decision.rules.join(", ")) };
    let at = decision.line.map(|line| format!(" ({file}:{line})")).unwrap_or_default();
    console.line(format!("{}: {}{by}{at}", clean_line(&explanation.tool), decision.verdict))?;
    for rule in &explanation.rules {
        let mark = if rule.decides { "→" } else { " " };
        let matched = if rule.matched { "matches" } else { "does not match" };
        console.line(format!("{mark} line {}: {} → {}: {matched}", rule.line, rule.id, rule.then))?;
        for condition in &rule.conditions {
            let mark = if condition.held { "✓" } else { "✗" };
            let found = condition.found.as_deref().map_or_else(|| "nothing there".to_owned(), clean_line);
            let test = &condition.test;
            console.line(format!(
                "    {mark} {} {} {}; found {found}",
                condition.pointer,
                test.name(),
                test.operand()
            ))?;
        }
    }
    console.line(&explanation.change.text)?;
    Ok(())
}
