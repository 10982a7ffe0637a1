//! Many at once: the hostile ones beside the good ones.

use super::room::{Room, Tool, alone, measured};
use serde_json::json;
use std::time::Duration;
use toolgate::call::{Reason, Status};

const HOSTILE: &[&str] = &[
    "spin",
    "sleep_for_ever",
    "grow_in_steps",
    "recursion",
    "stdout_one_byte_writes",
    "handle_flood",
    "exit_well",
    "fill_for_ever",
];

#[test]
fn sixty_four_hostile_calls_beside_sixty_four_good_ones() {
    alone(async {
        let policy = "limits = { fuel = \"100M\", deadline = \"2s\", memory = \"16MiB\" }";
        let tools: Vec<_> = HOSTILE.iter().map(|name| Tool::guest(name).with(policy)).collect();
        let room = Room::open_with("[host]\nconcurrency = 8\n", &tools).await.expect("the gate opens");
        room.good_call().await;
        let ((), cost) = measured(async {
            let mut calls = tokio::task::JoinSet::new();
            for n in 0..64 {
                let (good, bad) = (room.run.clone(), room.run.clone());
                let name = HOSTILE[n % HOSTILE.len()];
                calls.spawn(async move {
                    let outcome = bad.call(name, json!({})).await;
                    let reason = outcome.reason.map(Reason::as_str);
                    let expected = ["out_of_fuel", "deadline", "out_of_memory", "trap"];
                    assert!(reason.is_some_and(|reason| expected.contains(&reason)), "{outcome:?}");
                });
                calls.spawn(async move {
                    let outcome = good.call("echo", json!({"n": n})).await;
                    assert_eq!((outcome.status, outcome.output), (Status::Completed, Some(json!({"n": n}))));
                });
            }
            while let Some(ended) = calls.join_next().await {
                ended.expect("each call ends as it should");
            }
        })
        .await;
        println!("128 calls, 64 of them hostile: {cost:?}");
        cost.within(8 * (16 << 20) + (128 << 20), Duration::from_secs(60));
        room.good_call().await;
    });
}

/// One more than may run and wait is refused at once and says when to come again; it is no failure of the tool.
#[test]
fn a_crowd_past_the_queue_is_rate_limited() {
    alone(async {
        let tools = [Tool::guest("sleep_for_ever").with("limits = { deadline = \"500ms\" }")];
        let room =
            Room::open_with("[host]\nconcurrency = 2\nqueue = 4\n", &tools).await.expect("the gate opens");
        let calls = (0..10).map(|_| {
            let run = room.run.clone();
            tokio::spawn(async move { run.call("sleep_for_ever", json!({})).await })
        });
        let mut limited = 0;
        for call in calls.collect::<Vec<_>>() {
            let outcome = call.await.expect("it ends");
            match outcome.reason.map(Reason::as_str) {
                Some("rate_limited") => {
                    limited += 1;
                    assert!(outcome.retry_after_ms.is_some());
                }
                reason => assert_eq!(reason, Some("deadline")),
            }
        }
        assert_eq!(limited, 4, "two run, four wait");
        room.good_call().await;
    });
}
