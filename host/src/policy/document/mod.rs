//! The document: the TOML shape of a policy, one file per section, each key with its meaning and default.
//!
//! Not here: whether the values make sense together (`compile/`). The types below are the one home of
//! the shape: the reader refuses what they do not name, and the JSON Schema for editors is made of them.

mod approval;
mod budgets;
pub(super) mod decimal;
mod defaults;
mod deserializer;
mod elsewhere;
mod error;
mod escalation;
mod expand;
mod fallback;
mod grants;
mod guards;
mod host;
mod later;
mod limits;
mod output;
mod reader;
mod rule;
mod run;
mod sanitize;
mod spend;
mod switch;
mod tool;
mod tree;
pub(super) mod units;

pub(super) use approval::Approval;
pub(super) use budgets::Budgets;
pub(super) use defaults::Defaults;
#[cfg(test)]
pub(super) use elsewhere::misplaced_keys;
pub(super) use escalation::Escalation;
pub(super) use expand::{Environment, is_variable_name};
pub(super) use fallback::Fallback;
pub(super) use grants::{Fs, Grants};
pub(super) use guards::{Breaker, Rate, Retry};
pub(super) use host::Host;
#[cfg(test)]
pub(super) use later::later_keys;
pub(super) use limits::Limits;
pub(super) use reader::{Read, read};
pub(super) use rule::{Condition, Length, Range, Rule};
pub(super) use run::Run;
pub(super) use sanitize::Sanitize;
pub(super) use spend::Spend;
pub(super) use switch::Switch;
pub(super) use tool::Tool;
pub(super) use tree::Cursor;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// A Toolgate policy: what the tools of one host process may do. What is not allowed here is denied.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Toolgate policy")]
pub(super) struct Document {
    /// The process itself.
    pub(super) host: Option<Host>,
    /// What holds for every tool that does not say otherwise.
    pub(super) defaults: Option<Defaults>,
    /// The identity of runs, what every call must carry, and what a run may spend.
    pub(super) run: Option<Run>,
    /// What the principal may spend over all runs.
    pub(super) spend: Option<Spend>,
    /// Whose word approves.
    pub(super) escalation: Option<Escalation>,
    /// The caps of what a model may be shown.
    pub(super) sanitize: Option<Sanitize>,
    /// The tools, by the name that their component gives them. A tool that is not here does not exist.
    #[serde(default)]
    pub(super) tools: BTreeMap<String, Tool>,
}

/// The JSON Schema (2020-12) of a policy file, for editors. `policies/toolgate-policy.schema.json` is
/// this, kept in step by a test.
pub fn json_schema() -> Value {
    let mut schema = schemars::schema_for!(Document).into();
    without_null(&mut schema);
    schema
}

/// A key of TOML is there or not and never null: `X or null`, which serde reads, becomes `X`.
fn without_null(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            if let Some(Value::Array(types)) = members.get_mut("type") {
                types.retain(|one| one != "null");
                if let [one] = types.as_slice() {
                    let one = one.clone();
                    members.insert("type".to_owned(), one);
                }
            }
            if let Some(Value::Array(choices)) = members.get_mut("anyOf") {
                choices.retain(|one| one.get("type").is_none_or(|name| name != "null"));
                if let [Value::Object(one)] = choices.as_slice() {
                    let one = one.clone();
                    members.remove("anyOf");
                    members.extend(one);
                }
            }
            members.values_mut().for_each(without_null);
        }
        Value::Array(items) => items.iter_mut().for_each(without_null),
        _ => {}
    }
}
