//! Several hosts, dead ones and living ones, on one ledger.

use super::*;
use crate::call::Denial;
use crate::guard::Ask;
use crate::guard::event::{Fingerprint, Hold};
use crate::guard::settings::{RunGuards, SpendGuards, ToolGuards};
use futures::FutureExt;

#[tokio::test]
async fn a_dead_hosts_effects_are_in_doubt_and_its_reads_abandoned() {
    let fixture = Fixture::new().await;
    let run = fixture.run;
    fixture.start(keyed(run, 1, "a")).await;
    fixture.start(Intent { effect: Effect::ReadOnly, ..keyed(run, 2, "b") }).await;
    fixture.start(intent(run, 3)).await;
    fixture.end(ending(run, 3, Status::Completed)).await;
    let fixture = fixture.crash();
    let expected =
        [(call(1), CallState::InDoubt), (call(2), CallState::Abandoned), (call(3), CallState::Completed)];
    assert_eq!(fixture.states(), expected);
    assert_eq!(fixture.start(keyed(run, 4, "a")).await, Start::InDoubt { call: call(1) });
    assert!(matches!(fixture.start(keyed(run, 5, "b")).await, Start::Fresh(_)));
    let late = fixture.ledger.end(ending(run, 1, Status::Completed), Durability::Committed).await;
    assert_eq!(late, Err(LedgerError::NotStarted(call(1))));
    fixture.assert_sound();
}

#[tokio::test]
async fn a_living_hosts_calls_are_left_alone() {
    let fixture = Fixture::new().await;
    let run = fixture.run;
    fixture.start(keyed(run, 1, "k")).await;
    let second = open(&fixture.dir);
    assert_eq!(fixture.states(), [(call(1), CallState::Started)]);
    let asked = second.start(keyed(run, 2, "k"), Durability::Committed).await.unwrap();
    let Start::InFlight(flight) = asked.start else { panic!("{asked:?}") };
    let foreign = second.end(ending(run, 1, Status::Completed), Durability::Committed).await;
    assert_eq!(foreign, Err(LedgerError::NotStarted(call(1))));
    fixture.end(ending(run, 1, Status::Completed)).await;
    assert_eq!(second.await_ending(flight, Duration::from_secs(60)).await, Ok(true));
    let asked = second.start(keyed(run, 2, "k"), Durability::Committed).await.unwrap();
    assert!(matches!(asked.start, Start::Recorded(_)));
    fixture.assert_sound();
}

#[tokio::test]
async fn a_host_that_dies_while_another_waits_for_its_call_is_noticed() {
    let Fixture { dir, ledger, run } = Fixture::new().await;
    let second = open(&dir);
    ledger.start(keyed(run, 1, "k"), Durability::Committed).await.unwrap();
    let asked = second.start(keyed(run, 2, "k"), Durability::Committed).await.unwrap();
    let Start::InFlight(flight) = asked.start else { panic!("{asked:?}") };
    drop(ledger);
    assert_eq!(second.await_ending(flight, Duration::from_secs(60)).await, Ok(true));
    let asked = second.start(keyed(run, 2, "k"), Durability::Committed).await.unwrap();
    assert_eq!(asked.start, Start::InDoubt { call: call(1) });
    let fixture = Fixture { dir, ledger: second, run };
    fixture.assert_sound();
}

#[tokio::test]
async fn two_hosts_that_take_turns_continue_each_others_chain() {
    let fixture = Fixture::new().await;
    let run = fixture.run;
    let second = open(&fixture.dir);
    for n in 0..50 {
        let (mine, other) = (2 * n, 2 * n + 1);
        fixture.start(intent(run, mine)).await;
        second.start(keyed(run, other, "k"), Durability::Committed).await.unwrap();
        fixture.end(ending(run, mine, Status::Completed)).await;
        second.end(ending(run, other, Status::Failed), Durability::Committed).await.unwrap();
    }
    let summary = &second.reader().unwrap().runs().unwrap()[0];
    assert_eq!((summary.completed, summary.failed, summary.running), (50, 50, 0));
    fixture.assert_sound();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_hosts_write_one_chain() {
    let fixture = Fixture::new().await;
    let run = fixture.run;
    let second = open(&fixture.dir);
    let writers = [(fixture.ledger.clone(), 0), (second.clone(), 1_000)].map(|(ledger, base)| {
        tokio::spawn(async move {
            for n in base..base + 100 {
                ledger.start(intent(run, n), Durability::Committed).await.unwrap();
                ledger.end(ending(run, n, Status::Completed), Durability::Committed).await.unwrap();
            }
        })
    });
    for writer in writers {
        writer.await.unwrap();
    }
    let summary = &fixture.ledger.reader().unwrap().runs().unwrap()[0];
    assert_eq!((summary.completed, summary.running), (200, 0));
    fixture.assert_sound();
}

#[tokio::test]
async fn a_host_that_closes_in_order_leaves_running_calls_to_be_marked() {
    let Fixture { dir, ledger, run } = Fixture::new().await;
    ledger.start(intent(run, 1), Durability::Committed).await.unwrap();
    ledger.close().await.unwrap();
    let fixture = Fixture { ledger: open(&dir), dir, run };
    assert_eq!(fixture.states(), [(call(1), CallState::InDoubt)]);
    fixture.assert_sound();
}

/// A read-only call that may cost ten cents, where an hour has fifteen.
fn costly(run: RunId, n: u64, at_ms: u64) -> Intent {
    let ask = Ask {
        run,
        call: call(n),
        tool: "echo".to_owned(),
        fingerprint: Fingerprint { exact: n, near: n },
        worst: Hold { cost_micro_usd: 100_000, ..Hold::default() },
        until_ms: at_ms + 1_000,
        at_ms,
        run_guards: Arc::new(RunGuards { segment_ms: u64::MAX, ..RunGuards::default() }),
        spend: Arc::new(SpendGuards { hour_micro_usd: 150_000, ..SpendGuards::default() }),
        tool_guards: Arc::new(ToolGuards::default()),
    };
    Intent { effect: Effect::ReadOnly, ask: Some(ask), at_ms, ..intent(run, n) }
}

async fn asked(ledger: &Ledger, intent: Intent) -> Start {
    ledger.start(intent, Durability::Committed).await.unwrap().start
}

#[tokio::test]
async fn what_a_dead_host_held_is_held_no_longer_once_somebody_waits_for_it() {
    let Fixture { dir, ledger, run } = Fixture::new().await;
    let second = open(&dir);
    assert!(matches!(asked(&ledger, costly(run, 1, 1_001)).await, Start::Fresh(_)));
    let refused = asked(&second, costly(run, 2, 1_002)).await;
    assert!(matches!(&refused, Start::Refused(why) if why.code == Denial::RateLimited), "{refused:?}");
    drop(ledger);
    // Nobody knows what it has spent, so it has spent all of it; an hour later that is over.
    let refused = asked(&second, costly(run, 3, 1_003)).await;
    let Start::Refused(why) = &refused else { panic!("{refused:?}") };
    assert_eq!(why.code, Denial::BudgetExhausted);
    let later_ms = 1_003 + why.retry_after_ms.expect("an hour has an end");
    assert!(matches!(asked(&second, costly(run, 4, later_ms)).await, Start::Fresh(_)));
    let fixture = Fixture { dir, ledger: second, run };
    assert_eq!(fixture.states(), [(call(1), CallState::Abandoned), (call(4), CallState::Started)]);
    fixture.assert_sound();
}

#[tokio::test]
async fn two_calls_in_one_batch_that_find_a_host_dead_mark_its_calls_once() {
    let Fixture { dir, ledger, run } = Fixture::new().await;
    let second = open(&dir);
    ledger.start(keyed(run, 1, "a"), Durability::Committed).await.unwrap();
    drop(ledger);
    let start = |n, key| Box::pin(second.start(keyed(run, n, key), Durability::Committed));
    let (mut one, mut other) = (start(2, "b"), start(3, "c"));
    second.0.committer.pause(|_| {
        assert!(one.as_mut().now_or_never().is_none() && other.as_mut().now_or_never().is_none());
    });
    assert!(matches!(one.await.unwrap().start, Start::Fresh(_)));
    assert!(matches!(other.await.unwrap().start, Start::Fresh(_)));
    let fixture = Fixture { dir, ledger: second, run };
    assert_eq!(fixture.states()[0], (call(1), CallState::InDoubt));
    fixture.assert_sound();
}
