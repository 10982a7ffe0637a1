//! A disk that fails: nothing acknowledged is lost, and nothing is promised afterwards.

use super::*;
use std::fs::File;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

/// Fails its n-th commit or sync, once.
struct FailingDisk {
    left: AtomicU64,
}

impl FailingDisk {
    fn count(&self) -> io::Result<()> {
        match self.left.fetch_sub(1, Ordering::SeqCst) {
            1 => Err(io::Error::other("the disk is gone")),
            0 => {
                self.left.store(0, Ordering::SeqCst);
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

impl Disk for FailingDisk {
    fn vfs(&self) -> Option<&str> {
        None
    }

    fn before_commit(&self) -> io::Result<()> {
        self.count()
    }

    fn sync(&self, what: Sync, file: &File) -> io::Result<()> {
        self.count()?;
        SystemDisk.sync(what, file)
    }
}

/// Calls 1, 2, … with what was acknowledged about each: started, ended.
async fn work(ledger: &Ledger) -> (Vec<(u64, bool)>, Option<LedgerError>) {
    let mut acknowledged = Vec::new();
    let run = match ledger.open_run(new_run(1, None)).await {
        Ok(run) => run,
        Err(error) => return (acknowledged, Some(error)),
    };
    for n in 1..=5 {
        if let Err(error) = ledger.start(intent(run, n), Durability::Synced).await {
            return (acknowledged, Some(error));
        }
        acknowledged.push((n, false));
        if let Err(error) = ledger.end(ending(run, n, Status::Completed), Durability::Synced).await {
            return (acknowledged, Some(error));
        }
        acknowledged.pop();
        acknowledged.push((n, true));
    }
    (acknowledged, None)
}

#[tokio::test]
async fn whichever_write_or_sync_fails_nothing_acknowledged_is_lost() {
    let mut survived = false;
    for nth in 1..100 {
        let dir = tempfile::tempdir().unwrap();
        let disk = Arc::new(FailingDisk { left: AtomicU64::new(nth) });
        let acknowledged = match Ledger::open(LedgerOptions { path: path(&dir), disk }, 1_000) {
            Err(error) => {
                assert!(matches!(error, LedgerError::Open { .. }), "{error}");
                Vec::new()
            }
            Ok(ledger) => {
                let (acknowledged, failure) = work(&ledger).await;
                survived |= failure.is_none();
                if let Some(failure) = failure {
                    assert!(matches!(failure, LedgerError::Unavailable { .. }), "{failure}");
                    assert_eq!(
                        ledger.open_run(new_run(9, None)).await,
                        Err(failure.clone()),
                        "it must refuse from now on"
                    );
                    assert_eq!(ledger.prune(0, 0), Err(failure));
                }
                acknowledged
            }
        };
        let run = new_run(1, None).id;
        let fixture = Fixture { ledger: open(&dir), dir, run };
        fixture.assert_sound();
        if let Some((last, _)) = acknowledged.last() {
            let states = fixture.states();
            for (n, ended) in &acknowledged {
                let state = states.iter().find(|(id, _)| *id == call(*n)).map(|(_, state)| *state);
                match ended {
                    true => {
                        assert_eq!(state, Some(CallState::Completed), "call {n} of {last}, failure {nth}")
                    }
                    false => assert!(
                        matches!(state, Some(CallState::InDoubt | CallState::Completed)),
                        "call {n}: {state:?}"
                    ),
                }
            }
        }
        if survived {
            return;
        }
    }
    panic!("the disk never got through");
}
