//! The way of a call, stage by stage: every reason that each can end with, through the real gate.

mod cancel;
mod check;
mod decide;
mod execute;
mod idempotency;
mod ledger_failure;
mod propose;
mod record;
mod run_identity;
mod sanitize;
mod texts;
mod validate;
