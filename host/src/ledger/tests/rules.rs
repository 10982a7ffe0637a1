//! One ending for each start, and what an idempotency key answers.

use super::*;

#[tokio::test]
async fn a_call_leaves_an_intent_and_one_ending() {
    let fixture = Fixture::new().await;
    let run = fixture.run;
    let Start::Fresh(started) = fixture.start(intent(run, 1)).await else { panic!("not fresh") };
    let ended = fixture.end(ending(run, 1, Status::Completed)).await;
    assert_eq!(ended.seq, started.receipt.seq + 1);
    assert_eq!(chain::hex(&ended.head), fixture.ledger.reader().unwrap().head().unwrap());
    let trace = fixture.ledger.reader().unwrap().trace(run).unwrap().unwrap();
    assert_eq!(trace.goal.as_deref(), Some("answer the tickets"));
    let [only] = &trace.calls[..] else { panic!("not one call") };
    assert_eq!((only.state, only.tool.as_str(), only.ended_ms), (CallState::Completed, "echo", Some(1_002)));
    let content = only.content.as_ref().unwrap();
    assert_eq!(content.outcome, Some(outcome(run, 1, Status::Completed)));
    assert_eq!(content.logs.len(), 1);
    assert_eq!(content.context, Some(json!({ "project_id": 7 })));
    fixture.assert_sound();
}

#[tokio::test]
async fn a_second_ending_is_refused_and_leaves_no_record() {
    let fixture = Fixture::new().await;
    fixture.start(intent(fixture.run, 1)).await;
    fixture.end(ending(fixture.run, 1, Status::Completed)).await;
    let head = fixture.ledger.reader().unwrap().head().unwrap();
    let again = fixture.ledger.end(ending(fixture.run, 1, Status::Failed), Durability::Committed).await;
    assert_eq!(again, Err(LedgerError::NotStarted(call(1))));
    assert_eq!(fixture.ledger.reader().unwrap().head().unwrap(), head);
}

#[tokio::test]
async fn an_ending_without_a_start_is_refused() {
    let fixture = Fixture::new().await;
    let ended = fixture.ledger.end(ending(fixture.run, 1, Status::Completed), Durability::Committed).await;
    assert_eq!(ended, Err(LedgerError::NotStarted(call(1))));
}

#[tokio::test]
async fn a_running_call_cannot_be_started_again() {
    let fixture = Fixture::new().await;
    fixture.start(intent(fixture.run, 1)).await;
    let again = fixture.ledger.start(intent(fixture.run, 1), Durability::Committed).await;
    assert_eq!(again, Err(LedgerError::AlreadyStarted(call(1))));
}

#[tokio::test]
async fn another_principals_run_looks_unknown() {
    let fixture = Fixture::new().await;
    let stranger = Intent { principal: "stranger".to_owned(), ..intent(fixture.run, 1) };
    let started = fixture.ledger.start(stranger, Durability::Committed).await;
    assert_eq!(started, Err(LedgerError::UnknownRun(fixture.run)));
    assert_eq!(fixture.ledger.find_run(fixture.run, "stranger").await, Ok(None));
    assert!(fixture.ledger.find_run(fixture.run, "default").await.unwrap().is_some());
}

#[tokio::test]
async fn a_run_is_found_with_those_that_it_is_part_of() {
    let fixture = Fixture::new().await;
    let below = |n, parent| NewRun { parent: Some(parent), ..new_run(n, None) };
    let child = fixture.ledger.open_run(below(2, fixture.run)).await.unwrap();
    let grandchild = fixture.ledger.open_run(below(3, child)).await.unwrap();
    let expected = [
        (fixture.run, vec![fixture.run]),
        (child, vec![child, fixture.run]),
        (grandchild, vec![grandchild, child, fixture.run]),
    ];
    for (run, runs) in expected {
        for _ in 0..2 {
            let found = fixture.ledger.find_run(run, "default").await.unwrap().unwrap();
            assert_eq!(found.lineage.runs().collect::<Vec<_>>(), runs);
        }
        let read = fixture.ledger.reader().unwrap().lineage(run).unwrap().unwrap();
        assert_eq!(read.runs().collect::<Vec<_>>(), runs);
    }
    assert_eq!(fixture.ledger.reader().unwrap().lineage(RunId::new(9, [9; 10])).unwrap(), None);
}

#[tokio::test]
async fn a_named_run_is_found_again_and_an_unnamed_one_is_new() {
    let fixture = Fixture::new().await;
    let first = fixture.ledger.open_run(new_run(2, Some("desk"))).await.unwrap();
    let again = fixture.ledger.open_run(new_run(3, Some("desk"))).await.unwrap();
    assert_eq!(first, again);
    let other = NewRun { principal: "other".to_owned(), ..new_run(4, Some("desk")) };
    assert_ne!(fixture.ledger.open_run(other).await.unwrap(), first);
    let taken = fixture.ledger.open_run(new_run(2, None)).await;
    assert_eq!(taken, Err(LedgerError::RunExists(first)));
    assert_eq!(fixture.ledger.reader().unwrap().runs().unwrap().len(), 3);
}

#[tokio::test]
async fn a_completed_call_answers_for_its_key() {
    let fixture = Fixture::new().await;
    let run = fixture.run;
    fixture.start(keyed(run, 1, "k")).await;
    fixture.end(ending(run, 1, Status::Completed)).await;
    let recorded = Start::Recorded(Box::new(outcome(run, 1, Status::Completed)));
    assert_eq!(fixture.start(keyed(run, 2, "k")).await, recorded);
    let other_tool = Intent { tool: "other".to_owned(), ..keyed(run, 3, "k") };
    assert!(matches!(fixture.start(other_tool).await, Start::Fresh(_)));
    let fixture = fixture.crash();
    assert_eq!(fixture.start(keyed(run, 4, "k")).await, recorded);
    fixture.assert_sound();
}

#[tokio::test]
async fn the_same_key_with_other_arguments_is_a_mismatch() {
    let fixture = Fixture::new().await;
    fixture.start(keyed(fixture.run, 1, "k")).await;
    let other = Intent { arguments_digest: [9; 32], ..keyed(fixture.run, 2, "k") };
    assert_eq!(fixture.start(other).await, Start::KeyMismatch { call: call(1) });
}

#[tokio::test]
async fn a_failed_call_releases_its_key() {
    let fixture = Fixture::new().await;
    fixture.start(keyed(fixture.run, 1, "k")).await;
    fixture.end(ending(fixture.run, 1, Status::Failed)).await;
    assert!(matches!(fixture.start(keyed(fixture.run, 2, "k")).await, Start::Fresh(_)));
}

#[tokio::test]
async fn a_call_in_doubt_keeps_its_key_unless_a_repeat_is_safe() {
    let fixture = Fixture::new().await;
    fixture.start(keyed(fixture.run, 1, "k")).await;
    fixture.end(Ending { in_doubt: true, ..ending(fixture.run, 1, Status::Failed) }).await;
    assert_eq!(fixture.start(keyed(fixture.run, 2, "k")).await, Start::InDoubt { call: call(1) });
    let safe = Intent { effect: Effect::Idempotent, ..keyed(fixture.run, 3, "k") };
    assert!(matches!(fixture.start(safe).await, Start::Fresh(_)));
    assert!(matches!(fixture.start(keyed(fixture.run, 4, "k")).await, Start::InFlight(_)));
    fixture.assert_sound();
}

#[tokio::test]
async fn a_second_call_waits_for_the_first_and_gets_its_answer() {
    let fixture = Fixture::new().await;
    let run = fixture.run;
    fixture.start(keyed(run, 1, "k")).await;
    let Start::InFlight(flight) = fixture.start(keyed(run, 2, "k")).await else { panic!("not in flight") };
    assert_eq!(flight.call, call(1));
    assert_eq!(fixture.ledger.await_ending(flight, Duration::ZERO).await, Ok(false));
    let waiting = fixture.ledger.await_ending(flight, Duration::from_secs(60));
    let (waited, _) = tokio::join!(waiting, fixture.end(ending(run, 1, Status::Completed)));
    assert_eq!(waited, Ok(true));
    assert!(matches!(fixture.start(keyed(run, 2, "k")).await, Start::Recorded(_)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_calls_with_one_key_only_one_runs() {
    let fixture = Fixture::new().await;
    let run = fixture.run;
    let calls = (0..64).map(|n| {
        let ledger = fixture.ledger.clone();
        tokio::spawn(async move {
            loop {
                match ledger.start(keyed(run, n, "k"), Durability::Committed).await.unwrap().start {
                    Start::Fresh(_) => {
                        tokio::task::yield_now().await;
                        ledger.end(ending(run, n, Status::Completed), Durability::Synced).await.unwrap();
                        return true;
                    }
                    Start::Recorded(_) => return false,
                    Start::InFlight(flight) => {
                        assert!(ledger.await_ending(flight, Duration::from_secs(60)).await.unwrap());
                    }
                    other => panic!("{other:?}"),
                }
            }
        })
    });
    let mut ran = 0;
    for call in calls.collect::<Vec<_>>() {
        ran += usize::from(call.await.unwrap());
    }
    assert_eq!(ran, 1);
    fixture.assert_sound();
}

#[tokio::test]
async fn a_refusal_is_one_record_and_a_recorded_answer_says_so() {
    let fixture = Fixture::new().await;
    let run = fixture.run;
    fixture.ledger.refuse(refusal(run, 1)).await.unwrap();
    let mut recorded = refusal(run, 2);
    recorded.outcome.recorded = true;
    fixture.ledger.refuse(recorded).await.unwrap();
    assert_eq!(fixture.states(), [(call(1), CallState::Refused), (call(2), CallState::Recorded)]);
    let unknown = RunId::new(5, [5; 10]);
    assert_eq!(fixture.ledger.refuse(refusal(unknown, 3)).await, Err(LedgerError::UnknownRun(unknown)));
    fixture.assert_sound();
}

#[tokio::test]
async fn a_dropped_caller_neither_blocks_nor_loses_the_others() {
    let fixture = Fixture::new().await;
    let run = fixture.run;
    let mut calls = Vec::new();
    for n in 0..50 {
        let mut start = Box::pin(fixture.ledger.start(intent(run, n), Durability::Synced));
        if n % 2 == 0 {
            // Submitted; whether it is also answered by now is chance.
            drop(futures::poll!(start.as_mut()));
            drop(start);
        } else {
            calls.push(start);
        }
    }
    for start in calls {
        assert!(matches!(start.await.unwrap().start, Start::Fresh(_)));
    }
    assert_eq!(fixture.states().len(), 50);
}

#[tokio::test]
async fn pruning_erases_old_contents_and_the_chain_still_verifies() {
    const DAY_MS: u64 = 24 * 60 * 60 * 1_000;
    let fixture = Fixture::new().await;
    let run = fixture.run;
    for n in 1..=3 {
        fixture.start(intent(run, n)).await;
    }
    fixture.end(ending(run, 1, Status::Completed)).await;
    fixture.end(Ending { at_ms: 9_000, ..ending(run, 2, Status::Completed) }).await;
    fixture.start(keyed(run, 4, "k")).await;
    fixture.end(ending(run, 4, Status::Completed)).await;
    let head = fixture.ledger.reader().unwrap().head().unwrap();
    let pruned = fixture.ledger.prune(5_000, 6_000).unwrap();
    // The run's opening, call 1 whole, the intent of call 2; not the running call 3, not the bound call 4.
    assert_eq!((pruned.erased, pruned.kept, pruned.keys), (4, 3, 0));
    let trace = fixture.ledger.reader().unwrap().trace(run).unwrap().unwrap();
    let erased: Vec<bool> = trace.calls.iter().map(|call| call.erased).collect();
    assert_eq!(erased, [true, true, false, false]);
    assert_eq!(trace.calls[0].state, CallState::Completed);
    assert_eq!(trace.calls[0].usage.map(|usage| usage.fuel), Some(42));
    assert!(matches!(fixture.start(keyed(run, 5, "k")).await, Start::Recorded(_)));
    let later = fixture.ledger.prune(1_003, 1_003 + DAY_MS).unwrap();
    assert_eq!((later.erased, later.keys), (2, 1));
    assert!(matches!(fixture.start(keyed(run, 6, "k")).await, Start::Fresh(_)));
    let report = fixture.ledger.reader().unwrap().verify(Some(&head)).unwrap();
    assert!(report.ok, "{:?}", report.broken);
    assert_eq!(report.erased, 6);
    assert!(report.proven_to.is_some());
}

#[tokio::test]
async fn a_closed_ledger_refuses_every_clone() {
    let fixture = Fixture::new().await;
    fixture.ledger.clone().close().await.unwrap();
    let started = fixture.ledger.start(intent(fixture.run, 1), Durability::Committed).await;
    assert_eq!(started, Err(LedgerError::Closed));
    assert!(!fixture.dir.path().join("ledger.db-wal").exists());
    assert!(!fixture.dir.path().join("ledger.db-host-1").exists());
    Ledger::read(&path(&fixture.dir)).unwrap().verify(None).unwrap();
}

fn resolved(run: RunId, n: u64, resolution: Resolution) -> Resolved {
    Resolved { call: call(n), run, resolution, by: "a person".to_owned(), outcome: None, at_ms: 3_000 }
}

#[tokio::test]
async fn of_two_people_who_resolve_a_doubt_one_does() {
    let fixture = Fixture::new().await;
    let run = fixture.run;
    fixture.start(keyed(run, 1, "k")).await;
    fixture.end(Ending { in_doubt: true, ..ending(run, 1, Status::Failed) }).await;
    assert!(fixture.ledger.resolve(resolved(run, 1, Resolution::Abandon)).await.is_ok());
    for late in [Resolution::Retry, Resolution::Done, Resolution::Abandon] {
        let late = fixture.ledger.resolve(resolved(run, 1, late)).await;
        assert_eq!(late, Err(LedgerError::NotInDoubt(call(1))));
    }
    assert_eq!(fixture.start(keyed(run, 2, "k")).await, Start::InDoubt { call: call(1) });
    fixture.assert_sound();
}

#[tokio::test]
async fn a_new_key_is_no_way_around_a_doubt_until_somebody_has_resolved_it() {
    let fixture = Fixture::new().await;
    let run = fixture.run;
    fixture.start(keyed(run, 1, "k")).await;
    fixture.end(Ending { in_doubt: true, ..ending(run, 1, Status::Failed) }).await;
    let again = |n: u64, key: &str| Intent { key: Some(key.to_owned()), ..keyed(run, n, "k") };
    assert_eq!(fixture.start(again(2, "new")).await, Start::InDoubt { call: call(1) });
    let unkeyed = Intent { key: None, ..keyed(run, 2, "k") };
    assert_eq!(fixture.start(unkeyed).await, Start::InDoubt { call: call(1) });
    let under_two_keys = Intent { effect: Effect::Keyed, ..again(2, "other") };
    assert_eq!(fixture.start(under_two_keys).await, Start::InDoubt { call: call(1) });
    let harmless = Intent { effect: Effect::Idempotent, ..again(3, "other") };
    assert!(matches!(fixture.start(harmless).await, Start::Fresh(_)));
    let other_tool = Intent { tool: "other".to_owned(), ..again(4, "newer") };
    assert!(matches!(fixture.start(other_tool).await, Start::Fresh(_)));
    fixture.ledger.resolve(resolved(run, 1, Resolution::Retry)).await.unwrap();
    assert!(matches!(fixture.start(again(5, "newest")).await, Start::Fresh(_)));
}

#[tokio::test]
async fn a_doubt_that_was_given_up_is_refused_under_every_key() {
    let fixture = Fixture::new().await;
    let run = fixture.run;
    fixture.start(keyed(run, 1, "k")).await;
    fixture.end(Ending { in_doubt: true, ..ending(run, 1, Status::Failed) }).await;
    fixture.ledger.resolve(resolved(run, 1, Resolution::Abandon)).await.unwrap();
    let again = Intent { key: Some("new".to_owned()), ..keyed(run, 2, "k") };
    assert_eq!(fixture.start(again).await, Start::InDoubt { call: call(1) });
}

#[tokio::test]
async fn a_call_whose_host_has_died_unnoticed_is_in_doubt_under_every_key() {
    let Fixture { dir, ledger, run } = Fixture::new().await;
    let second = open(&dir);
    ledger.start(keyed(run, 1, "k"), Durability::Committed).await.unwrap();
    drop(ledger);
    let again = Intent { key: Some("new".to_owned()), ..keyed(run, 2, "k") };
    let asked = second.start(again, Durability::Committed).await.unwrap();
    assert_eq!(asked.start, Start::InDoubt { call: call(1) });
}

#[tokio::test]
async fn pruning_leaves_a_doubt_alone() {
    const DAY_MS: u64 = 24 * 60 * 60 * 1_000;
    let fixture = Fixture::new().await;
    let run = fixture.run;
    fixture.start(keyed(run, 1, "k")).await;
    fixture.end(Ending { in_doubt: true, ..ending(run, 1, Status::Failed) }).await;
    let pruned = fixture.ledger.prune(5_000, 5_000 + 2 * DAY_MS).unwrap();
    assert_eq!(pruned.keys, 0);
    assert_eq!(fixture.start(keyed(run, 2, "k")).await, Start::InDoubt { call: call(1) });
    fixture.assert_sound();
}
