//! Beside many spinners a short call stays short. Figures are printed; the bounds are loose, for busy machines.

use super::room::{Room, Tool, alone};
use crate::support::guest::{Guest, SPINS};
use serde_json::json;
use std::time::{Duration, Instant};
use toolgate::call::Status;

/// How long one epoch lasts.
const TICK: Duration = Duration::from_millis(10);
const ENDLESS: &str = "limits = { fuel = \"18446744073709551615\", deadline = \"6s\" }";

async fn latencies(room: &Room, calls: usize) -> Vec<Duration> {
    let mut taken = Vec::with_capacity(calls);
    for n in 0..calls {
        let started = Instant::now();
        let outcome = room.run.call("echo", json!({"n": n})).await;
        taken.push(started.elapsed());
        assert_eq!(outcome.status, Status::Completed, "{outcome:?}");
    }
    taken.sort();
    taken
}

fn said(what: &str, taken: &[Duration]) {
    let at = |share: usize| taken[(taken.len() - 1) * share / 100];
    println!("{what}: p50 {:?}, p90 {:?}, p99 {:?}, max {:?}", at(50), at(90), at(99), at(100));
}

/// The spinners of eight tools: together they hold all slots but the ones that no tool may take from the others.
#[test]
fn a_short_call_stays_short_beside_64_spinners() {
    alone(async {
        let names: Vec<String> = (0..8).map(|n| format!("spin{n}")).collect();
        let tools: Vec<_> = names.iter().map(|name| spinner(name)).collect();
        let room = Room::open_with("[host]\nconcurrency = 80\n", &tools).await.expect("the gate opens");
        let alone = latencies(&room, 300).await;
        let mut spinners = tokio::task::JoinSet::new();
        for n in 0..64 {
            let (run, name) = (room.run.clone(), names[n % names.len()].clone());
            spinners.spawn(async move { run.call(&name, json!({})).await });
        }
        tokio::time::sleep(10 * TICK).await;
        let beside = latencies(&room, 200).await;
        assert!(spinners.try_join_next().is_none(), "the spinners were there all along");
        said("alone", &alone);
        said("beside 64 spinners", &beside);
        assert!(beside[beside.len() / 2] < 10 * TICK, "{:?}", beside[beside.len() / 2]);
        spinners.abort_all();
        while spinners.join_next().await.is_some() {}
        room.good_call().await;
    });
}

/// All 64 wait for one tool, and half of the slots stay free for the others.
#[test]
fn one_tool_never_holds_more_than_half_of_the_slots() {
    alone(async {
        let room = Room::open(&[spinner("spin0")]).await.expect("the gate opens");
        let mut spinners = tokio::task::JoinSet::new();
        for _ in 0..64 {
            let run = room.run.clone();
            spinners.spawn(async move { run.call("spin0", json!({})).await });
        }
        tokio::time::sleep(10 * TICK).await;
        let beside = latencies(&room, 50).await;
        said("beside 64 calls of one spinner, 4 slots", &beside);
        assert!(beside[beside.len() / 2] < 10 * TICK);
        spinners.abort_all();
        while spinners.join_next().await.is_some() {}
    });
}

/// The spinner under a name of its own.
fn spinner(name: &str) -> Tool {
    let guest = Guest::new(SPINS).define(|definition| definition.name = name.to_owned());
    Tool::of(name, guest.build()).with(ENDLESS)
}
