//! Two processes: the operator here, a host in a copy of this test program.

use super::*;
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};

/// Makes the copy of this program a host: the path of its control database.
const ROOM: &str = "TOOLGATE_TEST_CONTROL";

/// A host in another process, with one call in run 1 of tool `count`, whose guest counts for as long as it may.
struct Other {
    child: Child,
    lines: BufReader<std::process::ChildStdout>,
}

impl Other {
    fn start(room: &Room) -> Self {
        let name =
            format!("{}::host_in_a_process_of_its_own", module_path!().split_once("::").expect("a crate").1);
        let mut child = Command::new(std::env::current_exe().expect("this program"))
            .args(["--exact", &name, "--nocapture"])
            .env(ROOM, &room.path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        let lines = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut other = Self { child, lines };
        other.hear("counting");
        other
    }

    fn hear(&mut self, word: &str) {
        let mut line = String::new();
        while line.trim() != word {
            line.clear();
            assert!(self.lines.read_line(&mut line).expect("a line") > 0, "it ended without saying {word}");
        }
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("it lives");
    }

    fn state(&self) -> char {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id())).expect("a child");
        stat.rsplit_once(") ").expect("fields").1.chars().next().expect("a state")
    }

    fn stop(&self) {
        self.signal(Signal::STOP);
        until("it is stopped", || self.state() == 'T');
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn counted(room: &Room) -> u64 {
    fs::metadata(room.path.with_extension("count")).expect("the guest's file").len()
}

/// Nothing on its own; with [`ROOM`] set, the other process of the tests below.
#[test]
fn host_in_a_process_of_its_own() {
    let Some(path) = std::env::var_os(ROOM).map(PathBuf::from) else { return };
    let control = Control::open(&path, NOW_MS).expect("a sound database");
    let running = control.enter(run(1), "count");
    let say = |word: &str| writeln!(std::io::stdout(), "\n{word}").expect("a pipe");
    let mut file =
        fs::OpenOptions::new().append(true).create(true).open(path.with_extension("count")).expect("a file");
    say("counting");
    match running {
        Ok(running) => {
            while running.why().is_none() {
                file.write_all(b".").expect("a disk");
            }
            drop(running);
            say("stopped");
        }
        Err(_) => say("refused"),
    }
    let _ = std::io::stdin().read(&mut [0]);
    control.close().expect("nothing runs");
}

#[test]
fn after_the_acknowledgement_of_another_process_its_guest_does_nothing_more() {
    let room = Room::new();
    let mut other = Other::start(&room);
    until("the guest counts", || counted(&room) > 0);
    let started = Instant::now();
    let report = room.kill(&Target::Run(run(1)));
    let took = started.elapsed();
    let count = counted(&room);
    assert_eq!(only(&report), Answer::Acknowledged { stopped: 1 });
    assert_eq!(report.hosts[0].pid, other.child.id());
    // Two more looks of that host have come and gone by then.
    room.kill(&tool("nothing"));
    room.kill(&tool("nothing else"));
    assert_eq!(counted(&room), count);
    other.hear("stopped");
    writeln!(std::io::stderr(), "kill of a guest in another process: {took:?}").expect("a stream");
}

#[test]
fn a_stopped_host_is_unreachable_and_never_stopped_and_obeys_when_it_goes_on() {
    let room = Room::new();
    let mut other = Other::start(&room);
    other.stop();
    let report = room.kill_within(&Target::All, Duration::from_millis(50), false);
    assert_eq!(only(&report), Answer::Unreachable);
    assert!(!report.all_stopped && report.stopped == 0);
    assert_eq!(other.state(), 'T', "it was left alone");
    other.signal(Signal::CONT);
    // It may have stopped its call before it is asked again.
    assert!(matches!(only(&room.kill(&Target::All)), Answer::Acknowledged { .. }));
    other.hear("stopped");
}

#[test]
fn force_ends_the_process_that_does_not_answer_and_no_other() {
    let room = Room::new();
    let (mut deaf, mut well) = (Other::start(&room), Other::start(&room));
    deaf.stop();
    let report = room.kill_within(&Target::Run(run(1)), Duration::from_secs(2), true);
    let answers: Vec<_> = report.hosts.iter().map(|host| (host.pid, host.answer)).collect();
    let expected =
        [(deaf.child.id(), Answer::Forced), (well.child.id(), Answer::Acknowledged { stopped: 1 })];
    assert_eq!(answers, expected);
    assert!(report.all_stopped);
    assert_eq!(deaf.child.wait().expect("a child").signal(), Some(9));
    assert_eq!(well.child.try_wait().expect("a child"), None);
    assert_eq!(hosts(&room.path).expect("a sound database").len(), 1);
}

#[test]
fn a_kill_whose_switch_is_lifted_meanwhile_waits_no_more_and_ends_no_process() {
    let room = Room::new();
    let mut other = Other::start(&room);
    other.stop();
    let report = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| room.kill_within(&Target::All, LONG, true));
        until("the switch is on", || switches(&room.path).is_ok_and(|on| !on.is_empty()));
        room.unkill(&Target::All).expect("it was on");
        waiting.join().expect("a report")
    });
    assert_eq!((&report.written, only(&report)), (&Written::Lifted, Answer::Lifted));
    assert!(!report.all_stopped && report.stopped == 0, "{report:?}");
    assert_eq!((other.state(), other.child.try_wait().expect("a child")), ('T', None), "it was left alone");
}

#[test]
fn a_switch_that_is_thrown_anew_is_not_the_one_that_was_lifted() {
    let room = Room::new();
    let other = Other::start(&room);
    other.stop();
    let report = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| room.kill_within(&Target::All, LONG, true));
        until("the switch is on", || switches(&room.path).is_ok_and(|on| !on.is_empty()));
        // Both in one transaction, so that no look falls between them.
        room.sql(
            "BEGIN IMMEDIATE; DELETE FROM switches;
             INSERT INTO switches (kind, name, since_ms, why) VALUES ('all', '', 1, 'a colleague'); COMMIT",
        );
        waiting.join().expect("a report")
    });
    assert_eq!((&report.written, only(&report), other.state()), (&Written::Lifted, Answer::Lifted, 'T'));
}

#[test]
fn a_host_that_died_is_gone_and_struck_out() {
    let room = Room::new();
    let mut other = Other::start(&room);
    other.child.kill().expect("it is ours");
    assert_eq!(only(&room.kill(&Target::All)), Answer::Gone);
    other.child.wait().expect("a child");
    assert_eq!(hosts(&room.path), Ok(Vec::new()));
}

#[test]
fn a_pid_that_belongs_to_another_process_by_now_is_gone_and_is_not_ended() {
    let room = Room::new();
    let mut other = Other::start(&room);
    other.stop();
    room.sql("UPDATE hosts SET started = started + 1");
    assert_eq!(only(&room.kill_within(&Target::All, Duration::from_millis(50), true)), Answer::Gone);
    assert_eq!((other.state(), other.child.try_wait().expect("a child")), ('T', None));
}

#[test]
fn a_host_of_another_pid_namespace_is_unreachable_and_not_ended() {
    let room = Room::new();
    let other = Other::start(&room);
    other.stop();
    room.sql("UPDATE hosts SET namespace = namespace + 1");
    let report = room.kill_within(&Target::All, Duration::from_millis(50), true);
    assert_eq!((only(&report), other.state()), (Answer::Unreachable, 'T'));
}

#[test]
fn a_host_of_another_pid_namespace_that_died_is_gone_because_its_lock_is_free() {
    let room = Room::new();
    let mut other = Other::start(&room);
    let host = hosts(&room.path).expect("a sound database")[0].host;
    let mut lock = room.path.as_os_str().to_owned();
    lock.push(format!("-host-{host}"));
    assert!(Path::new(&lock).is_file());
    room.sql("UPDATE hosts SET namespace = namespace + 1");
    other.child.kill().expect("it is ours");
    other.child.wait().expect("a child");
    let report = room.kill_within(&Target::All, Duration::from_millis(50), false);
    assert_eq!((only(&report), report.all_stopped), (Answer::Gone, true));
    assert_eq!(hosts(&room.path), Ok(Vec::new()));
    assert!(!Path::new(&lock).exists(), "nothing stays behind");
}

#[test]
fn force_ends_the_hosts_also_when_the_switch_cannot_be_written() {
    let room = Room::new();
    let mut other = Other::start(&room);
    room.sql(
        "CREATE TRIGGER full BEFORE INSERT ON switches BEGIN SELECT RAISE(ABORT, 'the disk is full'); END",
    );
    let order = |force| {
        let order = Kill { target: &Target::All, why: "", now_ms: NOW_MS, wait: Duration::ZERO, force };
        kill(&room.path, &order)
    };
    assert!(order(false).expect_err("it cannot be written").is_unwritable());
    assert_eq!(other.child.try_wait().expect("a child"), None);
    let report = order(true).expect("the hosts can be listed");
    assert!(matches!(&report.written, Written::Nowhere { cause } if cause.contains("full")), "{report:?}");
    assert_eq!((only(&report), report.all_stopped, report.generation), (Answer::Forced, false, 0));
    assert_eq!(other.child.wait().expect("a child").signal(), Some(9));
    assert_eq!(switches(&room.path), Ok(Vec::new()));
}

#[test]
fn a_host_that_starts_under_a_switch_starts_stopped() {
    let room = Room::new();
    room.kill(&tool("count"));
    let mut other = Other::start(&room);
    other.hear("refused");
    assert_eq!(counted(&room), 0);
}
