//! Tests of the group sync, with a disk that the test steps.

use super::*;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};

/// A disk whose syncs begin and end when the test says so.
struct Gated {
    begun: Mutex<Sender<()>>,
    go: Mutex<Receiver<io::Result<()>>>,
    syncs: AtomicUsize,
}

impl Disk for Gated {
    fn vfs(&self) -> Option<&str> {
        None
    }

    fn before_commit(&self) -> io::Result<()> {
        Ok(())
    }

    fn sync(&self, _: What, _: &File) -> io::Result<()> {
        self.syncs.fetch_add(1, Ordering::SeqCst);
        self.begun.lock().unwrap().send(()).unwrap();
        self.go.lock().unwrap().recv().unwrap()
    }
}

fn gated() -> (Arc<Gated>, GroupSync, Receiver<()>, Sender<io::Result<()>>) {
    let (begun, has_begun) = channel();
    let (go, may_go) = channel();
    let disk =
        Arc::new(Gated { begun: Mutex::new(begun), go: Mutex::new(may_go), syncs: AtomicUsize::new(0) });
    let sync = GroupSync::start(
        Arc::clone(&disk) as Arc<dyn Disk>,
        tempfile::tempfile().unwrap(),
        Box::new(|| Ok(())),
        Health::default(),
    );
    (disk, sync.unwrap(), has_begun, go)
}

#[tokio::test]
async fn whoever_asks_during_a_sync_waits_for_the_next() {
    let (disk, sync, has_begun, go) = gated();
    let mut first = Box::pin(sync.wait());
    assert!(futures::poll!(first.as_mut()).is_pending());
    has_begun.recv().unwrap();
    let mut later: Vec<_> = (0..10).map(|_| Box::pin(sync.wait())).collect();
    for wait in &mut later {
        assert!(futures::poll!(wait.as_mut()).is_pending());
    }
    go.send(Ok(())).unwrap();
    assert_eq!(first.await, Ok(()));
    for wait in &mut later {
        assert!(futures::poll!(wait.as_mut()).is_pending());
    }
    go.send(Ok(())).unwrap();
    for wait in later {
        assert_eq!(wait.await, Ok(()));
    }
    assert_eq!(disk.syncs.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn after_a_failed_sync_no_later_one_is_believed() {
    let (disk, sync, _has_begun, go) = gated();
    go.send(Err(io::Error::other("lost"))).unwrap();
    go.send(Ok(())).unwrap();
    let failure = sync.wait().await.unwrap_err();
    assert!(failure.to_string().contains("lost"));
    assert_eq!(sync.wait().await, Err(failure));
    assert_eq!(disk.syncs.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn stopping_answers_who_waits_and_refuses_who_comes_later() {
    let (_disk, sync, _has_begun, go) = gated();
    let mut wait = Box::pin(sync.wait());
    assert!(futures::poll!(wait.as_mut()).is_pending());
    go.send(Ok(())).unwrap();
    sync.stop();
    assert_eq!(wait.await, Ok(()));
    assert_eq!(sync.wait().await, Err(LedgerError::Closed));
}
