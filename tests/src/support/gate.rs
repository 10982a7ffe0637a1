//! A folder with a policy and components: everything a host needs, gone when the test is over.
//!
//! The policy is written when a host opens; open several in a row to test what outlives one. Invariant: a
//! tool is allowed, read-only and its own author's unless the test says otherwise.

use super::guest::{Guest, component};
use super::until;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use tempfile::TempDir;
use toolgate::call::{Arguments, CallId, CallMeta, Outcome, RunId, Suggestion, hex};
use toolgate::ledger::{CallState, CallTrace, Ledger, LedgerReader, VerifyReport};
use toolgate::{Gate, GateError, GateOptions};

/// The folder of one host.
pub struct TestGate {
    folder: TempDir,
    host: Mutex<String>,
    sections: Mutex<String>,
    tools: Mutex<String>,
    guarded: bool,
}

/// Guards wide open: for what is about something else, and repeats the same call a thousand times.
const WIDE_OPEN: [(&str, &str); 3] = [
    (
        "[run]",
        "budgets = { steps = 1000000, proposals = 1000000, cost = \"1000000\" }\nrefusals_in_a_row = 1000\nrepetition = false\n",
    ),
    ("[spend]", "hour = \"1000000\"\nday = \"1000000\"\n"),
    ("[defaults]", "breaker = \"off\"\nretry = \"off\"\n"),
];

impl TestGate {
    /// A host without tools.
    pub fn new() -> Self {
        Self {
            folder: tempfile::tempdir().expect("a temporary folder"),
            host: Mutex::default(),
            sections: Mutex::default(),
            tools: Mutex::default(),
            guarded: false,
        }
    }

    /// Leaves the guards as they are by default; otherwise they are wide open.
    pub fn guarded(mut self) -> Self {
        self.guarded = true;
        self
    }

    /// A host whose one tool `guest` has this body of `call`; `policy` is more of its section.
    pub fn with(call_body_wat: &str, policy: &str) -> Self {
        Self::new().tool("guest", &component(call_body_wat), policy)
    }

    /// A host whose one tool `guest` always gives this output.
    pub fn answering(output: &str, policy: &str) -> Self {
        Self::new().guest(&Guest::answering(output), policy)
    }

    /// Adds lines to `[host]`.
    pub fn host(self, toml: &str) -> Self {
        push(&self.host, toml);
        self
    }

    /// Adds whole sections, such as `[run]`.
    pub fn section(self, toml: &str) -> Self {
        push(&self.sections, toml);
        self
    }

    /// Adds the tool `guest`.
    pub fn guest(self, guest: &Guest, policy: &str) -> Self {
        self.tool("guest", &guest.build(), policy)
    }

    /// Adds a tool whose component is these bytes.
    pub fn tool(self, name: &str, component: &[u8], policy: &str) -> Self {
        self.write_component(name, component);
        push(&self.tools, &tool_policy(name, &format!("{name}.wasm"), policy));
        self
    }

    /// Adds a tool of `tools/build`.
    pub fn built(self, component: &str, name: &str, policy: &str) -> Self {
        let path = built_component(component);
        push(&self.tools, &tool_policy(name, &path.display().to_string(), policy));
        self
    }

    /// Replaces a tool's component on disk.
    pub fn write_component(&self, name: &str, component: &[u8]) {
        std::fs::write(self.path(&format!("{name}.wasm")), component).expect("a component");
    }

    /// A path in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes the policy and gives its path.
    pub fn policy(&self) -> PathBuf {
        let path = self.path("toolgate.toml");
        std::fs::write(&path, self.policy_text()).expect("a policy");
        path
    }

    /// The policy's text.
    pub fn policy_text(&self) -> String {
        let read = |part: &Mutex<String>| part.lock().expect("no panic before").clone();
        let cache = compiled_cache();
        let sections = read(&self.sections);
        let sections = if self.guarded { sections } else { wide_open(&sections) };
        format!("[host]\ncache = {cache:?}\n{}\n{sections}\n{}", read(&self.host), read(&self.tools))
    }

    /// Opens a host.
    pub async fn open(&self) -> Gate {
        self.open_with(GateOptions::default()).await
    }

    /// Opens a host with options.
    pub async fn open_with(&self, options: GateOptions) -> Gate {
        match self.try_open(options).await {
            Ok(gate) => gate,
            Err(GateError::Policy { text, diagnostics, .. }) => panic!("{diagnostics:#?} in\n{text}"),
            Err(error) => panic!("the gate does not open: {error}"),
        }
    }

    /// Opens a host, or says why it does not open.
    pub async fn try_open(&self, options: GateOptions) -> Result<Gate, GateError> {
        Gate::open_with(self.policy(), options).await
    }

    /// The ledger's file.
    pub fn ledger(&self) -> PathBuf {
        let (policy, base) = toolgate::opening::load_policy(&self.policy()).expect("a policy");
        base.join(policy.host.ledger)
    }

    /// Reads the ledger, also while a host writes.
    pub fn reader(&self) -> LedgerReader {
        Ledger::read(&self.ledger()).expect("a readable ledger")
    }

    /// The calls of a run, in the order they arrived.
    pub fn calls(&self, run: RunId) -> Vec<CallTrace> {
        self.reader().trace(run).expect("a readable ledger").map(|trace| trace.calls).unwrap_or_default()
    }

    /// The calls of all runs.
    pub fn all_calls(&self) -> Vec<CallTrace> {
        let runs = self.reader().runs().expect("a readable ledger");
        runs.iter().flat_map(|run| self.calls(run.run)).collect()
    }

    /// Where one call stands on the ledger.
    pub fn state(&self, call: CallId) -> Option<CallState> {
        self.all_calls().into_iter().find(|one| one.call == call).map(|one| one.state)
    }

    /// Waits until a call has started, also of a host that has yet to make its ledger.
    pub async fn until_started(&self) {
        let started = |call: &CallTrace| call.state == CallState::Started;
        until("a call has started", || self.ledger().exists() && self.all_calls().iter().any(started)).await;
    }

    /// Asserts that the chain holds, and gives what was found.
    #[track_caller]
    pub fn verified(&self) -> VerifyReport {
        let report = self.reader().verify(None).expect("a readable ledger");
        assert!(report.ok, "{report:#?}");
        report
    }
}

/// The sections of a policy with the guards wide open, where they do not say otherwise.
pub fn wide_open(sections: &str) -> String {
    let mut text = sections.to_owned();
    for (head, lines) in WIDE_OPEN {
        let says =
            |line: &&str| !line.split(' ').next().is_some_and(|key| text.contains(&format!("\n{key} =")));
        let lines: String = lines.lines().filter(says).map(|line| format!("{line}\n")).collect();
        match text.find(head) {
            Some(at) => text.insert_str(at + head.len(), &format!("\n{lines}")),
            None => text.push_str(&format!("\n{head}\n{lines}")),
        }
    }
    text
}

/// One suggested call in the policy's own run.
pub fn suggest(tool: &str, arguments: &str) -> Suggestion {
    Suggestion { run: None, tool: tool.to_owned(), arguments: arguments.into(), meta: CallMeta::default() }
}

/// Runs one call in the policy's own run.
pub async fn call(gate: &Gate, tool: &str, arguments: &str) -> Outcome {
    gate.call(suggest(tool, arguments), None).await
}

/// Runs one call with an idempotency key.
pub async fn call_with_key(gate: &Gate, tool: &str, arguments: &str, key: &str) -> Outcome {
    gate.call(keyed(tool, arguments, key), None).await
}

/// One suggested call with an idempotency key.
pub fn keyed(tool: &str, arguments: &str, key: &str) -> Suggestion {
    let meta = CallMeta { idempotency_key: Some(key.to_owned()), ..CallMeta::default() };
    Suggestion { meta, ..suggest(tool, arguments) }
}

/// One suggested call whose arguments are any bytes.
pub fn raw(tool: &str, arguments: &[u8]) -> Suggestion {
    Suggestion { arguments: Arguments::Raw(arguments.to_vec()), ..suggest(tool, "") }
}

/// The section of one tool: allowed, read-only, its author's own, unless `more` says otherwise.
pub fn tool_policy(name: &str, component: &str, more: &str) -> String {
    let mut section = format!("[tools.{name}]\ncomponent = {component:?}\n");
    for (key, value) in [("verdict", "allow"), ("effect", "read-only"), ("trust", "own"), ("charge", "0.01")]
    {
        let head = more.split("\n[").next().unwrap_or_default();
        if !head.lines().any(|line| line.trim_start().starts_with(key)) {
            section.push_str(&format!("{key} = {value:?}\n"));
        }
    }
    section.push_str(more);
    section.push('\n');
    section
}

/// A component of this repository's tools, as `toolgate build` made it.
pub fn built_component(name: &str) -> PathBuf {
    let path = repository().join("tools/build").join(format!("{name}.wasm"));
    assert!(path.is_file(), "{} is missing: run `make guests`", path.display());
    path
}

/// The root of this repository.
pub fn repository() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().expect("the tests lie in the repository").to_owned()
}

/// The digest of a component, as policies spell it.
pub fn sha256(component: &[u8]) -> String {
    hex(&toolgate::catalog::digest(component))
}

/// One cache for all tests, so that each component is compiled once.
pub fn compiled_cache() -> PathBuf {
    super::binary::target_folder().join("test-cache/compiled")
}

fn push(part: &Mutex<String>, toml: &str) {
    let mut part = part.lock().expect("no panic before");
    part.push_str(toml);
    part.push('\n');
}
