//! The worker: this very test binary as a process of its own, in which a real gate makes the calls it is told.
//!
//! Requests come on stdin, a line each, to the end. On stdout it says `@opened` when the gate is open, `@` and an
//! answer for each call before it goes on to the next, and `@done` when the gate is closed. Not here: who starts and
//! kills it (`life.rs`). Invariant: an answer is printed only after the gate gave it.

use super::agent::{Answer, Request};
use super::points::{Point, Trapdoor};
use std::collections::VecDeque;
use std::collections::btree_map::{BTreeMap, Entry};
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex};
use tokio::runtime::Builder;
use tokio::task::JoinSet;
use toolgate::{Gate, GateOptions, Run, RunOptions};

/// The test below, as the test binary knows it.
pub(super) const TEST: &str = "crash_harness::worker::works_until_it_is_done_or_dies";
/// Names the environment variable with the policy's path; without it there is nothing to do.
pub(super) const POLICY: &str = "CRASH_WORKER_POLICY";
/// With how many calls to make at once.
pub(super) const AT_ONCE: &str = "CRASH_WORKER_AT_ONCE";
/// With where to die: a point's name, `:`, and at which hit.
pub(super) const DEATH: &str = "CRASH_WORKER_DEATH";

/// Said when the gate is open.
pub(super) const OPENED: &str = "opened";
/// Said when all is done and the gate is closed.
pub(super) const DONE: &str = "done";

#[test]
#[ignore = "it is a process of the crash harness, which starts it with what it needs"]
fn works_until_it_is_done_or_dies() {
    let Ok(policy) = std::env::var(POLICY) else { return };
    let at_once = crate::support::number(AT_ONCE).expect("how many calls at once");
    let death = std::env::var(DEATH).ok().map(|text| death(&text));
    let requests = std::io::stdin().lines().map(|line| line.expect("a line"));
    let requests = requests.map(|line| Request::parse(&line).expect("a request")).collect();
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    runtime.block_on(work(Path::new(&policy), death, at_once, requests));
    say(DONE);
}

fn death(text: &str) -> (Point, u64) {
    let (point, nth) = text.split_once(':').expect("a point and a hit");
    (Point::parse(point).expect("a point"), nth.parse().expect("a hit"))
}

async fn work(policy: &Path, death: Option<(Point, u64)>, at_once: u64, requests: VecDeque<Request>) {
    let options = GateOptions { disk: Trapdoor::new(death), ..GateOptions::default() };
    let gate = Gate::open_with(policy, options).await.expect("the gate opens");
    say(OPENED);
    let runs = Arc::new(runs(&gate, &requests).await);
    let requests = Arc::new(Mutex::new(requests));
    let mut callers = JoinSet::new();
    for _ in 0..at_once {
        callers.spawn(make(Arc::clone(&requests), Arc::clone(&runs)));
    }
    while let Some(ended) = callers.join_next().await {
        ended.expect("no call panics");
    }
    drop(runs);
    gate.close().await.expect("the gate closes");
}

/// The runs that the requests name: each is found again by its name, or opened.
async fn runs(gate: &Gate, requests: &VecDeque<Request>) -> BTreeMap<u64, Run> {
    let mut runs = BTreeMap::new();
    for request in requests {
        if let Entry::Vacant(place) = runs.entry(request.season) {
            let options = RunOptions { name: Some(request.run()), ..RunOptions::default() };
            place.insert(gate.run(options).await.expect("a run"));
        }
    }
    runs
}

/// Makes one call after the other until none is left.
async fn make(requests: Arc<Mutex<VecDeque<Request>>>, runs: Arc<BTreeMap<u64, Run>>) {
    let next = || requests.lock().expect("no panic before").pop_front();
    while let Some(request) = next() {
        let tool = request.tool.as_str();
        let outcome = runs[&request.season].call_with(tool, request.arguments(), request.meta()).await;
        say(&Answer::new(&request, &outcome).line());
    }
}

/// Past the capture of the test harness, which keeps `println!` to itself.
fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    // The harness may have begun a line of its own.
    out.write_all(format!("\n@{line}\n").as_bytes()).expect("somebody listens");
    out.flush().expect("somebody listens");
}
