//! The clock of a call without the clock grant: it stands at the call's start.
//!
//! With the grant, the runtime's own clocks are left in place. Sleeping is not a clock: it takes real
//! time either way, up to the deadline. Invariant: two readings in one call are equal, so a guest can
//! neither time the host nor tell one run of the same call from another.

use std::time::Duration;
use wasmtime_wasi::{HostMonotonicClock, HostWallClock};

/// A clock that stands still.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallClock {
    unix: Duration,
}

impl CallClock {
    /// Stands at this Unix time. The monotonic reading is the same instant in nanoseconds since 1970,
    /// far enough from zero for guests that subtract from "now".
    pub fn at(unix: Duration) -> Self {
        Self { unix }
    }
}

impl HostWallClock for CallClock {
    fn resolution(&self) -> Duration {
        Duration::from_nanos(1)
    }

    fn now(&self) -> Duration {
        self.unix
    }
}

impl HostMonotonicClock for CallClock {
    fn resolution(&self) -> u64 {
        1
    }

    fn now(&self) -> u64 {
        u64::try_from(self.unix.as_nanos()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ungranted_clock_stands_at_the_calls_start() {
        let clock = CallClock::at(Duration::new(1_700_000_000, 5));
        assert_eq!(HostWallClock::now(&clock), Duration::new(1_700_000_000, 5));
        assert_eq!(HostMonotonicClock::now(&clock), 1_700_000_000_000_000_005);
        assert_eq!(HostMonotonicClock::now(&clock), HostMonotonicClock::now(&clock));
    }

    #[test]
    fn a_start_past_the_range_of_nanoseconds_does_not_overflow() {
        assert_eq!(HostMonotonicClock::now(&CallClock::at(Duration::MAX)), u64::MAX);
    }
}
