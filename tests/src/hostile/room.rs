//! A gate with a hostile tool and a good one side by side, and what a test says of the hostile one.
//!
//! Invariant: whatever the case, the host's memory and the time stay within bounds, and the good tool
//! answers before and after on the same gate.

use super::wat;
use crate::support::gate::wide_open;
use serde_json::{Value, json};
use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use toolgate::call::{Outcome, Reason, Status};
use toolgate::catalog::Compiler;
use toolgate::{Gate, GateError, GateOptions, Run, RunOptions};

/// Four calls at once.
const HEAD: &str = "[host]\nconcurrency = 4\n";
/// The memory limit of a call, and as much again for the host's own work.
const MEMORY_GROWTH_MAX: u64 = 128 << 20;
/// Loading compiles and may read a component of some megabytes several times over.
const LOADING_GROWTH_MAX: u64 = 384 << 20;
/// Far above the default deadline of 5 s: machines are slow and busy.
const WALL_MAX: Duration = Duration::from_secs(20);

/// Little enough to be spent long before the deadline, on the slowest machine.
pub(super) const LITTLE_FUEL: &str = "limits = { fuel = \"20M\" }";

/// One component and the policy's words about the tool in it.
pub(super) struct Tool {
    pub(super) name: String,
    pub(super) component: Vec<u8>,
    /// TOML below `[tools.NAME]`.
    pub(super) policy: String,
}

impl Tool {
    /// The guest of this name, with nothing granted.
    pub(super) fn guest(name: &str) -> Self {
        Self::of(name, wat::component(name))
    }

    /// A tool of other bytes.
    pub(super) fn of(name: &str, component: Vec<u8>) -> Self {
        Self { name: name.to_owned(), component, policy: String::new() }
    }

    /// With more policy.
    pub(super) fn with(mut self, policy: &str) -> Self {
        self.policy.push_str(policy);
        self.policy.push('\n');
        self
    }
}

/// An open gate over a folder of its own.
pub(super) struct Room {
    pub(super) gate: Gate,
    pub(super) run: Run,
    _folder: TempDir,
}

impl Room {
    /// Opens a gate with these tools and `echo`, four calls at once.
    pub(super) async fn open(tools: &[Tool]) -> Result<Self, GateError> {
        Self::open_with(HEAD, tools).await
    }

    /// As [`Room::open`], with the policy's other sections.
    pub(super) async fn open_with(head: &str, tools: &[Tool]) -> Result<Self, GateError> {
        Self::open_as(head, tools, GateOptions::default()).await
    }

    /// As [`Room::open`], compiling there.
    pub(super) async fn open_compiling(tools: &[Tool], compiler: Compiler) -> Result<Self, GateError> {
        Self::open_as(HEAD, tools, GateOptions { compiler, ..GateOptions::default() }).await
    }

    async fn open_as(head: &str, tools: &[Tool], options: GateOptions) -> Result<Self, GateError> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut policy = wide_open(head);
        let echo = Tool::guest("echo");
        for tool in tools.iter().filter(|tool| tool.name != "echo").chain([&echo]) {
            let (name, rest) = (&tool.name, &tool.policy);
            std::fs::write(folder.path().join(format!("{name}.wasm")), &tool.component)
                .expect("the folder is writable");
            policy.push_str(&format!(
                "[tools.{name}]\ncomponent = \"{name}.wasm\"\nverdict = \"allow\"\neffect = \"read-only\"\n{rest}\n"
            ));
        }
        let path = folder.path().join("policy.toml");
        std::fs::write(&path, policy).expect("the folder is writable");
        let gate = Gate::open_with(&path, options).await?;
        let run = gate.run(RunOptions::default()).await?;
        Ok(Self { gate, run, _folder: folder })
    }

    /// The good tool answers.
    pub(super) async fn good_call(&self) {
        let asked = json!({"text": "still here"});
        let outcome = self.run.call("echo", asked.clone()).await;
        assert_eq!(
            (outcome.status, outcome.output.as_ref()),
            (Status::Completed, Some(&asked)),
            "{outcome:?}"
        );
    }
}

/// How a case must end.
enum Ends {
    With(&'static str),
    Completed(fn(&Value) -> bool),
    AtLoad(&'static str),
}

/// What a test says of one guest.
pub(super) struct Case {
    ends: Ends,
    policy: &'static str,
    because: &'static str,
    growth_max: u64,
    wall_max: Duration,
}

impl Case {
    fn new(ends: Ends) -> Self {
        let growth_max = if matches!(ends, Ends::AtLoad(_)) { LOADING_GROWTH_MAX } else { MEMORY_GROWTH_MAX };
        Self { ends, policy: "", because: "", growth_max, wall_max: WALL_MAX }
    }

    /// TOML below `[tools.NAME]`.
    pub(super) fn policy(mut self, policy: &'static str) -> Self {
        self.policy = policy;
        self
    }

    /// Words of the operator's sentence, so that a guest cannot fail for another reason than its own.
    pub(super) fn because(mut self, words: &'static str) -> Self {
        self.because = words;
        self
    }

    pub(super) fn within(mut self, wall_max: Duration) -> Self {
        self.wall_max = wall_max;
        self
    }

    /// Runs the case: twice, since a call must leave nothing behind.
    pub(super) fn run(self, guest: &'static str) {
        self.run_tool(Tool::guest(guest));
    }

    /// Runs the case with a tool that was made elsewhere.
    pub(super) fn run_tool(self, tool: Tool) {
        let tool = tool.with(self.policy);
        alone(async move {
            if let Ends::AtLoad(why) = self.ends {
                return refused_at_load(&tool, why, self.growth_max).await;
            }
            let room = Room::open(std::slice::from_ref(&tool)).await.expect("the gate opens");
            room.good_call().await;
            for _ in 0..2 {
                let (outcome, cost) = measured(room.run.call(&tool.name, json!({}))).await;
                self.ended(&outcome);
                cost.within(self.growth_max, self.wall_max);
                room.good_call().await;
            }
        });
    }

    fn ended(&self, outcome: &Outcome) {
        let reason = outcome.reason.map(Reason::as_str);
        match &self.ends {
            Ends::With(word) => {
                assert_eq!(reason, Some(*word), "{outcome:?}");
                let operator = outcome.operator.as_deref().unwrap_or_default();
                assert!(operator.contains(self.because), "{operator}");
            }
            Ends::Completed(right) => {
                assert_eq!((outcome.status, reason), (Status::Completed, None), "{outcome:?}");
                let output = outcome.output.as_ref().expect("a completed call has its output");
                assert!(right(output), "{output}");
            }
            Ends::AtLoad(_) => {}
        }
    }
}

/// The call ends with this reason code.
pub(super) fn ends_with(reason: &'static str) -> Case {
    Case::new(Ends::With(reason))
}

/// The call completes, and its output is as `right` says.
pub(super) fn completes(right: fn(&Value) -> bool) -> Case {
    Case::new(Ends::Completed(right))
}

/// The gate does not open, and the sentence holds these words; without the guest it opens.
pub(super) fn refused(why: &'static str) -> Case {
    Case::new(Ends::AtLoad(why))
}

async fn refused_at_load(tool: &Tool, why: &str, growth_max: u64) {
    let (opened, cost) = measured(Room::open(std::slice::from_ref(tool))).await;
    let error = opened.err().unwrap_or_else(|| panic!("{} must be refused", tool.name)).to_string();
    assert!(error.contains(why), "{error}");
    assert!(error.len() < 4096, "the message itself is bounded: {}", error.len());
    cost.within(growth_max, WALL_MAX);
    Room::open(&[]).await.expect("the gate opens without it").good_call().await;
}

/// What something took.
#[derive(Debug)]
pub(super) struct Cost {
    /// The most resident memory over that at the start.
    pub(super) growth_bytes: u64,
    pub(super) wall: Duration,
}

impl Cost {
    pub(super) fn within(&self, growth_max: u64, wall_max: Duration) {
        assert!(self.growth_bytes <= growth_max, "{self:?} over {growth_max} bytes");
        assert!(self.wall <= wall_max, "{self:?} over {wall_max:?}");
    }
}

/// Runs something and says what it took of this process.
pub(super) async fn measured<T>(what: impl Future<Output = T>) -> (T, Cost) {
    let (before, peak, ended) =
        (resident_bytes(), Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let (shared_peak, shared_end) = (Arc::clone(&peak), Arc::clone(&ended));
    let sampler = std::thread::spawn(move || {
        while !shared_end.load(Ordering::Relaxed) {
            shared_peak.fetch_max(resident_bytes(), Ordering::Relaxed);
            std::thread::sleep(Duration::from_millis(1));
        }
    });
    let started = Instant::now();
    let done = what.await;
    let wall = started.elapsed();
    peak.fetch_max(resident_bytes(), Ordering::Relaxed);
    ended.store(true, Ordering::Relaxed);
    sampler.join().expect("the sampler ends");
    (done, Cost { growth_bytes: peak.load(Ordering::Relaxed).saturating_sub(before), wall })
}

/// This process's resident memory: the second number of `/proc/self/statm`, in pages of 4 KiB.
pub(super) fn resident_bytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").expect("Linux has it");
    let pages = statm.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok());
    pages.expect("a number of pages") * 4096
}

/// Runs a test on a runtime of its own, one at a time in a process: memory is measured.
pub(super) fn alone(test: impl Future<Output = ()>) {
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime").block_on(test);
}
