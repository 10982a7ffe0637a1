//! The compiled policy: what the rest of the host reads. Every default is filled in, every path is
//! absolute or relative to the policy's folder as noted, every unit is a plain number.
//!
//! Not here: TOML (`document/`), the checks that lead here (`compile`), the verdict (`decide`).
//! Invariant: only `compile` builds a [`Policy`], so every value in one has passed every check.

use super::approval::{Approval, Escalation};
use super::condition::Condition;
use super::diagnostic::Place;
use super::fallback::Fallback;
use crate::guard::settings::{RunGuards, SpendGuards, ToolGuards};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// What a repeat of the call may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// Run freely.
    ReadOnly,
    /// Same arguments, same end state.
    Idempotent,
    /// The tool honors the idempotency key.
    Keyed,
    /// Never repeated by the host.
    Once,
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ReadOnly => "read-only",
            Self::Idempotent => "idempotent",
            Self::Keyed => "keyed",
            Self::Once => "once",
        })
    }
}

/// Where the idempotency key comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum KeySource {
    /// From `_meta` or the API; without one, every call stands alone.
    Client,
    /// Derived per run from the RFC 8785 form of the arguments when the client gives none.
    Arguments,
}

/// Who wrote what the tool returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Trust {
    /// The tool computes it; no envelope.
    Own,
    /// Somebody else wrote it; the text goes into an envelope.
    Outside,
}

/// What the client gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Channel {
    /// Structured content and text.
    Both,
    /// Text alone; no output schema is advertised.
    Text,
}

/// The answer of a rule. Precedence: deny > ask > allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// May run.
    Allow,
    /// A person decides.
    Ask,
    /// May not run.
    Deny,
}

/// Limits of one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Limits {
    /// Guest work.
    pub fuel: u64,
    /// One execution, wall time.
    pub deadline: Duration,
    /// The whole call with retries, wall time.
    pub call_deadline: Duration,
    /// All linear memories and tables together, in bytes.
    pub memory_bytes: u64,
    /// The raw output, in bytes.
    pub output_bytes: u64,
}

impl Limits {
    /// The limits of a tool whose policy names none.
    pub const BUILT_IN: Self = Self {
        fuel: 1_000_000_000,
        deadline: Duration::from_secs(5),
        call_deadline: Duration::from_secs(30),
        memory_bytes: 64 << 20,
        output_bytes: 256 << 10,
    };
}

/// Read, or read and write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Access {
    /// Nothing can change.
    Read,
    /// Files may be made, changed and removed within the quotas.
    ReadWrite,
}

/// One folder of the host, shown to the guest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FsGrant {
    /// The host folder: absolute, or relative to the policy's folder.
    pub host: PathBuf,
    /// Where the guest sees it; absolute, `/`-separated, no `.` or `..`.
    pub guest: String,
    /// What may be done there.
    pub access: Access,
    /// Bytes that one call may write.
    pub bytes_max: u64,
    /// Files and folders that one call may make.
    pub files_max: u64,
}

/// All grants of one tool. Everything is off unless it stands here.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Grants {
    /// Folders.
    pub fs: Vec<FsGrant>,
    /// Environment variables, name to value.
    pub env: BTreeMap<String, String>,
    /// The real clock; otherwise it stands at the call's start.
    pub clock: bool,
    /// Real entropy; otherwise a generator seeded from the call id.
    pub random: bool,
    /// `log` lines are kept on the ledger; otherwise they are dropped.
    pub log: bool,
}

/// The policy of one host process: the compiled form of one TOML file.
#[derive(Debug, Clone)]
pub struct Policy {
    /// The file's name as the caller gave it, for messages.
    pub file: String,
    /// SHA-256 that changes when the file or the environment it reads does: over the text's length and
    /// the text, then every `${NAME}` that was read, in the order of names, as length-prefixed name and value.
    pub digest: [u8; 32],
    /// `[host]`.
    pub host: HostSettings,
    /// `[run]`.
    pub run: RunSettings,
    /// `[spend]`.
    pub spend: Arc<SpendGuards>,
    /// `[escalation]`.
    pub escalation: Escalation,
    /// `[sanitize]`.
    pub sanitize: SanitizeSettings,
    /// `[tools.NAME]`, by name. A tool that is not here does not exist.
    pub tools: BTreeMap<String, ToolPolicy>,
}

/// `[host]`: the process itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HostSettings {
    /// On whose account the calls run.
    pub principal: String,
    /// The ledger's file: absolute, or relative to the policy's folder.
    pub ledger: PathBuf,
    /// The compiled cache's folder: absolute, or relative to the policy's folder.
    pub cache: PathBuf,
    /// Calls that may run at once; `None` is 4 × cores, which only the caller can count.
    pub concurrency: Option<usize>,
    /// Calls that may wait for a slot; one more is `rate_limited`.
    pub queue: usize,
}

impl HostSettings {
    /// Calls at once on any machine: each may reserve 64 GiB of address space (16 memories of 4 GiB), and this many use
    /// half of what there is.
    pub const CONCURRENCY_MAX: usize = 1_024;
}

/// Which run a client gets that names none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RunFrom {
    /// One run per host process.
    Process,
    /// The run that belongs to a name: `serve --run NAME`, else [`RunSettings::name`].
    Name,
    /// The run that belongs to the value of this environment variable.
    Env(String),
}

/// `[run]`: the identity of runs, what each call of one must carry, and what a run may spend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunSettings {
    /// Which run a client gets that names none.
    pub from: RunFrom,
    /// The run's name where `from` is [`RunFrom::Name`] and the command line gives none.
    pub name: Option<String>,
    /// Keys that `toolgate/context` must hold; a call without one is refused as `missing_context`.
    pub required_context: Vec<String>,
    /// What a run may spend, and when it is stopped.
    pub guards: Arc<RunGuards>,
}

/// `[sanitize]`: the caps of what a model may be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct SanitizeSettings {
    /// One string leaf or key, in bytes; the rest is cut.
    pub string_bytes_max: u64,
    /// Nesting of arrays and objects; what lies deeper is cut.
    pub depth_max: u32,
    /// The whole text form of one result, in bytes; the rest is cut.
    pub text_bytes_max: u64,
}

/// `[tools.NAME]`: one tool and all that it may do.
#[derive(Debug, Clone)]
pub struct ToolPolicy {
    /// The tool's name, as the component's definitions give it.
    pub name: String,
    /// The component's file: absolute, or relative to the policy's folder.
    pub component: PathBuf,
    /// What the component's bytes must hash to; `None` only in development.
    pub sha256: Option<[u8; 32]>,
    /// The answer when no rule matches.
    pub verdict: Verdict,
    /// The rules in the order of the file; order does not matter to the verdict.
    pub rules: Vec<Rule>,
    /// What a repeat of the call may do.
    pub effect: Effect,
    /// Where the idempotency key comes from.
    pub key: KeySource,
    /// Who wrote what it returns.
    pub trust: Trust,
    /// Limits of one call.
    pub limits: Limits,
    /// All that it may reach.
    pub grants: Grants,
    /// What the client gets.
    pub output: Channel,
    /// What it costs, how often it may be called, and when it is retried or left alone.
    pub guards: Arc<ToolGuards>,
    /// What the agent gets when it fails or is left alone; `None` is the error itself.
    pub fallback: Option<Fallback>,
    /// How risky a call is, from 0 to 100.
    pub risk: u8,
    /// When a person decides about a call that the rules allow, and for how long.
    pub approval: Approval,
    /// Where its keys stand in the file, by dotted name below the tool (`grants.fs[0]`); the tool itself is `""`.
    pub places: BTreeMap<String, Place>,
}

/// A rule's name in decisions, on the ledger and in messages: its `id`, else `tools.NAME.rule[INDEX]`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct RuleId(pub String);

impl fmt::Display for RuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// `[[tools.NAME.rule]]`: when all conditions hold, this verdict speaks.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Its name.
    pub id: RuleId,
    /// Its answer.
    pub then: Verdict,
    /// All of them must hold; none at all holds always.
    pub when: Vec<Condition>,
    /// For the agent: what to do instead, or next.
    pub hint: Option<String>,
    /// How risky a call is that matches, from 0 to 100.
    pub risk: Option<u8>,
    /// The line of the file where it begins, from 1.
    pub line: usize,
}

impl ToolPolicy {
    /// Where a key stands, by its dotted name below the tool; the tool itself where it is not written.
    pub fn place(&self, key: &str) -> Place {
        let written = self.places.get(key).or_else(|| self.places.get(""));
        written.cloned().unwrap_or_default()
    }

    /// True when some argument could make the answer allow or ask.
    pub fn can_run(&self) -> bool {
        self.verdict != Verdict::Deny || self.rules.iter().any(|rule| rule.then != Verdict::Deny)
    }
}

impl Verdict {
    /// The word in a policy.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Ask => "ask",
            Self::Deny => "deny",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
