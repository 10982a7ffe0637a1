//! A real guest under the kill switch, with every step taken by hand: looks, acknowledgements, epochs, and how long a
//! call into the host lasts.
//!
//! Not here: the same with the clock and another process (`tests/src/control_plane/kill.rs`). Invariant: no time is
//! waited for; the guest stands still in its report until the test lets it go on, and no epoch passes by itself. What
//! the guest did is told by what it cannot hide: each report is a call into the host, and before it the memory grows
//! by one page.

use super::*;
use crate::call::{CallId, Fault};
use crate::policy::Limits;
use crate::sandbox::{
    Admission, Failed, HOST_CALL_FUEL, Job, OpenGrants, ProgressSink, Ran, RawProgress, Sandbox, compile,
};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};

const PAGE_BYTES: u64 = 65_536;
/// Reports for ever, and takes one page more before each.
const REPORTS: &str = "(loop $again (drop (memory.grow (i32.const 1))) (call $report) (br $again))";
/// Reports once, then computes for ever.
const SPINS: &str = "(call $report) (loop $again (br $again))";

/// A guest on a thread of its own.
struct Guest {
    sandbox: Arc<Sandbox>,
    reports: Arc<AtomicU64>,
    reported: Receiver<()>,
    go_on: Sender<()>,
    ended: Receiver<Ran>,
}

impl Guest {
    /// Lets a call in and runs it as the host does.
    fn start(host: &Hand, body: &str) -> Self {
        let sandbox = Arc::new(Sandbox::still(1).expect("an engine"));
        let component = wat::parse_str(include_str!("guest.wat").replace("@body@", body));
        let code = compile(&component.expect("sound text")).expect("a component");
        let loaded = sandbox.load(&code).expect("only what is linked is imported");
        let (reports, (report, reported), (go_on, wait)) = (Arc::default(), channel(), channel());
        let job = job(host, gate(&reports, report, wait));
        let ticket = Admission::new(1, 1).ticket("read").expect("nobody waits");
        let (end, ended) = channel();
        let runs = Arc::clone(&sandbox);
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let ran = runtime.expect("a runtime").block_on(runs.execute(&loaded, &ticket, job));
            // A test that failed is not there to hear it.
            let _ = end.send(ran);
        });
        Self { sandbox, reports, reported, go_on, ended }
    }

    /// Waits until the guest stands in its next report.
    fn reported(&self) {
        self.reported.recv_timeout(LONG).expect("the guest reports");
    }

    /// Ends the report that the guest stands in.
    fn go_on(&self) {
        self.go_on.send(()).expect("the guest stands in a report");
    }

    fn still_runs(&self) -> bool {
        self.ended.try_recv().err() == Some(TryRecvError::Empty)
    }

    /// Waits until the execution has ended; what it took.
    fn ended(&self) -> Ran {
        self.ended.recv_timeout(LONG).expect("the guest ends")
    }

    fn reports(&self) -> u64 {
        self.reports.load(Ordering::SeqCst)
    }
}

/// Counts each report and holds it until the test lets it go on, or is over.
fn gate(reports: &Arc<AtomicU64>, report: Sender<()>, wait: Receiver<()>) -> ProgressSink {
    let (reports, wait) = (Arc::clone(reports), Mutex::new(wait));
    Arc::new(move |_: RawProgress| {
        reports.fetch_add(1, Ordering::SeqCst);
        let _ = report.send(());
        let _ = wait.lock().expect("one report at a time").recv();
    })
}

fn job(host: &Hand, progress: ProgressSink) -> Job {
    Job {
        tool: "read".to_owned(),
        arguments_json: "{}".to_owned(),
        run: run(1),
        call: CallId::new(NOW_MS, [1; 10]),
        attempt: 1,
        key: None,
        started_unix: Duration::from_millis(NOW_MS),
        deadline: Instant::now() + LONG * 2,
        limits: Limits { fuel: u64::MAX / 2, deadline: LONG * 2, ..Limits::BUILT_IN },
        charge_micro_usd_max: 0,
        grants: Arc::new(OpenGrants::default()),
        progress: Some(progress),
        admitted: Arc::default(),
        running: Some(host.enter(run(1), "read").expect("nothing is on")),
    }
}

/// What the operator hears.
fn ask(room: &Room) -> Answer {
    only(&room.kill_within(&Target::All, Duration::ZERO, false))
}

/// The host takes one turn of its thread.
fn turn(host: &mut Hand) {
    host.watcher.look();
    host.watcher.acknowledge();
}

#[track_caller]
fn assert_killed(ran: &Ran) {
    assert!(matches!(ran.ended, Err(Failed::Fault(Fault::Killed, _))), "{ran:?}");
}

/// Kills a guest while it stands in its report of this number; gives the fuel that it took.
fn killed_in_report(number: u64) -> u64 {
    let room = Room::new();
    let mut host = Hand::open(&room);
    let guest = Guest::start(&host, REPORTS);
    guest.reported();
    for _ in 1..number {
        guest.go_on();
        guest.reported();
    }
    assert_eq!(ask(&room), Answer::Unreachable, "the switch is on, and the host has not looked");
    for _ in 0..3 {
        turn(&mut host);
        assert_eq!(ask(&room), Answer::Stopping { running: 1 }, "the guest stands in a call into the host");
    }
    guest.sandbox.pass_epoch();
    turn(&mut host);
    assert_eq!(ask(&room), Answer::Stopping { running: 1 }, "an epoch ends nothing in the host");
    assert!(guest.still_runs() && host.enter(run(1), "read").is_err());

    guest.go_on();
    let ran = guest.ended();
    assert_killed(&ran);
    assert_eq!(ask(&room), Answer::Stopping { running: 1 }, "it is told at the next look");
    turn(&mut host);
    // Asking again is a kill of its own, and this guest had ended before it.
    assert_eq!(ask(&room), Answer::Acknowledged { stopped: 0 });

    guest.sandbox.pass_epoch();
    assert_eq!((guest.reports(), ran.measured.host_calls), (number, number));
    assert_eq!(ran.measured.memory_bytes, PAGE_BYTES * (1 + number), "it went on after its last report");
    ran.measured.fuel
}

#[test]
fn no_guest_instruction_runs_after_the_acknowledgement() {
    let fuel: Vec<u64> = (1..=3).map(killed_in_report).collect();
    let round = fuel[1] - fuel[0];
    assert!(round > HOST_CALL_FUEL, "{fuel:?}");
    assert_eq!(fuel[2] - fuel[1], round, "whichever report was the last, nothing came after it: {fuel:?}");
}

#[test]
fn a_guest_that_runs_on_to_the_end_of_its_epoch_holds_up_the_acknowledgement() {
    let room = Room::new();
    let mut host = Hand::open(&room);
    let guest = Guest::start(&host, REPORTS);
    guest.reported();
    assert_eq!(ask(&room), Answer::Unreachable);
    for more in 1..=3 {
        turn(&mut host);
        guest.go_on();
        guest.reported();
        turn(&mut host);
        assert_eq!((guest.reports(), ask(&room)), (1 + more, Answer::Stopping { running: 1 }));
    }
    guest.sandbox.pass_epoch();
    guest.go_on();
    let ran = guest.ended();
    assert_killed(&ran);
    turn(&mut host);
    // Asking again is a kill of its own, and this guest had ended before it.
    assert_eq!(ask(&room), Answer::Acknowledged { stopped: 0 });
    assert_eq!((guest.reports(), ran.measured.host_calls), (4, 4));
    assert_eq!(ran.measured.memory_bytes, PAGE_BYTES * 5);
}

#[test]
fn a_guest_that_computes_runs_until_the_look_and_no_further_than_the_next_epoch() {
    let room = Room::new();
    let mut host = Hand::open(&room);
    let guest = Guest::start(&host, SPINS);
    guest.reported();
    guest.go_on();
    assert_eq!(ask(&room), Answer::Unreachable);
    for _ in 0..3 {
        guest.sandbox.pass_epoch();
        host.watcher.acknowledge();
        assert_eq!(ask(&room), Answer::Unreachable, "the host has not looked");
    }
    assert!(guest.still_runs(), "epochs alone end nobody");
    host.watcher.look();
    guest.sandbox.pass_epoch();
    assert_killed(&guest.ended());
    assert_eq!(ask(&room), Answer::Unreachable, "the host has not acknowledged");
    host.watcher.acknowledge();
    // Asking again is a kill of its own, and this guest had ended before it.
    assert_eq!(ask(&room), Answer::Acknowledged { stopped: 0 });
    assert_eq!(guest.reports(), 1);
}
