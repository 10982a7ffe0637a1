//! Progress of one call: from the guest's reports to `notifications/progress`.
//!
//! The specification asks for strictly increasing values and a rate limit, and for silence once the
//! request has ended (the outbox sees to that). Not here: cleaning the message, which the gate has done.
//! Invariant: a report that does not increase, is not a number, or comes too soon is dropped.

use super::outbox::Outbox;
use crate::{Progress, ProgressSink};
use rmcp::model::{ProgressToken, RequestId};
use serde::Serialize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The least time between two notifications of one call.
const INTERVAL_MIN: Duration = Duration::from_millis(50);

/// A reporter that writes the progress of request `id` under the client's `token`.
pub(super) fn reporter(outbox: Arc<Outbox>, id: RequestId, token: ProgressToken) -> ProgressSink {
    let pace = Mutex::new(Pace::default());
    Arc::new(move |progress| {
        let admitted =
            pace.lock().unwrap_or_else(PoisonError::into_inner).admit(progress.done, Instant::now());
        if admitted {
            outbox.report(&id, &Notification::new(&token, &progress));
        }
    })
}

/// Decides which reports pass.
#[derive(Debug, Default)]
struct Pace {
    last: Option<(f64, Instant)>,
}

impl Pace {
    fn admit(&mut self, done: f64, now: Instant) -> bool {
        let passes = match self.last {
            None => done.is_finite(),
            Some((before, at)) => {
                done.is_finite() && done > before && now.saturating_duration_since(at) >= INTERVAL_MIN
            }
        };
        if passes {
            self.last = Some((done, now));
        }
        passes
    }
}

#[derive(Serialize)]
struct Notification<'a> {
    jsonrpc: &'static str,
    method: &'static str,
    params: Params<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Params<'a> {
    progress_token: &'a ProgressToken,
    progress: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    total: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
}

impl<'a> Notification<'a> {
    fn new(token: &'a ProgressToken, progress: &'a Progress) -> Self {
        let params = Params {
            progress_token: token,
            progress: progress.done,
            total: progress.total.filter(|total| total.is_finite()),
            message: progress.message.as_deref(),
        };
        Self { jsonrpc: "2.0", method: "notifications/progress", params }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn a_report_that_comes_too_soon_is_dropped_and_one_at_the_interval_passes() {
        let (mut pace, start) = (Pace::default(), Instant::now());
        assert!(pace.admit(0.0, start));
        assert!(!pace.admit(1.0, start + INTERVAL_MIN - Duration::from_nanos(1)));
        assert!(pace.admit(1.0, start + INTERVAL_MIN));
    }

    #[test]
    fn the_wire_shape_leaves_out_what_is_not_known() {
        let token = serde_json::from_value(json!("t")).unwrap();
        let progress = Progress { done: 0.5, total: Some(f64::NAN), message: None };
        let expected = json!({"jsonrpc": "2.0", "method": "notifications/progress",
            "params": {"progressToken": "t", "progress": 0.5}});
        assert_eq!(serde_json::to_value(Notification::new(&token, &progress)).unwrap(), expected);
    }

    proptest! {
        #[test]
        fn what_passes_is_finite_strictly_increasing_and_spaced(
            reports in proptest::collection::vec((any::<f64>(), 0u64..120), 0..40),
        ) {
            let (mut pace, mut now) = (Pace::default(), Instant::now());
            let mut passed: Vec<(f64, Instant)> = Vec::new();
            for (done, wait_ms) in reports {
                now += Duration::from_millis(wait_ms);
                if pace.admit(done, now) {
                    passed.push((done, now));
                }
            }
            for pair in passed.windows(2) {
                prop_assert!(pair[0].0 < pair[1].0 && pair[1].1 - pair[0].1 >= INTERVAL_MIN);
            }
            prop_assert!(passed.iter().all(|(done, _)| done.is_finite()));
        }
    }
}
