//! What the operator is told: what each host said to a switch.
//!
//! Invariant: "stopped" is said only of a host that acknowledged, has gone, or was ended here.

use super::target::{Switch, Target};
use serde::Serialize;

/// What became of a kill.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KillReport {
    /// What the switch stops.
    pub target: Target,
    /// Since when it is on, in milliseconds since the Unix epoch.
    pub since_ms: u64,
    /// Why; the words given last.
    pub why: String,
    /// Its number; 0 when it is not written.
    pub generation: u64,
    /// It was on before this kill.
    pub was_on: bool,
    /// Where it is written.
    pub written: Written,
    /// Every host that was registered when the switch was written, or is now when it was on before.
    pub hosts: Vec<HostReport>,
    /// Calls that ran when the switch was thrown, this time, and that the acknowledging hosts have stopped.
    pub stopped: u64,
    /// No host is left in which a call that the switch means may run, and none can come.
    pub all_stopped: bool,
}

/// Where a switch is written. In JSON `{"state": "watched"}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Written {
    /// In the database that the listed hosts watch.
    Watched,
    /// In a database made for it, since no host has ever run on the ledger.
    New,
    /// In a database made for it, though hosts have run on the ledger: the one that they watched is lost, and nobody
    /// knows which of them live.
    Remade,
    /// Nowhere any more: somebody has lifted the switch before every host had answered.
    Lifted,
    /// Nowhere: the switch is NOT on.
    Nowhere {
        /// Why.
        cause: String,
    },
}

/// What one host said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HostReport {
    /// Its number in the control database.
    pub host: u64,
    /// Its process.
    pub pid: u32,
    /// Its answer.
    pub answer: Answer,
}

/// A host's answer to a switch. In JSON `{"state": "acknowledged", "stopped": 2}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Answer {
    /// Nothing that the switch means runs there, and nothing will until it is lifted.
    Acknowledged {
        /// Calls that ran when the host saw the switch, and run no more; without those that had ended before this kill.
        stopped: u64,
    },
    /// The host lets no such call in, but some that ran have not ended in time.
    Stopping {
        /// How many.
        running: u64,
    },
    /// Its process is gone, or it closed with no call left.
    Gone,
    /// It did not answer in time, and its process may live: calls may run there.
    Unreachable,
    /// It did not answer in time, and its process was ended.
    Forced,
    /// It had not answered when somebody lifted the switch: calls run there.
    Lifted,
}

impl Answer {
    /// Whether no call that the switch means can run in this host.
    pub fn is_stopped(self) -> bool {
        matches!(self, Self::Acknowledged { .. } | Self::Gone | Self::Forced)
    }
}

impl KillReport {
    /// What the hosts said to a switch, added up.
    pub(super) fn new(switch: Switch, was_on: bool, written: Written, hosts: Vec<HostReport>) -> Self {
        let Switch { target, since_ms, why, generation } = switch;
        let all_are_seen = matches!(written, Written::Watched | Written::New);
        let all_stopped = all_are_seen && hosts.iter().all(|host| host.answer.is_stopped());
        let of_host = |host: &HostReport| match host.answer {
            Answer::Acknowledged { stopped } => stopped,
            _ => 0,
        };
        let stopped = hosts.iter().map(of_host).sum();
        Self { target, since_ms, why, generation, was_on, written, hosts, stopped, all_stopped }
    }
}

/// A host in the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HostSummary {
    /// Its number.
    pub host: u64,
    /// Its process.
    pub pid: u32,
    /// When it registered, in milliseconds since the Unix epoch.
    pub registered_ms: u64,
    /// Whether its process lives.
    pub life: super::process::Life,
}
