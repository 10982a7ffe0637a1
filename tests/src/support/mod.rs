//! What every test stands on: a folder with a policy, guests of a few lines, the program, and reading back.

pub mod binary;
pub mod chance;
pub mod disk;
pub mod entries;
pub mod gate;
pub mod guest;
pub mod mcp;
pub mod source;
pub mod vfs;

pub use gate::{TestGate, call, suggest};
pub use guest::Guest;

use serde_json::Value;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use toolgate::call::Outcome;

/// How long anything that must happen may take on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The reason code of an outcome, or its status where there is none.
pub fn word(outcome: &Outcome) -> &'static str {
    outcome.reason.map_or("completed", |reason| reason.as_str())
}

/// Asserts how a call ended, and shows all of it when it ended otherwise.
#[track_caller]
pub fn assert_word(outcome: &Outcome, expected: &str) {
    assert_eq!(word(outcome), expected, "{outcome:#?}");
}

/// The keys of a JSON object, in the order they stand.
#[track_caller]
pub fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap_or_else(|| panic!("not an object: {value}")).keys().map(String::as_str).collect()
}

/// A number from the environment, where it is set.
pub fn number(name: &str) -> Option<u64> {
    std::env::var(name)
        .ok()
        .map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text}")))
}

/// A folder in memory where there is one, for what is only read back and never lost.
pub fn folder_in_memory() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("a folder")
}

/// Lets other tasks go on until a condition holds.
pub async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < PATIENCE, "waited in vain until {what}");
        tokio::task::yield_now().await;
    }
}
