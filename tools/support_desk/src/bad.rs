//! Three tools that misbehave, one way each. Not hostile: they do what careless tools do.
//!
//! Invariant: none of them ends well by itself; the host ends the first two and refuses the third's answer.

use schemars::JsonSchema;
use serde::{Serialize, Serializer};
use std::hint::black_box;
use std::thread;
use std::time::Duration;
use toolgate_sdk::tool;

/// The open tickets.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct OpenTickets {
    /// How many tickets are open.
    #[serde(serialize_with = "as_words")]
    open: u32,
}

/// Counts for ever. For the demo: its fuel runs out.
#[tool]
pub(crate) fn loop_forever() -> u64 {
    let mut count = 0_u64;
    loop {
        count = black_box(count.wrapping_add(1));
    }
}

/// Waits for ever. For the demo: its deadline passes.
#[tool(needs(clock))]
pub(crate) fn sleep_forever() -> u64 {
    loop {
        thread::sleep(Duration::from_secs(3_600));
    }
}

/// Counts the open tickets. For the demo: it promises a number and gives words.
#[tool]
pub(crate) fn broken_answer() -> OpenTickets {
    OpenTickets { open: 5 }
}

/// The schema comes from the type, and this goes round it.
fn as_words<S: Serializer>(_: &u32, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str("about five")
}

#[cfg(test)]
mod tests {
    use super::*;
    use toolgate_sdk::Tool;
    use toolgate_sdk::testing::{FakeContext, call};

    #[test]
    fn the_broken_answer_breaks_its_own_schema() {
        let answer = call::<broken_answer>(&FakeContext::new(), "{}");
        assert_eq!(answer.as_deref(), Ok(r#"{"open":"about five"}"#));
        let schema = broken_answer::definition().output_schema;
        let schema: serde_json::Value = serde_json::from_str(&schema).expect("JSON");
        assert_eq!(schema["properties"]["open"]["type"], "integer");
    }
}
