//! `[[tools.NAME.rule]]`: conditions on the arguments, then a verdict.

use super::decimal::Score;
use crate::policy::compiled::Verdict;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Number, Value};

/// When all conditions hold, the verdict speaks. Of all rules that match, deny wins over ask and ask over
/// allow, in whatever order they stand.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::policy) struct Rule {
    /// Its name in decisions and on the ledger. Default: `tools.NAME.rule[INDEX]`.
    pub(in crate::policy) id: Option<String>,
    /// The conditions. All must hold; without any the rule always matches.
    #[serde(default)]
    pub(in crate::policy) when: Vec<Condition>,
    /// `allow`, `ask` (a person decides) or `deny`.
    pub(in crate::policy) then: Verdict,
    /// For the agent: what to do instead, or next. It is shown to the model; name no secret here.
    pub(in crate::policy) hint: Option<String>,
    /// How risky a call is that matches, from 0 to 100. The highest of the tool and its matching rules counts.
    pub(in crate::policy) risk: Option<Score>,
}

/// Tests on one value of the arguments; at least one, and all must hold. A value that is absent or of
/// another kind fails every test but `present`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::policy) struct Condition {
    /// JSON Pointer (RFC 6901) into the arguments, such as `/path` or `/items/0/name`; empty for all of them.
    #[schemars(regex(pattern = r"^(/([^~]|~[01])*)?$"))]
    pub(in crate::policy) pointer: String,
    /// The same value; numbers by value (`1` is `1.0`).
    pub(in crate::policy) equals: Option<Value>,
    /// The same as one of these.
    #[serde(rename = "in")]
    #[schemars(length(min = 1))]
    pub(in crate::policy) one_of: Option<Vec<Value>>,
    /// A string in which this pattern matches somewhere; tie it with `^` and `$`. Linear time: no
    /// look-around and no back-references.
    pub(in crate::policy) matches: Option<String>,
    /// A number from `min` to `max`, both included.
    pub(in crate::policy) range: Option<Range>,
    /// A string of so many characters, an array of so many items, or an object of so many members.
    pub(in crate::policy) length: Option<Length>,
    /// There at all (`true`; `null` is there), or not (`false`).
    pub(in crate::policy) present: Option<bool>,
}

/// A number from `min` to `max`, both included; at least one of them.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::policy) struct Range {
    /// No less than this.
    pub(in crate::policy) min: Option<Number>,
    /// No more than this.
    pub(in crate::policy) max: Option<Number>,
}

/// A length from `min` to `max`, both included; at least one of them.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::policy) struct Length {
    /// No fewer than this.
    pub(in crate::policy) min: Option<u64>,
    /// No more than this.
    pub(in crate::policy) max: Option<u64>,
}
