//! Any bytes as arguments.

use crate::support::gate::raw;
use crate::support::{TestGate, word};
use proptest::prelude::*;
use serde_json::Value;

fn near_json() -> impl Strategy<Value = Vec<u8>> {
    let valid = prop_oneof![
        Just(r#"{"text":"a"}"#.to_owned()),
        Just(r#"{"text":"\ud83d\ude00","more":[1,2.5e10,null,true,{"a":{}}]}"#.to_owned()),
        "\\PC{0,60}".prop_map(|text| Value::from(
            vec![("text", text)]
                .into_iter()
                .map(|(k, v)| (k.to_owned(), Value::from(v)))
                .collect::<serde_json::Map<_, _>>()
        )
        .to_string()),
    ];
    let change = (any::<prop::sample::Index>(), any::<u8>(), 0..4_u8);
    (valid, prop::collection::vec(change, 0..4)).prop_map(|(text, changes)| {
        let mut bytes = text.into_bytes();
        for (at, byte, kind) in changes {
            let at = at.index(bytes.len() + 1);
            match kind {
                0 => bytes.insert(at, byte),
                1 => bytes.truncate(at),
                2 => bytes.extend_from_within(at..),
                _ => {
                    if let Some(one) = bytes.get_mut(at) {
                        *one = byte
                    }
                }
            }
        }
        bytes
    })
}

#[test]
fn any_bytes_as_arguments_are_refused_with_a_reason_or_run() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let test = TestGate::new().built("echo", "echo", "");
    let gate = runtime.block_on(test.open());
    let config = ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(bytes in prop_oneof![near_json(), prop::collection::vec(any::<u8>(), 0..200)])| {
        let outcome = runtime.block_on(gate.call(raw("echo", &bytes), None));
        let reason = word(&outcome);
        prop_assert!(["completed", "malformed", "invalid_arguments", "too_large"].contains(&reason), "{} for {:?}", reason, bytes);
        prop_assert!(reason == "completed" || outcome.hint.is_some());
        // What the agent is shown never carries what could not be read.
        prop_assert!(!outcome.text.chars().any(|c| c.is_control()), "{:?}", outcome.text);
    });
    runtime.block_on(gate.close()).unwrap();
    test.verified();
}

#[test]
fn any_text_as_the_name_of_a_tool_or_a_run_is_refused_and_cleaned() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let test = TestGate::new().built("echo", "echo", "");
    let gate = runtime.block_on(test.open());
    let config = ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(name in any::<String>(), run in any::<Option<String>>())| {
        let mut suggestion = raw(&name, b"{}");
        suggestion.run = run.clone();
        let outcome = runtime.block_on(gate.call(suggestion, None));
        let expected = if run.is_some() { "unknown_run" } else if name == "echo" { "invalid_arguments" } else { "unknown_tool" };
        prop_assert_eq!(word(&outcome), expected);
        prop_assert!(!outcome.tool.chars().any(|c| c.is_control()));
    });
}
