//! The outside world that counts: tools whose every execution leaves one file, and reading those files back.
//!
//! Not here: what the numbers must be (`audit.rs`). Invariant: one system call of the guest makes a trace, so it is
//! there or it is not, whenever the process dies; nobody else makes or removes one.

use crate::hostile::wat;
use crate::support::TestGate;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use toolgate::call::CallId;

/// The guest of every tool but `echo`.
const GUEST: &str = include_str!("effect.wat");

/// A busy machine is no fault of the guest.
const PATIENT: &str = "limits.deadline = \"1h\"\nlimits.call_deadline = \"1h\"\n";

/// A tool of the workload, named after its effect; `echo` is the read-only one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tool {
    Echo,
    Once,
    Keyed,
    Idempotent,
}

impl Tool {
    /// Every tool.
    pub(super) const ALL: [Self; 4] = [Self::Echo, Self::Once, Self::Keyed, Self::Idempotent];

    /// Those that leave traces.
    pub(super) const WITH_EFFECT: [Self; 3] = [Self::Once, Self::Keyed, Self::Idempotent];

    /// Its name, and its effect where it has one.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Echo => "echo",
            Self::Once => "once",
            Self::Keyed => "keyed",
            Self::Idempotent => "idempotent",
        }
    }

    /// The tool of this name.
    pub(super) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tool| tool.as_str() == name)
    }
}

/// One execution, as the outside world saw it.
#[derive(Debug, Clone)]
pub(super) struct Trace {
    /// What was asked.
    pub(super) text: String,
    /// The call that the guest was told it is.
    pub(super) call: CallId,
    /// The idempotency key that it was given; empty without one.
    pub(super) key: String,
}

/// The folder of a host with these tools and these sections in its policy.
pub(super) fn host(sections: &str) -> TestGate {
    let test = TestGate::new().host("concurrency = 8\nqueue = 64").section(sections);
    let test = test.built("echo", "echo", PATIENT);
    components().iter().fold(test, |test, (tool, component)| {
        let folder = folder(&test, *tool);
        std::fs::create_dir_all(&folder).expect("a folder for its traces");
        test.tool(tool.as_str(), component, &policy(*tool, &folder))
    })
}

/// Every execution of a tool, in no order.
pub(super) fn traces(test: &TestGate, tool: Tool) -> Vec<Trace> {
    let files = std::fs::read_dir(folder(test, tool)).expect("the folder of the traces");
    let names = files.map(|file| file.expect("a trace").file_name().into_string().expect("a plain name"));
    names.map(|name| read(&name)).collect()
}

/// `TEXT.CALL.KEY`; only the key may hold dots.
fn read(name: &str) -> Trace {
    let parts: Vec<&str> = name.splitn(3, '.').collect();
    let [text, call, key] = parts[..] else { panic!("not a trace: {name}") };
    let call = call.parse::<CallId>().unwrap_or_else(|error| panic!("{name}: {error}"));
    Trace { text: text.to_owned(), call, key: key.to_owned() }
}

fn folder(test: &TestGate, tool: Tool) -> PathBuf {
    test.path("traces").join(tool.as_str())
}

fn policy(tool: Tool, folder: &Path) -> String {
    let name = tool.as_str();
    format!(
        "effect = {name:?}\n{PATIENT}[[tools.{name}.grants.fs]]\nhost = {folder:?}\nguest = \"/work\"\n\
         access = \"read-write\"\nbytes_max = \"1MiB\"\nfiles_max = 10"
    )
}

/// Made once in a process.
fn components() -> &'static [(Tool, Vec<u8>)] {
    static MADE: OnceLock<Vec<(Tool, Vec<u8>)>> = OnceLock::new();
    MADE.get_or_init(|| {
        let made = |tool: Tool| (tool, wat::component_of(tool.as_str(), GUEST));
        Tool::WITH_EFFECT.into_iter().map(made).collect()
    })
}
