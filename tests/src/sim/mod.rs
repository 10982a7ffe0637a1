//! The simulator: scripted agents on virtual time over the guards' pure cores, and over a real ledger.
//!
//! A seed gives 8 to 32 agents (obedient, looping, retrying, forking, polling, echoing, ignoring every refusal;
//! restarted at random), one to three hosts that crash and come back, or stay away for good, tools that fail, and a
//! person who continues what was halted. They share a ledger in memory. After every record the [`auditor`] adds up by itself what happened and
//! compares. On SQLite, the same world puts everything to a real [`ledger`](twin) too, which must decide alike. A seed
//! is its whole life: the same seed, the same records.
//!
//! `SIM_SEEDS=N` runs so many seeds in memory, and as many as fit in two minutes without it; `SIM_SQLITE_SEEDS=N` on
//! SQLite; those that fail are printed.
//! `make sim SEED=N` (`SIM_SEED=N`) runs that one in both and prints its records (with `--nocapture`, or when it
//! fails). Not here: real processes, disks and components. Invariant: nothing that decides reads a clock or entropy, and
//! the auditor reads nothing of the guards but their answers.

mod agent;
mod auditor;
mod calls;
mod crashes;
mod executor;
mod habits;
mod host;
mod refusals;
mod remains;
mod scenario;
mod summary;
mod twin;
mod watch;
mod world;

use crate::support::{chance, number};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use summary::Summary;
use world::World;

/// How long an ordinary run of the tests begins new seeds in memory.
const TIME: Duration = Duration::from_mins(2);
/// Seeds on SQLite.
const SQLITE_SEEDS: u64 = 200;

/// Lives seeds from 0 on as long as there shall be more, or the one that is asked for, and names those that fail.
fn live_all(world: impl Fn(u64) -> World + Sync, more: impl Fn(u64) -> bool + Sync) {
    if let Some(seed) = number("SIM_SEED") {
        println!("{:#?}", world(seed).loud().live());
        return;
    }
    let (failed, seeds) = failing(world, more);
    assert!(
        failed.is_empty(),
        "{} of {seeds} seeds fail; replay one with `make sim SEED={}`: {failed:?}",
        failed.len(),
        failed[0]
    );
    println!("{seeds} seeds, from 0 on: none fails");
}

/// The seeds that fail, in order, and how many there were.
fn failing(world: impl Fn(u64) -> World + Sync, more: impl Fn(u64) -> bool + Sync) -> (Vec<u64>, u64) {
    let (next, threads) = (AtomicU64::new(0), thread::available_parallelism().map_or(1, usize::from));
    let work = || {
        let (mut failed, mut lived) = (Vec::new(), 0);
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if !more(seed) {
                return (failed, lived);
            }
            lived += 1;
            if catch_unwind(AssertUnwindSafe(|| world(seed).live())).is_err() {
                failed.push(seed);
            }
        }
    };
    let lives: Vec<(Vec<u64>, u64)> = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).collect()
    });
    let seeds = lives.iter().map(|(_, lived)| lived).sum();
    let mut failed: Vec<u64> = lives.into_iter().flat_map(|(failed, _)| failed).collect();
    failed.sort_unstable();
    (failed, seeds)
}

#[test]
fn agents_never_get_past_the_guards() {
    let (asked, began) = (number("SIM_SEEDS"), Instant::now());
    live_all(World::in_memory, |seed| asked.map_or(began.elapsed() < TIME, |seeds| seed < seeds));
}

#[test]
fn a_real_ledger_decides_as_the_guards_do() {
    let seeds = number("SIM_SQLITE_SEEDS").unwrap_or(SQLITE_SEEDS);
    live_all(World::on_sqlite, |seed| seed < seeds);
}

/// A simulator in which nothing happens proves nothing.
#[test]
fn the_seeds_together_see_every_guard_at_work() {
    let mut seen = Summary::default();
    (0..60).for_each(|seed| seen.add(&World::in_memory(seed).live()));
    #[rustfmt::skip]
    let expected = [
        "admitted", "recorded", "crash", "gone", "mark", "retried", "not_retried", "child", "halted", "paused", "continued", "once", "overrun",
        "noticed",
        // Refusals, by code.
        "breaker_open", "budget_exhausted", "checkpoint_and_refresh", "conflict", "depth_exceeded", "in_doubt",
        "invalid_arguments", "rate_limited", "repetition", "run_halted", "run_paused",
        // By guard.
        "breaker", "burn_rate", "cost", "course", "depth", "fuel", "host_calls", "hour_cost", "hour_steps",
        "output_bytes", "poll", "principal_rate", "proposals", "retry_budget", "review", "run_rate", "segment",
        "slowed", "steps", "tokens", "tool_rate", "wall_time",
        // By pattern.
        "cycle", "errors", "same", "same_result", "unchanged",
    ];
    let missing: Vec<_> = expected.into_iter().filter(|what| seen.count(what) == 0).collect();
    assert!(missing.is_empty(), "never seen: {missing:?} in {seen:#?}");
}

#[test]
fn the_same_seed_is_the_same_life() {
    assert_eq!(format!("{:?}", World::in_memory(7).live()), format!("{:?}", World::in_memory(7).live()));
}
