//! Many threads that enter and end while switches are thrown and lifted, and what it all takes.

use super::*;
use std::io::Write;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};

const THREADS: usize = 8;
const RUNS: u8 = 3;
const TOOLS: [&str; 3] = ["read", "write", "read2"];

/// Calls by run and tool: how many are alive, and how many ever entered.
#[derive(Default)]
struct Counts([[(AtomicUsize, AtomicUsize); 3]; RUNS as usize]);

impl Counts {
    fn of(&self, target: &Target) -> (usize, usize) {
        let mut sum = (0, 0);
        for (number, tools) in (0..RUNS).zip(&self.0) {
            for (tool, (alive, entered)) in TOOLS.iter().zip(tools) {
                if target.means(&run(number).into(), tool) {
                    sum = (sum.0 + alive.load(SeqCst), sum.1 + entered.load(SeqCst));
                }
            }
        }
        sum
    }
}

/// A guest: enters, does a little, and ends when told or when done.
fn work(control: &Control, counts: &Counts, done: &AtomicBool, seed: usize) {
    let mut random = seed.wrapping_mul(0x9E37_79B9).wrapping_add(1);
    while !done.load(SeqCst) {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let (number, index, rounds) = ((random >> 33) % 3, (random >> 40) % 3, (random >> 50) % 400);
        let Ok(running) = control.enter(run(number as u8), TOOLS[index]) else {
            std::thread::yield_now();
            continue;
        };
        let (alive, entered) = &counts.0[number][index];
        alive.fetch_add(1, SeqCst);
        entered.fetch_add(1, SeqCst);
        for _ in 0..rounds {
            if running.why().is_some() {
                break;
            }
            std::hint::spin_loop();
        }
        if random & 7 == 0 {
            std::thread::yield_now();
        }
        alive.fetch_sub(1, SeqCst);
        drop(running);
    }
}

#[test]
fn after_an_acknowledgement_nothing_is_alive_and_nothing_enters_until_it_is_lifted() {
    let room = Room::new();
    let hosts = [room.open(), room.open()];
    let (counts, done) = ([Counts::default(), Counts::default()], AtomicBool::new(false));
    let mut took = Vec::new();
    std::thread::scope(|scope| {
        for index in 0..THREADS {
            let (control, counts, done) = (&hosts[index % 2], &counts[index % 2], &done);
            scope.spawn(move || work(control, counts, done, index));
        }
        // Also when an assertion fails.
        let ends = Ends(&done);
        for round in 0..60 {
            let target = match round % 7 {
                0 => Target::All,
                n @ 1..=3 => Target::Run(run(n as u8 - 1)),
                n => tool(TOOLS[n - 4]),
            };
            let before: Vec<_> = counts.iter().map(|counts| counts.of(&target).1).collect();
            let started = Instant::now();
            let report = room.kill(&target);
            took.push(started.elapsed());
            assert!(report.all_stopped && report.hosts.len() == 2, "{report:?}");
            let frozen: Vec<_> = counts.iter().map(|counts| counts.of(&target)).collect();
            assert!(frozen.iter().all(|(alive, _)| *alive == 0), "{target} {frozen:?}");
            // The others go on meanwhile, and these do not.
            let others = counts[0].of(&Target::All).1;
            if target != Target::All {
                until("others run", || counts[0].of(&Target::All).1 > others + 50);
            }
            let after: Vec<_> = counts.iter().map(|counts| counts.of(&target)).collect();
            assert_eq!(after, frozen, "{target}");
            room.unkill(&target).expect("it was on");
            until("they run again", || {
                counts.iter().zip(&before).all(|(counts, before)| counts.of(&target).1 > *before + 10)
            });
        }
        drop(ends);
    });
    took.sort_unstable();
    say(&format!(
        "kill under load, 2 hosts, 8 threads: p50 {:?}, max {:?}",
        took[took.len() / 2],
        took[took.len() - 1]
    ));
    for host in hosts {
        host.close().expect("nothing runs");
    }
}

#[test]
fn what_a_kill_and_an_entry_take() {
    let room = Room::new();
    let control = room.open();
    let mut took: Vec<Duration> = (0..40)
        .map(|_| {
            let running = control.enter(run(1), "read").expect("nothing is on");
            let took = std::thread::scope(|scope| {
                let started = Instant::now();
                scope.spawn(|| room.kill(&Target::Run(run(1))));
                while running.why().is_none() {
                    std::hint::spin_loop();
                }
                let told = started.elapsed();
                drop(running);
                told
            });
            room.unkill(&Target::Run(run(1))).expect("it was on");
            until("it is lifted", || control.check(run(1), "read").is_none());
            took
        })
        .collect();
    took.sort_unstable();
    say(&format!("from the command to the guest's flag: p50 {:?}, max {:?}", took[20], took[39]));
    let started = Instant::now();
    for _ in 0..100_000 {
        drop(control.enter(run(1), "read").expect("nothing is on"));
    }
    say(&format!("entering and ending a call: {:?}", started.elapsed() / 100_000));
}

fn say(text: &str) {
    writeln!(std::io::stderr(), "{text}").expect("a stream");
}

struct Ends<'a>(&'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, SeqCst);
    }
}
