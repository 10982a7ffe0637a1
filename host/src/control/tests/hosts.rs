//! Hosts with their threads, and the operator's side, in one process.

use super::*;
use std::os::unix::fs::MetadataExt;

#[test]
fn a_kill_stops_what_runs_refuses_what_waits_and_says_how_many() {
    let room = Room::new();
    let control = room.open();
    let calls: Vec<_> = (0..3).map(|_| control.enter(run(1), "read").expect("nothing is on")).collect();
    let other = control.enter(run(2), "read").expect("nothing is on");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().expect("a runtime");
    for call in calls {
        runtime.spawn(async move { drop(call.killed().await) });
    }
    assert_eq!(control.check(run(1), "read"), None);
    let report = room.kill(&Target::Run(run(1)));
    assert_eq!(only(&report), Answer::Acknowledged { stopped: 3 });
    assert!(report.all_stopped && report.stopped == 3 && !report.was_on);
    assert_eq!(control.check(run(1), "write").expect("it is off").target, Target::Run(run(1)));
    assert!(control.enter(run(1), "read").is_err() && other.why().is_none());
    drop(other);
    control.close().expect("nothing runs");
}

#[test]
fn a_switch_survives_reopening_and_is_lifted_by_unkill() {
    let room = Room::new();
    drop(room.open());
    room.kill(&tool("read"));
    for _ in 0..2 {
        let control = room.open();
        assert!(control.enter(run(1), "read").is_err() && control.enter(run(1), "write").is_ok());
    }
    let on = switches(&room.path).expect("a sound database");
    assert_eq!(room.unkill(&tool("read")).as_ref(), on.first());
    assert_eq!((on.len(), on[0].why.as_str(), on[0].since_ms), (1, "a test", NOW_MS));
    assert_eq!(room.unkill(&tool("read")), None);
    assert!(room.open().enter(run(1), "read").is_ok());
    assert_eq!(switches(&room.path), Ok(Vec::new()));
}

#[test]
fn a_living_host_lets_calls_in_again_after_unkill() {
    let room = Room::new();
    let control = room.open();
    room.kill(&Target::All);
    room.kill(&tool("read"));
    room.unkill(&Target::All).expect("it was on");
    until("the other tool runs", || control.enter(run(1), "write").is_ok());
    assert!(control.enter(run(1), "read").is_err(), "the tool's own switch is on");
    room.unkill(&tool("read")).expect("it was on");
    until("the tool runs", || control.enter(run(1), "read").is_ok());
}

#[test]
fn every_host_is_waited_for_and_a_closed_one_is_off_the_list() {
    let room = Room::new();
    let (first, second, third) = (room.open(), room.open(), room.open());
    let listed = hosts(&room.path).expect("a sound database");
    let numbers: Vec<u64> = listed.iter().map(|host| host.host).collect();
    let held = second.enter(run(1), "read").expect("nothing is on");
    third.close().expect("nothing runs");
    let report = room.kill_within(&Target::All, Duration::from_millis(100), false);
    let answers: Vec<_> = report.hosts.iter().map(|host| (host.host, host.answer)).collect();
    let stopping = (numbers[1], Answer::Stopping { running: 1 });
    assert_eq!(answers, [(numbers[0], Answer::Acknowledged { stopped: 0 }), stopping]);
    assert!(!report.all_stopped);
    let waiting = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| room.kill(&Target::All));
        drop(held);
        waiting.join().expect("a report")
    });
    assert!(waiting.all_stopped && waiting.was_on);
    drop(first);
}

#[test]
fn a_host_that_closes_while_a_call_runs_is_never_called_gone() {
    let room = Room::new();
    let control = room.open();
    let running = control.enter(run(1), "read").expect("nothing is on");
    control.close().expect("it stays registered");
    assert_eq!(running.why().expect("it is told").origin, Origin::Host);
    let report = room.kill_within(&Target::All, Duration::from_millis(20), false);
    assert_eq!(only(&report), Answer::Unreachable);
}

#[test]
fn nothing_enters_when_the_thread_has_ended() {
    let room = Room::new();
    let control = room.open();
    control.shared.stop();
    until("the thread ended", || control.check(run(1), "read").is_some());
    assert!(control.enter(run(1), "read").is_err());
}

#[test]
fn twenty_hosts_that_open_a_new_database_at_once_all_register() {
    let room = Room::new();
    let opened: Vec<Control> = std::thread::scope(|scope| {
        let opening: Vec<_> = (0..20).map(|_| scope.spawn(|| room.open())).collect();
        opening.into_iter().map(|opening| opening.join().expect("it opens")).collect()
    });
    let report = room.kill(&Target::All);
    assert_eq!(report.hosts.len(), 20);
    assert!(report.all_stopped, "{report:?}");
    drop(opened);
    assert_eq!(hosts(&room.path), Ok(Vec::new()));
}

#[test]
fn the_files_are_private_and_links_to_one_ledger_share_one_switch() {
    let room = Room::new();
    let control = room.open();
    let mode = |path: &Path| std::fs::metadata(path).expect("it is there").mode() & 0o777;
    assert_eq!(mode(room.path.parent().expect("a folder")), 0o700);
    for suffix in ["", "-wal", "-shm"] {
        let mut name = room.path.as_os_str().to_owned();
        name.push(suffix);
        assert_eq!(mode(Path::new(&name)), 0o600, "{suffix}");
    }
    let folder = room.path.parent().expect("a folder");
    let (ledger, link) = (folder.join("ledger.db"), folder.join("link.db"));
    std::fs::write(&ledger, "").expect("a file");
    std::os::unix::fs::symlink("ledger.db", &link).expect("a link");
    assert_eq!(path_beside(&link), path_beside(&ledger));
    assert_eq!(path_beside(&ledger), room.path.canonicalize().expect("it is there"));
    control.close().expect("nothing runs");
}

#[test]
fn a_file_that_others_may_read_is_made_private() {
    use std::os::unix::fs::PermissionsExt;
    let room = Room::new();
    drop(room.open());
    std::fs::set_permissions(&room.path, std::fs::Permissions::from_mode(0o644)).expect("it is ours");
    room.kill(&Target::All);
    assert_eq!(std::fs::metadata(&room.path).expect("it is there").mode() & 0o777, 0o600);
}

#[test]
fn there_is_a_limit_to_texts_and_to_switches_but_never_to_stopping_everything() {
    let room = Room::new();
    let throw = |target: &Target, why: &str| {
        kill(&room.path, &Kill { target, why, now_ms: 1, wait: Duration::ZERO, force: false })
    };
    assert!(throw(&tool("read"), &"w".repeat(1_000)).is_ok());
    assert!(matches!(throw(&tool("read"), &"w".repeat(1_001)), Err(ControlError::Limit(_))));
    assert!(matches!(throw(&tool(&"t".repeat(1_001)), ""), Err(ControlError::Limit(_))));
    room.sql(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9999)
         INSERT INTO switches (kind, name, since_ms, why) SELECT 'tool', 'tool' || i, 1, '' FROM n",
    );
    assert!(matches!(throw(&tool("one more"), ""), Err(ControlError::Limit(_))));
    assert!(throw(&tool("read"), "").expect("it is on already").was_on);
    assert!(throw(&Target::All, "").is_ok());
    assert_eq!(switches(&room.path).expect("a sound database").len(), 10_001);
}

#[test]
fn a_kill_thrown_again_keeps_its_time_and_takes_the_new_reason() {
    let room = Room::new();
    let throw = |why, now_ms| {
        let order = Kill { target: &Target::All, why, now_ms, wait: Duration::ZERO, force: false };
        kill(&room.path, &order).expect("it is written")
    };
    throw("a loop", 5);
    let again = throw("", 9);
    assert_eq!((again.why.as_str(), again.since_ms), ("a loop", 5));
    assert_eq!(throw("a wild loop", 9).why, "a wild loop");
}

#[test]
fn a_report_reads_the_same_for_every_program() {
    let room = Room::new();
    let _control = room.open();
    let number = hosts(&room.path).expect("a sound database")[0].host;
    let report = serde_json::to_value(room.kill(&tool("read"))).expect("plain data");
    let expected = serde_json::json!({
        "target": {"kind": "tool", "name": "read"}, "since_ms": NOW_MS, "why": "a test", "generation": 1,
        "was_on": false, "written": {"state": "watched"}, "stopped": 0, "all_stopped": true,
        "hosts": [{"host": number, "pid": std::process::id(),
                   "answer": {"state": "acknowledged", "stopped": 0}}],
    });
    assert_eq!(report, expected);
    let listed = serde_json::to_value(hosts(&room.path).expect("a sound database")).expect("plain data");
    let expected = serde_json::json!([{"host": number, "pid": std::process::id(),
        "registered_ms": NOW_MS, "life": "alive"}]);
    assert_eq!(listed, expected);
}

#[test]
fn listing_and_lifting_make_no_database() {
    let room = Room::new();
    assert_eq!(switches(&room.path), Ok(Vec::new()));
    assert_eq!(hosts(&room.path), Ok(Vec::new()));
    assert_eq!(room.unkill(&Target::All), None);
    assert!(!room.path.exists());
}
