//! Tests of the group commit, with a store that only counts.

use super::*;
use crate::call::RunId;
use crate::ledger::entry::Receipt;
use crate::ledger::record::Record;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Counts what it is given; fails or panics when told to.
#[derive(Clone, Default)]
struct Counting {
    batches: Arc<AtomicUsize>,
    ops: Arc<AtomicUsize>,
    behaviour: Behaviour,
}

#[derive(Clone, Copy, Default)]
enum Behaviour {
    #[default]
    Well,
    Fails,
    Panics,
}

impl Store for Counting {
    fn commit(&mut self, batch: &[&Op]) -> Result<Vec<Answer>, LedgerError> {
        match self.behaviour {
            Behaviour::Well => {}
            Behaviour::Fails => return Err(LedgerError::Unavailable { cause: "full".to_owned() }),
            Behaviour::Panics => panic!("the store is broken"),
        }
        self.batches.fetch_add(1, Ordering::SeqCst);
        let first = self.ops.fetch_add(batch.len(), Ordering::SeqCst) as u64;
        Ok((first..)
            .take(batch.len())
            .map(|seq| Ok(Reply::Written(Receipt { seq, head: [0; 32] })))
            .collect())
    }

    fn close(self: Box<Self>) -> Result<(), LedgerError> {
        Ok(())
    }
}

fn op() -> Op {
    Op::Refuse {
        run: RunId::new(1, [1; 10]),
        record: Record::pruned(0, 0).unwrap(),
        guards: None,
        approval: None,
        steer: None,
    }
}

fn committer(store: &Counting) -> Arc<Committer> {
    Arc::new(Committer::new(Box::new(store.clone()), Health::default()))
}

#[tokio::test]
async fn alone_a_caller_commits_before_it_first_waits() {
    let store = Counting::default();
    let committer = committer(&store);
    assert!(futures::poll!(std::pin::pin!(committer.submit(op()))).is_ready());
    assert_eq!(store.batches.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn what_queues_up_while_the_store_is_busy_becomes_one_batch() {
    let store = Counting::default();
    let committer = committer(&store);
    let mut waiting: Vec<_> = (0..100).map(|_| Box::pin(committer.submit(op()))).collect();
    committer.pause(|_| {
        for submit in &mut waiting {
            let mut context = std::task::Context::from_waker(std::task::Waker::noop());
            assert!(submit.as_mut().poll(&mut context).is_pending());
        }
    });
    assert_eq!((store.batches.load(Ordering::SeqCst), store.ops.load(Ordering::SeqCst)), (1, 100));
    for submit in waiting {
        assert!(submit.await.is_ok());
    }
}

#[tokio::test]
async fn whoever_is_handed_the_duty_and_goes_away_does_it_first() {
    let store = Counting::default();
    let committer = committer(&store);
    let mut waiting: Vec<_> =
        (0..BATCH_MAX * (ROUNDS_MAX + 2)).map(|_| Box::pin(committer.submit(op()))).collect();
    committer.pause(|_| {
        for submit in &mut waiting {
            let mut context = std::task::Context::from_waker(std::task::Waker::noop());
            assert!(submit.as_mut().poll(&mut context).is_pending());
        }
    });
    assert_eq!(store.batches.load(Ordering::SeqCst), ROUNDS_MAX);
    let handed = waiting.remove(BATCH_MAX * ROUNDS_MAX);
    drop(handed);
    assert_eq!(store.batches.load(Ordering::SeqCst), ROUNDS_MAX + 2);
    for submit in waiting {
        assert!(submit.await.is_ok());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn under_contention_every_operation_is_written_once() {
    let store = Counting::default();
    let committer = committer(&store);
    let callers = (0..64).map(|caller| {
        let committer = Arc::clone(&committer);
        tokio::spawn(async move {
            for n in 0..200 {
                if (n + caller) % 7 == 0 {
                    // Gives up at once or soon: what it asked is written all the same.
                    let _ = tokio::time::timeout(Duration::ZERO, committer.submit(op())).await;
                } else {
                    committer.submit(op()).await.unwrap();
                }
            }
        })
    });
    for caller in callers.collect::<Vec<_>>() {
        caller.await.unwrap();
    }
    assert_eq!(store.ops.load(Ordering::SeqCst), 64 * 200);
}

#[tokio::test]
async fn after_a_failure_everything_is_refused() {
    let store = Counting { behaviour: Behaviour::Fails, ..Counting::default() };
    let committer = committer(&store);
    let failure = committer.submit(op()).await.unwrap_err();
    assert_eq!(failure, LedgerError::Unavailable { cause: "full".to_owned() });
    assert_eq!(committer.submit(op()).await, Err(failure));
}

#[tokio::test]
async fn a_panic_of_the_store_leaves_nobody_waiting() {
    let store = Counting { behaviour: Behaviour::Panics, ..Counting::default() };
    let committer = committer(&store);
    let second = Arc::clone(&committer);
    let first = tokio::spawn(async move { second.submit(op()).await });
    assert!(first.await.is_err());
    let after = tokio::time::timeout(Duration::from_secs(60), committer.submit(op())).await.unwrap();
    assert!(matches!(after, Err(LedgerError::Unavailable { .. })));
}
