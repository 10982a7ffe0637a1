//! Percentiles of samples and medians of rounds.

use anyhow::{Context, Result};
use std::time::Duration;

/// Two figures of one round, in microseconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spread {
    pub(crate) p50: f64,
    pub(crate) p99: f64,
}

/// The percentiles of one round.
pub(crate) fn spread(mut samples: Vec<Duration>) -> Result<Spread> {
    samples.sort_unstable();
    let at = |percent: usize| {
        let sample = samples.get(samples.len().saturating_mul(percent) / 100);
        sample.map(|sample| sample.as_secs_f64() * 1e6).context("no samples")
    };
    Ok(Spread { p50: at(50)?, p99: at(99)? })
}

/// The middle of some figures.
pub(crate) fn median(figures: impl IntoIterator<Item = f64>) -> f64 {
    let mut figures: Vec<f64> = figures.into_iter().collect();
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Figures taken in turn: `(ours, baseline)` a round.
#[derive(Debug, Default)]
pub(crate) struct Rounds(Vec<(f64, f64)>);

impl Rounds {
    pub(crate) fn push(&mut self, ours: f64, baseline: f64) {
        self.0.push((ours, baseline));
    }

    /// The median of ours.
    pub(crate) fn ours(&self) -> f64 {
        median(self.0.iter().map(|(ours, _)| *ours))
    }

    /// The median of the baseline.
    pub(crate) fn baseline(&self) -> f64 {
        median(self.0.iter().map(|(_, baseline)| *baseline))
    }

    /// The median of ours ÷ baseline within each round.
    pub(crate) fn ratio(&self) -> f64 {
        median(self.0.iter().map(|(ours, baseline)| ours / baseline))
    }

    /// The median of what ours is above so many times the baseline within each round.
    pub(crate) fn beyond(&self, times: f64) -> f64 {
        median(self.0.iter().map(|(ours, baseline)| ours - times * baseline))
    }
}
