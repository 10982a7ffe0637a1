//! One host, look by look: what counts when, and what the operator hears.

use super::*;

const SOON: Duration = Duration::ZERO;

#[test]
fn a_switch_counts_from_the_next_look_on_and_wakes_what_runs() {
    let room = Room::new();
    let mut host = Hand::open(&room);
    let running = host.enter(run(1), "read").expect("nothing is on");
    let report = room.kill_within(&tool("read"), SOON, false);
    assert_eq!(only(&report), Answer::Unreachable);
    assert!(!report.all_stopped && running.why().is_none());

    let (waker, wakes) = counting_waker();
    let mut killed = Box::pin(running.killed());
    let mut context = std::task::Context::from_waker(&waker);
    assert!(killed.as_mut().poll(&mut context).is_pending());
    host.watcher.look();
    assert_eq!(wakes.load(std::sync::atomic::Ordering::Relaxed), 1);
    let std::task::Poll::Ready(why) = killed.as_mut().poll(&mut context) else { panic!("it was told") };
    drop(killed);
    assert_eq!((why.target.clone(), why.since_ms, why.why.as_str()), (tool("read"), NOW_MS, "a test"));
    assert!(running.why().is_some() && running.signal().why().is_some());
    assert_eq!(running.signal().why(), Some(&why));
    assert_eq!(host.enter(run(1), "read").expect_err("it is off"), why);
    assert_eq!(host.enter(run(2), "read").expect_err("it is off"), why);
    assert!(host.enter(run(1), "write").is_ok());
}

#[test]
fn nothing_is_acknowledged_while_a_call_that_is_meant_lives() {
    let room = Room::new();
    let mut host = Hand::open(&room);
    let meant = host.enter(run(1), "read").expect("nothing is on");
    let also_meant = host.enter(run(1), "write").expect("nothing is on");
    let other = host.enter(run(2), "read").expect("nothing is on");
    let ask = || only(&room.kill_within(&Target::Run(run(1)), SOON, false));
    assert_eq!(ask(), Answer::Unreachable);
    for _ in 0..3 {
        host.watcher.look();
        host.watcher.acknowledge();
        assert_eq!(ask(), Answer::Stopping { running: 2 });
    }
    drop(meant);
    assert_eq!(ask(), Answer::Stopping { running: 2 }, "it is told at the next look");
    host.watcher.look();
    host.watcher.acknowledge();
    assert_eq!(ask(), Answer::Stopping { running: 1 });
    drop(also_meant);
    host.watcher.look();
    host.watcher.acknowledge();
    assert_eq!(ask(), Answer::Acknowledged { stopped: 0 }, "they had ended before it was thrown");
    let connection = rusqlite::Connection::open(&room.path).expect("a database");
    let stopped: i64 = connection
        .query_row("SELECT stopped FROM acknowledgements", [], |row| row.get(0))
        .expect("one switch, one host");
    assert_eq!(stopped, 2);
    assert!(other.why().is_none());
}

#[test]
fn a_second_kill_tells_of_the_calls_that_ran_when_it_was_thrown() {
    let room = Room::new();
    let mut host = Hand::open(&room);
    let first = host.enter(run(1), "read").expect("nothing is on");
    let second = host.enter(run(2), "read").expect("nothing is on");
    room.kill_within(&Target::All, SOON, false);
    host.watcher.look();
    drop(first);
    host.watcher.acknowledge();
    let report = std::thread::scope(|scope| {
        let again = scope.spawn(|| {
            let order = Kill { target: &Target::All, why: "again", now_ms: NOW_MS, wait: LONG, force: false };
            kill(&room.path, &order).expect("it is written")
        });
        until("it is thrown", || switches(&room.path).expect("a sound database")[0].why == "again");
        drop(second);
        host.watcher.look();
        host.watcher.acknowledge();
        again.join().expect("a report")
    });
    assert_eq!((report.was_on, report.stopped, report.all_stopped), (true, 1, true));
    assert_eq!(only(&room.kill(&Target::All)), Answer::Acknowledged { stopped: 0 });
}

#[test]
fn the_kill_of_a_run_stops_the_runs_that_are_part_of_it_and_not_the_one_above() {
    let room = Room::new();
    let mut host = Hand::open(&room);
    let (child, grandchild) = (Lineage::new(run(2), &[run(1)]), Lineage::new(run(3), &[run(2), run(1)]));
    let parents = host.enter(run(1), "read").expect("nothing is on");
    let runs = [host.enter(&child, "read"), host.enter(&grandchild, "read")];
    let runs = runs.map(|entered| entered.expect("nothing is on"));
    room.kill_within(&Target::Run(run(2)), SOON, false);
    host.watcher.look();
    assert!(runs.iter().all(|running| running.why().is_some()) && parents.why().is_none());
    assert!(host.enter(&grandchild, "write").is_err() && host.enter(run(1), "write").is_ok());
    host.watcher.acknowledge();
    assert_eq!(only(&room.kill_within(&Target::Run(run(2)), SOON, false)), Answer::Stopping { running: 2 });
    drop(runs);
    room.unkill(&Target::Run(run(2))).expect("it was on");
    host.watcher.look();
    assert!(host.enter(&grandchild, "write").is_ok());
    room.kill_within(&Target::Run(run(1)), SOON, false);
    host.watcher.look();
    assert!(parents.why().is_some() && host.enter(&grandchild, "write").is_err());
}

#[test]
fn a_call_that_hangs_holds_up_no_other_switch() {
    let room = Room::new();
    let mut host = Hand::open(&room);
    let hangs = host.enter(run(1), "read").expect("nothing is on");
    room.kill_within(&Target::Run(run(1)), SOON, false);
    host.watcher.look();
    host.watcher.acknowledge();
    room.kill_within(&tool("write"), SOON, false);
    host.watcher.look();
    host.watcher.acknowledge();
    assert_eq!(only(&room.kill_within(&tool("write"), SOON, false)), Answer::Acknowledged { stopped: 0 });
    assert_eq!(only(&room.kill_within(&Target::Run(run(1)), SOON, false)), Answer::Stopping { running: 1 });
    drop(hangs);
}

#[test]
fn an_acknowledgement_of_one_switch_is_none_of_the_next_one_for_the_same_target() {
    let room = Room::new();
    let mut host = Hand::open(&room);
    let first = room.kill_within(&tool("read"), SOON, false);
    host.watcher.look();
    host.watcher.acknowledge();
    let again = room.kill_within(&tool("read"), SOON, false);
    assert_eq!(
        (again.generation, again.was_on, only(&again)),
        (first.generation, true, Answer::Acknowledged { stopped: 0 })
    );
    room.unkill(&tool("read")).expect("it was on");
    let next = room.kill_within(&tool("read"), SOON, false);
    assert!(next.generation > first.generation && !next.was_on);
    assert_eq!(only(&next), Answer::Unreachable);
}

#[test]
fn a_switch_lifted_before_its_acknowledgement_leaves_nothing_behind() {
    let room = Room::new();
    let mut host = Hand::open(&room);
    let running = host.enter(run(1), "read").expect("nothing is on");
    room.kill_within(&Target::All, SOON, false);
    host.watcher.look();
    room.unkill(&Target::All).expect("it was on");
    host.watcher.acknowledge();
    assert!(running.why().is_some(), "what was told to end ends");
    host.watcher.look();
    assert!(host.enter(run(1), "read").is_ok());
    room.kill_within(&Target::All, SOON, false);
    host.watcher.look();
    host.watcher.acknowledge();
    room.unkill(&Target::All).expect("it was on");
    let connection = rusqlite::Connection::open(&room.path).expect("a database");
    let rows: i64 =
        connection.query_row("SELECT count(*) FROM acknowledgements", [], |row| row.get(0)).expect("a table");
    assert_eq!(rows, 0);
}

#[test]
fn a_switch_lifted_meanwhile_holds_up_no_acknowledgement_of_another() {
    let room = Room::new();
    let mut host = Hand::open(&room);
    room.kill_within(&tool("read"), SOON, false);
    room.kill_within(&tool("write"), SOON, false);
    host.watcher.look();
    room.unkill(&tool("read")).expect("it was on");
    host.watcher.acknowledge();
    assert_eq!(only(&room.kill_within(&tool("write"), SOON, false)), Answer::Acknowledged { stopped: 0 });
}

#[test]
fn a_lock_held_by_the_operator_only_delays_the_acknowledgement() {
    let room = Room::new();
    let mut host = Hand::open(&room);
    room.kill_within(&Target::All, SOON, false);
    let operator = rusqlite::Connection::open(&room.path).expect("a database");
    operator.execute_batch("BEGIN IMMEDIATE").expect("its turn");
    host.watcher.look();
    let started = Instant::now();
    host.watcher.acknowledge();
    assert!(started.elapsed() < Duration::from_secs(1), "the thread waited");
    assert!(host.enter(run(1), "read").is_err(), "the switch counts all the same");
    operator.execute_batch("COMMIT").expect("nothing done");
    assert_eq!(only(&room.kill_within(&Target::All, SOON, false)), Answer::Unreachable);
    host.watcher.acknowledge();
    assert_eq!(only(&room.kill_within(&Target::All, SOON, false)), Answer::Acknowledged { stopped: 0 });
}

#[test]
fn everything_stops_at_the_fifth_failed_look_and_goes_on_when_the_switches_are_seen_again() {
    let room = Room::new();
    let mut host = Hand::open(&room);
    let running = host.enter(run(1), "read").expect("nothing is on");
    room.sql("INSERT INTO switches (kind, name, since_ms, why) VALUES ('planet', 'earth', 1, '')");
    for _ in 0..4 {
        host.watcher.look();
        assert!(running.why().is_none() && host.enter(run(1), "read").is_ok());
    }
    host.watcher.look();
    assert!(running.why().is_some());
    let why = host.enter(run(1), "read").expect_err("it sees nothing");
    assert_eq!((why.origin, why.target.clone()), (Origin::Host, Target::All));
    assert!(why.since_ms >= NOW_MS && why.why.contains("planet"), "{why}");
    room.sql("DELETE FROM switches");
    host.watcher.look();
    assert!(host.enter(run(1), "read").is_ok());
    room.kill_within(&tool("read"), SOON, false);
    host.watcher.look();
    assert!(host.enter(run(1), "read").is_err());
}

#[test]
fn a_host_that_sees_nothing_acknowledges_nothing() {
    let room = Room::new();
    let mut host = Hand::open(&room);
    room.kill_within(&tool("read"), SOON, false);
    host.watcher.look();
    room.sql("INSERT INTO switches (kind, name, since_ms, why) VALUES ('planet', 'earth', 1, '')");
    host.watcher.look();
    host.watcher.acknowledge();
    assert_eq!(only(&room.kill_within(&tool("read"), SOON, false)), Answer::Unreachable);
    room.sql("DELETE FROM switches WHERE kind = 'planet'");
    host.watcher.look();
    host.watcher.acknowledge();
    assert_eq!(only(&room.kill_within(&tool("read"), SOON, false)), Answer::Acknowledged { stopped: 0 });
}

#[test]
fn a_host_that_was_taken_off_the_list_stops_everything() {
    let room = Room::new();
    let mut host = Hand::open(&room);
    room.sql(&format!("DELETE FROM hosts WHERE id = {}", host.host));
    for _ in 0..5 {
        host.watcher.look();
    }
    let why = host.enter(run(1), "read").expect_err("nobody waits for it");
    assert!(why.why.contains("taken off the list"), "{why}");
}

#[test]
fn a_host_that_starts_with_switches_on_acknowledges_them_too() {
    let room = Room::new();
    assert!(room.kill_within(&Target::All, SOON, false).all_stopped, "there is no host");
    let mut host = Hand::open(&room);
    assert!(host.enter(run(1), "read").is_err(), "before any look");
    host.watcher.acknowledge();
    assert_eq!(only(&room.kill_within(&Target::All, SOON, false)), Answer::Acknowledged { stopped: 0 });
}

fn counting_waker() -> (std::task::Waker, Arc<std::sync::atomic::AtomicUsize>) {
    struct Count(Arc<std::sync::atomic::AtomicUsize>);
    impl std::task::Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        }
    }
    let wakes = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    (std::task::Waker::from(Arc::new(Count(Arc::clone(&wakes)))), wakes)
}
