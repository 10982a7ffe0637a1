//! Tallies: how much happened in a rolling window, counted in slots, so that memory is bounded.
//!
//! Not here: limits. A slot counts as long as any part of it is in the window, so a tally never counts too
//! little, and too much by at most one slot. Invariant: slots rise; a time before the newest slot (a clock
//! that was set back) counts into the newest.

use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// Counts in slots of `SLOT_MS`, of which the newest `SLOTS` are kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tally<const SLOT_MS: u64, const SLOTS: u64> {
    /// Slot number and count.
    slots: VecDeque<(u64, u64)>,
    /// Of all slots together.
    total: u64,
}

/// Slots of 100 ms, for windows up to a minute.
pub(super) type Fine = Tally<100, 601>;
/// Slots of ten seconds, for windows up to an hour.
pub(super) type Coarse = Tally<10_000, 361>;
/// Slots of a minute, for windows up to a day.
pub(super) type Minutes = Tally<60_000, 1_441>;

/// The longest window that is counted finely.
const FINE_MS_MAX: u64 = 60_000;

impl<const SLOT_MS: u64, const SLOTS: u64> Tally<SLOT_MS, SLOTS> {
    /// Counts `amount` at a time.
    pub(super) fn add(&mut self, at_ms: u64, amount: u64) {
        if amount == 0 {
            return;
        }
        let slot = at_ms / SLOT_MS;
        self.total = self.total.saturating_add(amount);
        match self.slots.back_mut() {
            Some((newest, count)) if *newest >= slot => *count = count.saturating_add(amount),
            _ => self.slots.push_back((slot, amount)),
        }
        while let Some((_, count)) = self.slots.pop_front_if(|(oldest, _)| *oldest + SLOTS <= slot) {
            self.total = self.total.saturating_sub(count);
        }
    }

    /// What was counted in the last `window_ms`.
    pub(super) fn count(&self, at_ms: u64, window_ms: u64) -> u64 {
        let first = at_ms.saturating_sub(window_ms) / SLOT_MS;
        let gone = self.slots.partition_point(|(slot, _)| *slot < first);
        if gone * 2 < self.slots.len() {
            self.total.saturating_sub(self.slots.range(..gone).map(|(_, count)| count).sum())
        } else {
            self.slots.range(gone..).map(|(_, count)| count).sum()
        }
    }

    /// How long until no more than `keep` is in the window, if nothing is added; 0 when it is so now.
    pub(super) fn wait_ms(&self, at_ms: u64, window_ms: u64, keep: u64) -> u64 {
        let mut left = self.count(at_ms, window_ms);
        let first = at_ms.saturating_sub(window_ms) / SLOT_MS;
        for (slot, count) in self.slots.iter().skip_while(|(slot, _)| *slot < first) {
            if left <= keep {
                break;
            }
            left = left.saturating_sub(*count);
            if left <= keep {
                return (slot + 1).saturating_mul(SLOT_MS).saturating_add(window_ms).saturating_sub(at_ms);
            }
        }
        0
    }
}

/// A count for windows of any length up to an hour: finely up to a minute, coarsely beyond.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Rolling {
    fine: Fine,
    coarse: Coarse,
}

impl Rolling {
    /// Counts one.
    pub(super) fn add(&mut self, at_ms: u64) {
        self.fine.add(at_ms, 1);
        self.coarse.add(at_ms, 1);
    }

    /// How many in the last `window_ms`.
    pub(super) fn count(&self, at_ms: u64, window_ms: u64) -> u64 {
        match window_ms {
            0..=FINE_MS_MAX => self.fine.count(at_ms, window_ms),
            _ => self.coarse.count(at_ms, window_ms),
        }
    }

    /// How long until no more than `keep` are in the window.
    pub(super) fn wait_ms(&self, at_ms: u64, window_ms: u64, keep: u64) -> u64 {
        match window_ms {
            0..=FINE_MS_MAX => self.fine.wait_ms(at_ms, window_ms, keep),
            _ => self.coarse.wait_ms(at_ms, window_ms, keep),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_count_leaves_with_its_window() {
        let mut tally = Fine::default();
        tally.add(1_000, 3);
        assert_eq!(tally.count(1_000, 500), 3);
        assert_eq!(tally.count(1_599, 500), 3);
        assert_eq!(tally.count(1_600, 500), 0);
    }

    #[test]
    fn the_wait_is_exactly_until_there_is_room() {
        let mut tally = Fine::default();
        for at_ms in [1_000, 1_200, 1_400] {
            tally.add(at_ms, 1);
        }
        let wait_ms = tally.wait_ms(1_450, 1_000, 1);
        assert_eq!(tally.count(1_450 + wait_ms - 1, 1_000), 2);
        assert_eq!(tally.count(1_450 + wait_ms, 1_000), 1);
        assert_eq!(tally.wait_ms(1_450, 1_000, 3), 0);
    }

    #[test]
    fn a_clock_that_was_set_back_loses_nothing() {
        let mut tally = Fine::default();
        tally.add(9_000, 1);
        tally.add(1_000, 1);
        assert_eq!(tally.count(1_000, 500), 2);
        assert_eq!(tally.count(9_000, 500), 2);
    }

    proptest! {
        #[test]
        fn a_tally_counts_what_a_plain_list_of_slots_does(
            steps in prop::collection::vec((0_u64..20_000, 1_u64..9), 1..200),
            window_ms in 1_u64..60_000,
        ) {
            let (mut tally, mut list, mut now) = (Fine::default(), Vec::new(), 0);
            for (pause, amount) in steps {
                now += pause;
                tally.add(now, amount);
                list.push((now / 100, amount));
                let first = now.saturating_sub(window_ms) / 100;
                let plain: u64 = list.iter().filter(|(slot, _)| *slot >= first).map(|(_, n)| n).sum();
                prop_assert_eq!(tally.count(now, window_ms), plain);
                prop_assert!(tally.slots.len() <= 601);
                let wait_ms = tally.wait_ms(now, window_ms, 5);
                prop_assert!(tally.count(now + wait_ms, window_ms) <= 5);
                prop_assert!(wait_ms == 0 || tally.count(now + wait_ms - 1, window_ms) > 5);
            }
        }
    }
}
