//! One life of a host: a worker is started, told what to do, listened to, and dies or ends by itself.
//!
//! Not here: what it was worth (`audit.rs`). Invariant: when a life is over its process is gone, and every whole line
//! that it had printed was heard.

use super::agent::{Answer, Request};
use super::points::Point;
use super::worker;
use crate::support::PATIENCE;
use crate::support::chance::Chance;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// `SIGKILL`, the same number on every Linux.
const KILL: i32 = 9;

/// The most that the parent waits before it kills, from the start of the process: some die while they open.
const FROM_START_US_MAX: u64 = 150_000;
/// The same from the moment the gate is open.
const FROM_OPEN_US_MAX: u64 = 50_000;

/// The points, the busier ones more often.
const DRAWN: [Point; 14] = [
    Point::BeforeCommit,
    Point::BeforeCommit,
    Point::BeforeCommit,
    Point::SyncBegin,
    Point::SyncBegin,
    Point::SyncEnd,
    Point::SyncEnd,
    Point::WriteBegin,
    Point::WriteHalf,
    Point::WriteHalf,
    Point::WriteEnd,
    Point::FolderSyncBegin,
    Point::FolderSyncEnd,
    Point::OwnSync,
];

/// How a life is to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Death {
    /// When its work is done.
    Natural,
    /// By its own hand, at this hit of a point; if it comes so far.
    At(Point, u64),
    /// By the parent's, so long after the start, or after the gate is open.
    After {
        /// Whether the time counts from the open gate.
        open: bool,
        /// The time.
        delay: Duration,
    },
}

impl Death {
    /// One of the two violent ones.
    pub(super) fn draw(chance: &mut Chance) -> Self {
        match chance.below(10) {
            0 => Self::After { open: false, delay: Duration::from_micros(chance.below(FROM_START_US_MAX)) },
            1..4 => Self::After { open: true, delay: Duration::from_micros(chance.below(FROM_OPEN_US_MAX)) },
            _ => {
                let point = chance.pick(&DRAWN);
                Self::At(point, 1 + chance.below(point.hits()))
            }
        }
    }
}

/// What a life left.
#[derive(Debug)]
pub(super) struct Lived {
    /// What it answered.
    pub(super) answers: Vec<Answer>,
    /// Whether it was killed, rather than done.
    pub(super) killed: bool,
}

/// Starts a worker on a policy and sees it to its end.
pub(super) fn live(policy: &Path, requests: &[Request], at_once: u64, death: Death) -> Lived {
    let mut child = command(policy, at_once, death).spawn().expect("a worker");
    let lines: String = requests.iter().map(|request| request.line() + "\n").collect();
    // Where it is dead already, nobody reads.
    let _ = child.stdin.take().expect("a pipe").write_all(lines.as_bytes());
    let said = listen(child.stdout.take().expect("a pipe"));
    let mut life = Life { child, said, answers: Vec::new(), open: false, done: false };
    if let Death::After { open, delay } = death {
        life.kill(open, delay);
    }
    let lived = life.end();
    assert!(!lived.killed || death != Death::Natural, "somebody else killed a worker");
    lived
}

fn command(policy: &Path, at_once: u64, death: Death) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("the path of this test"));
    command
        .args([worker::TEST, "--exact", "--ignored", "--nocapture", "--test-threads=1"])
        .env(worker::POLICY, policy)
        .env(worker::AT_ONCE, at_once.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    if let Death::At(point, nth) = death {
        command.env(worker::DEATH, format!("{}:{nth}", point.as_str()));
    }
    command
}

/// Reads to the end on a thread of its own. Half a line was not said.
fn listen(output: ChildStdout) -> Receiver<String> {
    let (sender, said) = channel();
    std::thread::spawn(move || {
        let mut output = BufReader::new(output);
        loop {
            let mut line = String::new();
            if output.read_line(&mut line).is_err() || !line.ends_with('\n') {
                return;
            }
            let heard = line.trim_end().strip_prefix('@').map(|said| sender.send(said.to_owned()));
            if heard.is_some_and(|heard| heard.is_err()) {
                return;
            }
        }
    });
    said
}

struct Life {
    child: Child,
    said: Receiver<String>,
    answers: Vec<Answer>,
    open: bool,
    done: bool,
}

impl Life {
    /// Takes one line, where one comes in time.
    fn hear(&mut self, wait: Duration) -> Result<(), RecvTimeoutError> {
        let line = self.said.recv_timeout(wait)?;
        match line.as_str() {
            worker::OPENED => self.open = true,
            worker::DONE => self.done = true,
            answer => {
                let answer = Answer::parse(answer).unwrap_or_else(|| panic!("a worker said {answer:?}"));
                self.answers.push(answer);
            }
        }
        Ok(())
    }

    /// As [`Life::hear`], of a worker that has all the time it needs; false when it has said its last.
    fn hear_next(&mut self) -> bool {
        match self.hear(PATIENCE) {
            Ok(()) => true,
            Err(RecvTimeoutError::Disconnected) => false,
            Err(RecvTimeoutError::Timeout) => {
                let _ = self.child.kill();
                panic!("a worker neither works nor ends");
            }
        }
    }

    fn kill(&mut self, open: bool, delay: Duration) {
        while open && !self.open {
            if !self.hear_next() {
                return;
            }
        }
        let moment = Instant::now() + delay;
        while self.hear(moment.saturating_duration_since(Instant::now())).is_ok() {}
        // Where it has ended by itself, there is nothing to kill.
        let _ = self.child.kill();
    }

    fn end(mut self) -> Lived {
        while self.hear_next() {}
        let status = self.child.wait().expect("a worker ends");
        let killed = status.signal() == Some(KILL);
        assert!(killed || (status.success() && self.done), "a worker ended with {status}");
        Lived { answers: self.answers, killed }
    }
}
