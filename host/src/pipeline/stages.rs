//! How long each stage of a call took, for the trace.
//!
//! Invariant: the last stage entered is the one in which the call ended.

use std::fmt;
use std::time::Instant;

/// The stages entered so far.
#[derive(Debug, Default)]
pub(super) struct Stages(Vec<(&'static str, Instant)>);

impl Stages {
    /// Ends the stage before and begins this one.
    pub(super) fn enter(&mut self, stage: &'static str) {
        self.0.push((stage, Instant::now()));
    }
}

impl fmt::Display for Stages {
    /// `propose 4 µs, validate 2 µs, …`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ends = self.0.iter().skip(1).map(|(_, at)| *at).chain([Instant::now()]);
        for (index, ((stage, at), end)) in self.0.iter().zip(ends).enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}{stage} {} µs", end.saturating_duration_since(*at).as_micros())?;
        }
        Ok(())
    }
}
