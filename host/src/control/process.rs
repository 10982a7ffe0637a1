//! Processes, told apart also when a pid is used again, and ending one for good.
//!
//! A process is named by its pid, its start time (`/proc/PID/stat` field 22, see `proc_pid_stat(5)`), the boot and the
//! pid namespace in which both count. Invariants: in doubt a process lives; a signal goes through a `pidfd` whose
//! process was looked at after it was opened, so it can reach no other one.

use super::error::ControlError;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use serde::Serialize;
use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;

/// One process on this machine, now or before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Its id in its namespace.
    pub pid: u32,
    /// When it started, in clock ticks since the boot.
    pub started: u64,
    /// The boot (`/proc/sys/kernel/random/boot_id`).
    pub boot: String,
    /// The pid namespace: its inode number (`pid_namespaces(7)`).
    pub namespace: u64,
}

/// Whether a process lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Life {
    /// It does.
    Alive,
    /// No thread of it runs, nor ever will.
    Gone,
    /// It cannot be seen from here: it belongs to another pid namespace, or `/proc` cannot be read.
    Unknown,
}

impl Process {
    /// The process that asks.
    ///
    /// # Errors
    /// When `/proc` does not say.
    pub fn current() -> Result<Self, ControlError> {
        let read = || -> io::Result<Self> {
            let stat = Stat::read("self")?;
            let pid = std::process::id();
            Ok(Self { pid, started: stat.started, boot: boot()?, namespace: namespace()? })
        };
        read().map_err(|error| {
            ControlError::System(format!("/proc does not say which process this is: {error}; mount it"))
        })
    }

    /// Whether it lives.
    pub fn life(&self) -> Life {
        match (boot(), namespace()) {
            (Ok(boot), _) if boot != self.boot => Life::Gone,
            (Ok(_), Ok(namespace)) if namespace == self.namespace => self.life_here(),
            _ => Life::Unknown,
        }
    }

    fn life_here(&self) -> Life {
        match Stat::read(&self.pid.to_string()) {
            Ok(stat) if stat.started != self.started || stat.is_dead() => Life::Gone,
            Ok(_) => Life::Alive,
            // Read while it ended: ESRCH.
            Err(error) if error.raw_os_error() == Some(3) => Life::Gone,
            // Gone, unless there is no `/proc` to be seen in.
            Err(error) if error.kind() == ErrorKind::NotFound && Stat::read("self").is_ok() => Life::Gone,
            Err(_) => Life::Unknown,
        }
    }

    /// Sends SIGKILL, unless the pid belongs to another process by now. Whether it has ended is for
    /// [`Process::life`] to say.
    pub(super) fn kill(&self) -> io::Result<()> {
        let pid = i32::try_from(self.pid).ok().and_then(Pid::from_raw);
        let pid = pid.ok_or_else(|| io::Error::other("no such pid"))?;
        let process = pidfd_open(pid, PidfdFlags::empty())?;
        // The descriptor is of whoever has the pid now; only then is it worth knowing who that is.
        match self.life() {
            Life::Alive => Ok(pidfd_send_signal(&process, Signal::KILL)?),
            Life::Gone => Ok(()),
            Life::Unknown => Err(io::Error::other("it cannot be seen from here")),
        }
    }
}

/// What is wanted of `/proc/PID/stat`.
#[derive(Debug, PartialEq, Eq)]
struct Stat {
    state: char,
    threads: u64,
    started: u64,
}

impl Stat {
    fn read(process: &str) -> io::Result<Self> {
        let text = fs::read(format!("/proc/{process}/stat"))?;
        Self::parse(&String::from_utf8_lossy(&text)).ok_or_else(|| {
            io::Error::other(format!("/proc/{process}/stat reads otherwise than proc_pid_stat(5) says"))
        })
    }

    /// The name in field 2 is the process's own choice, so the fields count from its last `)`.
    fn parse(text: &str) -> Option<Self> {
        let mut fields = text.rsplit_once(')')?.1.split_ascii_whitespace();
        let state = fields.next()?.chars().next()?;
        let threads = fields.nth(16)?.parse().ok()?;
        let started = fields.nth(1)?.parse().ok()?;
        Some(Self { state, threads, started })
    }

    /// A leader that ended before its threads looks like a zombie, and its threads run on.
    fn is_dead(&self) -> bool {
        matches!(self.state, 'Z' | 'X' | 'x') && self.threads <= 1
    }
}

fn boot() -> io::Result<String> {
    Ok(fs::read_to_string("/proc/sys/kernel/random/boot_id")?.trim().to_owned())
}

fn namespace() -> io::Result<u64> {
    Ok(fs::metadata("/proc/self/ns/pid")?.ino())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::process::{Command, Stdio};

    #[test]
    fn this_process_lives() {
        assert_eq!(Process::current().expect("a system with /proc").life(), Life::Alive);
    }

    #[test]
    fn another_start_time_or_another_boot_is_another_process() {
        let current = Process::current().expect("a system with /proc");
        assert_eq!(Process { started: current.started + 1, ..current.clone() }.life(), Life::Gone);
        assert_eq!(Process { boot: "another".to_owned(), ..current }.life(), Life::Gone);
    }

    #[test]
    fn a_process_of_another_namespace_is_never_called_gone_nor_killed() {
        let current = Process::current().expect("a system with /proc");
        let elsewhere = Process { namespace: current.namespace + 1, pid: u32::MAX >> 1, ..current };
        assert_eq!(elsewhere.life(), Life::Unknown);
        assert!(elsewhere.kill().is_err());
    }

    #[test]
    fn a_zombie_is_gone_and_a_reused_pid_is_not_killed() {
        let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().expect("cat");
        let current = Process::current().expect("a system with /proc");
        let started = Stat::read(&child.id().to_string()).expect("it lives").started;
        let process = Process { pid: child.id(), started, ..current };
        assert_eq!(process.life(), Life::Alive);
        Process { started: started + 1, ..process.clone() }.kill().expect("nothing to do");
        assert_eq!(child.try_wait().expect("a child"), None);
        process.kill().expect("it is ours");
        while process.life() == Life::Alive {
            std::thread::yield_now();
        }
        assert_eq!(Stat::read(&child.id().to_string()).expect("nobody waited for it").state, 'Z');
        assert_eq!(process.life(), Life::Gone);
        child.wait().expect("a child");
        assert_eq!(process.life(), Life::Gone);
    }

    #[test]
    fn a_name_cannot_pass_for_other_fields() {
        let fields = "R 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 5 18 4711 20";
        for name in ["cat", "a) Z 1", "(((", "x) y) z", ""] {
            let stat = Stat::parse(&format!("12 ({name}) {fields}"));
            assert_eq!(stat, Some(Stat { state: 'R', threads: 5, started: 4711 }), "{name}");
        }
    }

    #[test]
    fn a_leader_that_ended_before_its_threads_is_not_dead() {
        let stat = |state, threads| Stat { state, threads, started: 1 };
        assert!(!stat('Z', 2).is_dead() && stat('Z', 1).is_dead() && stat('X', 0).is_dead());
        assert!(!stat('T', 1).is_dead() && !stat('D', 1).is_dead());
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in ".*") {
            let _ = Stat::parse(&text);
            let _ = Stat::parse(&format!("1 (a) {text}"));
        }
    }
}
