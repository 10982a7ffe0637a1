//! Tallies: how much happened in a rolling window, counted in slots, so that memory is bounded.
//!
//! Not here: limits. A slot counts as long as any part of it is in the window, so a tally never counts too
//! little, and too much by at most one slot. Nor does a clock that was ahead make anybody forget or wait for ever:
//! slots are dropped by their number, not by their age, so that those from before are there when it is set back, and
//! what later ones hold then moves to the present. Where the setting back was wrong, that counts as stamped again as soon
//! as the clock is there. Invariant: slots rise; a time a little before the newest slot counts into the newest.

use super::clock::JITTER_MS;
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
    /// What a clock that was set back has moved: the slot it was stamped in, the one it is in now, and how much. It counts
    /// in the first as well once the clock is there again, should it be the setting back that was wrong.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    moved: Vec<(u64, u64, u64)>,
}

/// Slots of 100 ms, for windows up to a minute.
pub(super) type Fine = Tally<100, 601>;
/// Slots of ten seconds, for windows up to an hour.
pub(super) type Coarse = Tally<10_000, 361>;
/// Slots of a minute, for windows up to a day.
pub(super) type Minutes = Tally<60_000, 1_441>;

/// Moves that are remembered, the latest.
const MOVED_MAX: usize = 2_048;

/// The longest window that is counted finely.
const FINE_MS_MAX: u64 = 60_000;

impl<const SLOT_MS: u64, const SLOTS: u64> Tally<SLOT_MS, SLOTS> {
    /// Counts `amount` at a time.
    pub(super) fn add(&mut self, at_ms: u64, amount: u64) {
        if amount == 0 {
            return;
        }
        let slot = at_ms / SLOT_MS;
        self.moved.retain(|(stamped, ..)| stamped + SLOTS > slot);
        self.total = self.total.saturating_add(amount);
        match self.slots.back_mut() {
            Some((newest, count)) if *newest >= slot => *count = count.saturating_add(amount),
            _ => self.slots.push_back((slot, amount)),
        }
        if self.slots.len() as u64 > SLOTS
            && let Some((_, count)) = self.slots.pop_front()
        {
            self.total = self.total.saturating_sub(count);
        }
    }

    /// The clock was set back to this time: what later slots hold moves to its slot, but for what had left every
    /// window before the newest.
    pub(super) fn set_back(&mut self, at_ms: u64) {
        let Some((newest, _)) = self.slots.back().copied() else { return };
        let (slot, mut moved) = (at_ms / SLOT_MS, 0_u64);
        self.moved.iter_mut().for_each(|(_, now, _)| *now = slot.min(*now));
        while let Some((later, count)) = self.slots.pop_back_if(|(later, _)| *later > slot) {
            self.total = self.total.saturating_sub(count);
            if later + SLOTS > newest {
                moved = moved.saturating_add(count);
                self.moved.push((later, slot, count));
            }
        }
        let too_many = self.moved.len().saturating_sub(MOVED_MAX);
        self.moved.drain(..too_many);
        self.add(at_ms, moved);
    }

    /// Whether the clock is again where something was stamped that a clock that was set back has moved.
    pub(super) fn is_right_again(&self, at_ms: u64) -> bool {
        self.moved.iter().any(|(stamped, ..)| *stamped <= at_ms / SLOT_MS)
    }

    /// Puts that back where it was stamped, as far as its slot still has it.
    pub(super) fn set_right(&mut self, at_ms: u64) {
        if !self.is_right_again(at_ms) {
            return;
        }
        let right = |(stamped, ..): &(u64, u64, u64)| *stamped <= at_ms / SLOT_MS;
        let (back, moved) = std::mem::take(&mut self.moved).into_iter().partition(right);
        self.moved = moved;
        let back: Vec<(u64, u64, u64)> = back;
        for (stamped, now, count) in back {
            let held = self.slots.iter_mut().find(|(slot, _)| *slot == now);
            let taken = held.map_or(0, |(_, held)| {
                let taken = count.min(*held);
                *held -= taken;
                taken
            });
            let at = self.slots.partition_point(|(slot, _)| *slot < stamped);
            match self.slots.get_mut(at) {
                Some((slot, held)) if *slot == stamped => *held = held.saturating_add(taken),
                _ => self.slots.insert(at, (stamped, taken)),
            }
        }
        self.slots.retain(|(_, count)| *count > 0);
        while self.slots.len() as u64 > SLOTS
            && let Some((_, count)) = self.slots.pop_front()
        {
            self.total = self.total.saturating_sub(count);
        }
    }

    /// What was counted in the last `window_ms`.
    pub(super) fn count(&self, at_ms: u64, window_ms: u64) -> u64 {
        let first = at_ms.saturating_sub(window_ms) / SLOT_MS;
        let gone = self.slots.partition_point(|(slot, _)| *slot < first);
        let counted = if gone * 2 < self.slots.len() {
            self.total.saturating_sub(self.slots.range(..gone).map(|(_, count)| count).sum())
        } else {
            self.slots.range(gone..).map(|(_, count)| count).sum()
        };
        let again = self.again(at_ms, first).filter(|(_, now, _)| *now < first);
        again.fold(counted, |sum, (_, _, count)| sum.saturating_add(*count))
    }

    /// What was moved and stamped in the window that begins with slot `first`.
    fn again(&self, at_ms: u64, first: u64) -> impl Iterator<Item = &(u64, u64, u64)> {
        let last = at_ms / SLOT_MS;
        self.moved.iter().filter(move |(stamped, ..)| (first..=last).contains(stamped))
    }

    /// How long until no more than `keep` is in the window, if nothing is added; 0 when it is so now. Later slots, of a
    /// clock that was set back, count as the present one: any event moves them there.
    pub(super) fn wait_ms(&self, at_ms: u64, window_ms: u64, keep: u64) -> u64 {
        let mut left = self.count(at_ms, window_ms);
        if left <= keep {
            return 0;
        }
        let first = at_ms.saturating_sub(window_ms) / SLOT_MS;
        let last = at_ms.saturating_add(JITTER_MS) / SLOT_MS;
        let last =
            if self.slots.back().is_some_and(|(newest, _)| *newest > last) { at_ms / SLOT_MS } else { last };
        // What was moved leaves with the slot it was stamped in, and not with the one it is in.
        let mut counts: Vec<(u64, u64)> =
            self.again(at_ms, first).map(|(slot, _, count)| (*slot, *count)).collect();
        counts.extend(self.slots.iter().skip_while(|(slot, _)| *slot < first).map(|(slot, count)| {
            let here = self.again(at_ms, first).filter(|(_, now, _)| now == slot);
            (last.min(*slot), here.fold(*count, |left, (_, _, moved)| left.saturating_sub(*moved)))
        }));
        counts.sort_unstable();
        for (slot, count) in counts {
            left = left.saturating_sub(count);
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

    /// The clock was set back to this time.
    pub(super) fn set_back(&mut self, at_ms: u64) {
        self.fine.set_back(at_ms);
        self.coarse.set_back(at_ms);
    }

    /// The clock is at this time; where it was wrong before, what was moved goes back.
    pub(super) fn set_right(&mut self, at_ms: u64) {
        self.fine.set_right(at_ms);
        self.coarse.set_right(at_ms);
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
    use super::super::clock::Clock;
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

    #[test]
    fn what_was_counted_ahead_waits_one_window_and_what_was_counted_before_is_still_there() {
        const YEAR_MS: u64 = 365 * 24 * 3_600_000;
        let mut tally = Fine::default();
        tally.add(1_000, 3);
        tally.add(YEAR_MS, 2);
        tally.add(YEAR_MS + 500_000, 1);
        assert_eq!(tally.count(2_000, 5_000), 6);
        assert_eq!(tally.wait_ms(2_000, 5_000, 0), 5_100, "as told before anything happened");
        tally.set_back(2_000);
        assert_eq!(tally.count(2_000, 5_000), 4, "the two had left every window");
        assert_eq!(tally.wait_ms(2_000, 5_000, 0), 5_100);
        assert_eq!((tally.count(7_000, 5_000), tally.count(7_100, 5_000)), (1, 0));
    }

    proptest! {
        #[test]
        fn whatever_the_clock_does_nothing_is_forgotten_and_nobody_waits_longer_than_a_window(
            steps in prop::collection::vec((-400_000_i64..400_000, 0_u64..9), 1..100),
            window_ms in 1_u64..60_000,
        ) {
            let (mut tally, mut clock, mut now) = (Fine::default(), Clock::default(), 50_000_000_u64);
            let mut list: Vec<(u64, u64)> = Vec::new();
            for (step_ms, amount) in steps {
                let passed = u64::try_from(step_ms).unwrap_or(0);
                list.iter_mut().for_each(|(age_ms, _)| *age_ms += passed);
                now = now.saturating_add_signed(step_ms);
                if clock.ahead_ms(now) > 0 {
                    tally.set_back(now);
                }
                clock.take(now);
                tally.add(now, amount);
                list.push((0, amount));
                let spent: u64 = list.iter().filter(|(age_ms, _)| *age_ms < window_ms).map(|(_, n)| n).sum();
                prop_assert!(tally.count(now, window_ms) >= spent, "by the order in which it happened");
                let wait_ms = tally.wait_ms(now, window_ms, 0);
                prop_assert!(wait_ms <= window_ms + 100 + JITTER_MS);
                // A clock that goes on to where it was before it was set back finds what it left there.
                if tally.moved.iter().all(|(stamped, ..)| *stamped <= now / 100) {
                    prop_assert_eq!(tally.count(now + wait_ms, window_ms), 0);
                }
                prop_assert!(tally.slots.len() <= 601);
            }
        }

        #[test]
        fn what_a_clock_that_was_wrong_for_a_moment_moved_is_back_when_it_is_right(
            steps in prop::collection::vec((0_u64..40_000, 1_u64..9, prop::option::of(JITTER_MS + 1..1_000_000)), 1..60),
            window_ms in 1_u64..60_000,
        ) {
            let (mut tally, mut clock, mut now) = (Fine::default(), Clock::default(), 50_000_000_u64);
            let mut list: Vec<(u64, u64)> = Vec::new();
            for (pause_ms, amount, dip_ms) in steps {
                now += pause_ms;
                clock.take(now);
                tally.add(now, amount);
                list.push((now, amount));
                if let Some(dip_ms) = dip_ms {
                    let wrong = now - dip_ms;
                    let before = tally.count(now, window_ms);
                    prop_assert!(tally.count(wrong, window_ms) >= before, "while it is wrong");
                    tally.set_back(wrong);
                    clock.take(wrong);
                    prop_assert!(tally.count(wrong, window_ms) >= before);
                    tally.set_right(now);
                    clock.take(now);
                }
                let spent: u64 =
                    list.iter().filter(|(at_ms, _)| now - at_ms < window_ms).map(|(_, n)| n).sum();
                prop_assert!(tally.count(now, window_ms) >= spent, "as if the clock had always been right");
                let wait_ms = tally.wait_ms(now, window_ms, 0);
                prop_assert_eq!(tally.count(now + wait_ms, window_ms), 0);
            }
        }

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
