//! Retries: how long to pause, and whether the tool's retry budget has room.
//!
//! Not here: whether a repeat is safe, and the deadline of the whole call. Invariant: pure; the randomness is an
//! argument.

use super::settings::Retry;
use super::tool::ToolState;

/// The retry budget looks back this far.
const WINDOW_MS: u64 = 600_000;
/// Retries in the window that are always allowed, so that a tool that is seldom called is retried at all.
const RETRIES_MIN: u64 = 10;

/// How long to wait before the next attempt, in milliseconds, after `attempt` attempts (1 after the first).
///
/// Full jitter: between 0 and `base_ms` doubled with each attempt, at most `max_ms`, picked by `random`. What the
/// tool asked for (`retry_after_ms`) is waited for in full, even beyond `max_ms`, and then up to `base_ms` more, so
/// that those who were told the same do not come at once.
pub fn pause_ms(settings: &Retry, attempt: u32, retry_after_ms: Option<u64>, random: u64) -> u64 {
    let doubled = 1_u64.checked_shl(attempt.saturating_sub(1)).unwrap_or(u64::MAX);
    let cap_ms = match retry_after_ms {
        None => settings.base_ms.saturating_mul(doubled),
        Some(_) => settings.base_ms,
    };
    let jitter_ms = random % settings.max_ms.min(cap_ms).saturating_add(1).max(1);
    retry_after_ms.unwrap_or(0).saturating_add(jitter_ms)
}

/// Whether one more retry of the tool is within `budget_percent` of its calls of the last ten minutes, or is one of
/// the ten that are always allowed; none is when the share is 0.
pub(super) fn has_room(tool: &ToolState, settings: &Retry, at_ms: u64) -> bool {
    let share = tool.arrivals.count(at_ms, WINDOW_MS).saturating_mul(settings.budget_percent.into()) / 100;
    settings.budget_percent > 0 && tool.retries.count(at_ms, WINDOW_MS) < share.max(RETRIES_MIN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SETTINGS: Retry = Retry { attempts: 9, base_ms: 200, max_ms: 1_000, budget_percent: 10 };

    #[test]
    fn the_pause_may_double_with_each_attempt_up_to_its_maximum() {
        let longest = |attempt| (0..2_000).map(|random| pause_ms(&SETTINGS, attempt, None, random)).max();
        let caps = [1, 2, 3, 4, u32::MAX].map(longest);
        assert_eq!(caps, [Some(200), Some(400), Some(800), Some(1_000), Some(1_000)]);
        assert_eq!(pause_ms(&SETTINGS, 3, None, 0), 0);
    }

    #[test]
    fn a_seldom_used_tool_has_ten_retries_and_a_busy_one_its_share() {
        let mut tool = ToolState::default();
        for allowed in [true; 10].into_iter().chain([false; 2]) {
            assert_eq!(has_room(&tool, &SETTINGS, 5_000), allowed);
            tool.retried(5_000, None);
        }
        (0..200).for_each(|_| tool.arrivals.add(5_000));
        assert!(has_room(&tool, &SETTINGS, 5_000));
        (0..8).for_each(|_| tool.retried(5_000, None));
        assert!(!has_room(&tool, &SETTINGS, 5_000));
        assert!(has_room(&tool, &SETTINGS, 700_000), "ten minutes later");
    }

    #[test]
    fn a_share_of_nothing_allows_no_retry() {
        assert!(!has_room(&ToolState::default(), &Retry { budget_percent: 0, ..SETTINGS }, 0));
    }

    proptest! {
        #[test]
        fn never_sooner_than_told(
            attempt: u32, told: u32, random: u64, base_ms in 0_u64..9_999, max_ms in 0_u64..9_999,
        ) {
            let settings = Retry { base_ms, max_ms, ..SETTINGS };
            let pause = pause_ms(&settings, attempt, Some(told.into()), random);
            prop_assert!(pause >= told.into());
            prop_assert!(pause <= base_ms.min(max_ms).saturating_add(told.into()));
            prop_assert!(pause_ms(&settings, attempt, None, random) <= max_ms);
        }
    }
}
