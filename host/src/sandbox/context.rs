//! `call-context`: what the host tells a running call, and what the call tells the host.
//!
//! Not here: what becomes of it (the ledger keeps logs, the caller sees progress). Invariant: what a
//! guest can make the host keep is bounded by the constants in `limits`.

use super::bindings::toolgate::tool::call_context::{Host, Level};
use super::limits::{LOG_LINE_BYTES_MAX, LOG_LINES_MAX};
use super::trap::ChargeRefused;
use crate::call::{CallId, RunId};
use std::sync::Arc;
use std::time::Instant;

/// Progress as the guest reports it; the message is not sanitized yet.
#[derive(Debug, Clone, PartialEq)]
pub struct RawProgress {
    /// Done so far.
    pub done: f64,
    /// Out of how much, when known.
    pub total: Option<f64>,
    /// A short message.
    pub message: Option<String>,
}

/// Where progress goes.
pub type ProgressSink = Arc<dyn Fn(RawProgress) + Send + Sync>;

/// One `log` line of the guest, not sanitized yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawLog {
    /// `debug`, `info`, `warn` or `error`.
    pub level: &'static str,
    /// The line, cut at `LOG_LINE_BYTES_MAX`.
    pub message: String,
}

/// Per-call state of the interface.
pub(super) struct CallContext {
    pub(super) run: RunId,
    pub(super) call: CallId,
    pub(super) attempt: u32,
    pub(super) key: Option<String>,
    pub(super) deadline: Instant,
    pub(super) keep_logs: bool,
    pub(super) progress: Option<ProgressSink>,
    pub(super) logs: Vec<RawLog>,
    pub(super) logs_dropped: u64,
    pub(super) charged_micro_usd: u64,
    pub(super) charge_micro_usd_max: u64,
}

impl Host for CallContext {
    fn run_id(&mut self) -> wasmtime::Result<String> {
        Ok(self.run.to_string())
    }

    fn call_id(&mut self) -> wasmtime::Result<String> {
        Ok(self.call.to_string())
    }

    fn attempt(&mut self) -> wasmtime::Result<u32> {
        Ok(self.attempt)
    }

    fn idempotency_key(&mut self) -> wasmtime::Result<Option<String>> {
        Ok(self.key.clone())
    }

    fn remaining_ms(&mut self) -> wasmtime::Result<u64> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        Ok(u64::try_from(left.as_millis()).unwrap_or(u64::MAX))
    }

    fn log(&mut self, level: Level, message: String) -> wasmtime::Result<()> {
        if !self.keep_logs || self.logs.len() >= LOG_LINES_MAX {
            self.logs_dropped = self.logs_dropped.saturating_add(1);
            return Ok(());
        }
        let level = match level {
            Level::Debug => "debug",
            Level::Info => "info",
            Level::Warn => "warn",
            Level::Error => "error",
        };
        self.logs.push(RawLog { level, message: cut(message) });
        Ok(())
    }

    fn progress(&mut self, done: f64, total: Option<f64>, message: Option<String>) -> wasmtime::Result<()> {
        if let Some(sink) = &self.progress
            && done.is_finite()
        {
            sink(RawProgress {
                done,
                total: total.filter(|total| total.is_finite()),
                message: message.map(cut),
            });
        }
        Ok(())
    }

    fn charge(&mut self, micro_usd: u64) -> wasmtime::Result<()> {
        let charged = self.charged_micro_usd.saturating_add(micro_usd);
        self.charged_micro_usd = charged.min(self.charge_micro_usd_max);
        if charged > self.charge_micro_usd_max {
            return Err(ChargeRefused { micro_usd_max: self.charge_micro_usd_max }.into());
        }
        Ok(())
    }
}

fn cut(mut message: String) -> String {
    let mut end = message.len().min(LOG_LINE_BYTES_MAX);
    while !message.is_char_boundary(end) {
        end -= 1;
    }
    message.truncate(end);
    message
}
