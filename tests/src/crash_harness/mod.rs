//! The crash harness: real hosts killed hundreds of times on one ledger, while an agent goes on with its work.
//!
//! Each life of a host is a process of its own (`worker.rs`), with a real gate, a real ledger and real guests whose
//! every execution leaves a trace outside (`effects.rs`). It gets `SIGKILL` at a named point of its way to the disk
//! (`points.rs`), or at a random moment by its parent (`life.rs`). The next life goes on with the same runs, by name,
//! and the agent sends again what it has no answer to, with the same keys (`agent.rs`). In the end, ledger, agent and
//! outside world are compared (`audit.rs`). `store.rs` does the same with a store that fails instead of a host that dies.
//!
//! `CRASH_KILLS=N` kills N times over all ledgers together; `CRASH_SEED=N` draws other work and other deaths. A
//! failure prints its seed. The seed fixes the draws: the tools, and how each life is to die. The threads of a real host
//! are not ours to fix, nor, then, which call a death meets and what is asked again: a replay meets the same kinds of
//! moments, not the very same. (The first lives of new ledgers make one call at a time; those do replay.)
//!
//! What this shows: whatever instruction a process was at, the kernel keeps what was written, and the ledger makes
//! the right thing of it. What it cannot show: the loss of power, where the kernel's own memory goes too (`power_loss`
//! does that, sync by sync), a kernel or a disk that lies, and interleavings that no kill happened to meet.
//! The outside world here is a folder, which cannot lose an effect on its way; a remote one can, and then a call
//! that is in doubt may also be one that never arrived.

mod agent;
mod audit;
mod effects;
mod life;
mod points;
mod store;
mod worker;

use crate::support::chance::Chance;
use crate::support::number;
use agent::Agent;
use audit::audit;
use effects::Tool;
use life::{Death, live};
use points::Point;

/// Kills of an ordinary run of the tests, over all ledgers together.
const KILLS: u64 = 500;
/// Ledgers, a test each, so that they run beside each other.
const LEDGERS: u64 = 4;
/// Kills of one ledger from which on it must have met everything that it is meant to meet.
const KILLS_TO_SHOW: u64 = 100;
/// Lives that share a run.
const LIVES_PER_RUN: u64 = 10;
/// The budget of a run: fewer than its lives ask for.
const STEPS: u64 = 60;
/// Calls at once.
const AT_ONCE: u64 = 6;

/// Every how many-th write of a first life is a death of its own.
const WRITES_STRIDE: usize = 23;

macro_rules! killed_again_and_again {
    ($($name:ident: $ledger:literal),+ $(,)?) => {$(
        #[test]
        fn $name() {
            kill_again_and_again($ledger);
        }
    )+};
}

killed_again_and_again! {
    hosts_killed_again_and_again_lose_and_repeat_nothing_on_a_first_ledger: 0,
    hosts_killed_again_and_again_lose_and_repeat_nothing_on_a_second_ledger: 1,
    hosts_killed_again_and_again_lose_and_repeat_nothing_on_a_third_ledger: 2,
    hosts_killed_again_and_again_lose_and_repeat_nothing_on_a_fourth_ledger: 3,
}

fn kill_again_and_again(ledger: u64) {
    let seed = number("CRASH_SEED").unwrap_or(0);
    let _replay = Replay(seed);
    let kills_max = number("CRASH_KILLS").unwrap_or(KILLS).div_ceil(LEDGERS);
    compile();
    let test = effects::host(&budgets());
    let policy = test.policy();
    let mut chance = Chance::new(seed.wrapping_mul(LEDGERS).wrapping_add(ledger));
    let mut agent = Agent::new(chance.next());
    let (mut kills, mut lives) = (0, 0);
    while kills < kills_max {
        let death = Death::draw(&mut chance);
        let lived = live(&policy, &agent.ask(lives / LIVES_PER_RUN), AT_ONCE, death);
        agent.hear(lived.answers);
        lives += 1;
        kills += u64::from(lived.killed);
        assert!(lives <= 4 * kills_max + 20, "only {kills} of {lives} lives were killed");
        // Now and then, also before the next host has tidied up.
        if lived.killed && kills.is_power_of_two() && !agent.answers().is_empty() {
            test.verified();
        }
    }
    let last = live(&policy, &agent.ask_again(), AT_ONCE, Death::Natural);
    agent.hear(last.answers);
    assert!(agent.ask_again().is_empty(), "the last life answers all that is left");
    let report = audit(&test, &agent);
    println!("ledger {ledger}, seed {seed}: {kills} of {lives} hosts killed\n{report}");
    if kills >= KILLS_TO_SHOW {
        report.assert_shows_something();
    }
}

/// One call after the other, so that each hit of a point is the same moment each time.
#[test]
fn each_named_point_in_the_first_life_of_a_ledger_may_be_its_last() {
    compile();
    for point in Point::ALL {
        let stride = if point.hits() > 100 { WRITES_STRIDE } else { 1 };
        let mut deaths = 0;
        for nth in (1..).step_by(stride) {
            let test = effects::host(&budgets());
            let policy = test.policy();
            let mut agent = Agent::new(0);
            let asked = Tool::ALL.map(|tool| agent.want(0, tool));
            let first = live(&policy, &asked, 1, Death::At(point, nth));
            agent.hear(first.answers);
            let second = live(&policy, &agent.ask_again(), 1, Death::Natural);
            agent.hear(second.answers);
            assert!(agent.ask_again().is_empty(), "{} {nth}: the second life answers", point.as_str());
            println!("{} {nth}:\n{}", point.as_str(), audit(&test, &agent));
            if !first.killed {
                break;
            }
            deaths += 1;
        }
        assert!(deaths > 0, "nothing ever came by {}", point.as_str());
    }
}

/// A host that compiles is a host that is killed while it compiles, over and over.
fn compile() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async { drop(effects::host("").open().await) });
}

fn budgets() -> String {
    format!("[run]\nbudgets = {{ steps = {STEPS}, proposals = 1000000, cost = \"1000000\" }}")
}

/// Says how to replay a test that fails.
struct Replay(u64);

impl Drop for Replay {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("CRASH_SEED={} draws this work and these deaths again", self.0);
        }
    }
}
