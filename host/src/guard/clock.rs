//! A clock that was set back: what was stamped while it was ahead moves back with it.
//!
//! Not here: the clock itself; a time comes with every event and every ask. Invariant: the newest time that a state has
//! taken is never more than [`JITTER_MS`] ahead of its newest event, so nothing waits for a time that is far away.

use serde::{Deserialize, Serialize};

/// Events reach the ledger in another order than they were stamped in, and hosts' clocks differ a little: so much is no
/// clock that was set back.
pub(super) const JITTER_MS: u64 = 60_000;

/// The newest time that a state has taken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Clock(u64);

impl Clock {
    /// How far it is ahead of this time, where that is more than jitter; else 0.
    pub(super) fn ahead_ms(self, at_ms: u64) -> u64 {
        Some(self.0.saturating_sub(at_ms)).filter(|ahead_ms| *ahead_ms > JITTER_MS).unwrap_or(0)
    }

    /// What a stamp of this state means at this time: one that lies ahead moves back by as much as the clock did.
    pub(super) fn read(self, stamp_ms: u64, at_ms: u64) -> u64 {
        if stamp_ms > at_ms { stamp_ms.saturating_sub(self.ahead_ms(at_ms)) } else { stamp_ms }
    }

    /// Takes the time of an event.
    pub(super) fn take(&mut self, at_ms: u64) {
        self.0 = if self.ahead_ms(at_ms) > 0 { at_ms } else { self.0.max(at_ms) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_keeps_its_distance_to_the_clock_that_was_set_back() {
        let mut clock = Clock::default();
        clock.take(9_000_000);
        assert_eq!(clock.read(9_007_000, 1_000_000), 1_007_000);
        assert_eq!(clock.read(8_000_000, 1_000_000), 0, "long over");
        assert_eq!(clock.read(500_000, 1_000_000), 500_000, "from before it was ahead");
        clock.take(1_000_000);
        assert_eq!(clock, Clock(1_000_000));
    }

    #[test]
    fn a_little_difference_is_none() {
        let mut clock = Clock::default();
        clock.take(1_000_000);
        assert_eq!((clock.ahead_ms(940_000), clock.read(1_000_000, 940_000)), (0, 1_000_000));
        clock.take(940_000);
        assert_eq!(clock, Clock(1_000_000));
        assert_eq!(clock.ahead_ms(939_999), 60_001);
    }
}
