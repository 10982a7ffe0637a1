//! `query_json`: JSON and a jq program to results. Not the language: that is `program`.
//!
//! Invariant: what goes out is bounded in number and in bytes, and says when there was more.

use crate::program::Program;
use jaq_json::{Val, read};
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use toolgate_sdk::{Failure, tool};

/// Results, when not chosen.
const LIMIT: usize = 100;

/// Bytes of all results together: below the host's usual limit of 256 KiB for an answer.
const RESULT_BYTES_MAX: usize = 200_000;

/// Arrays and objects inside each other: what the JSON readers of most languages take.
const DEPTH_MAX: usize = 128;

/// What a program gave.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Results {
    /// The results in order; a jq program can give none, one or many.
    #[schemars(with = "Vec<serde_json::Value>")]
    results: Vec<Box<RawValue>>,
    /// True when there were more results than `limit`, or than fit.
    truncated: bool,
}

/// Runs a jq program over JSON and returns its results. Use it to pick, filter, count, group, sort or
/// reshape data instead of reading through it yourself. jq 1.7 syntax.
///
/// Examples of programs: ".orders | length", ".orders[] | select(.total > 100) | .id",
/// "[.orders[].total] | add", ".orders | group_by(.country) | map({country: .[0].country, count: length})",
/// "keys", "[paths(scalars)] | .[:20]" (to see an unknown shape).
#[tool]
pub(crate) fn query_json(
    /// The data: any JSON value. A string is read as JSON text, so that the content of a file can be
    /// passed as it is.
    #[schemars(with = "serde_json::Value")]
    json: Box<RawValue>,
    /// The jq program.
    #[schemars(length(min = 1, max = 10000))]
    program: String,
    /// The most results to return. To cut a list that is one result, slice it in the program: .[:20].
    #[serde(default = "limit")]
    #[schemars(range(min = 1, max = 1000))]
    limit: usize,
) -> Result<Results, Failure> {
    let program = Program::compile(&program)?;
    let input = input(&json)?;
    let mut results = Vec::new();
    let mut bytes = 0_usize;
    for value in program.run(input) {
        let text = value?.to_string();
        bytes = bytes.saturating_add(text.len());
        if results.len() == limit || (bytes > RESULT_BYTES_MAX && !results.is_empty()) {
            return Ok(Results { results, truncated: true });
        }
        if bytes > RESULT_BYTES_MAX {
            return Err(Failure::invalid_input(format!(
                "the first result alone has {bytes} bytes of {RESULT_BYTES_MAX}: pick fields or slice it in the program, as .[:20]"
            )));
        }
        results.push(RawValue::from_string(text).map_err(|_| not_json())?);
    }
    Ok(Results { results, truncated: false })
}

fn limit() -> usize {
    LIMIT
}

/// jq computes with values that JSON does not have.
fn not_json() -> Failure {
    Failure::invalid_input(
        "a result is not JSON (infinite, not a number, or bytes): turn it into text in the program with tostring",
    )
}

/// The value, read from the argument's own text, where numbers are still exact.
fn input(json: &RawValue) -> Result<Val, Failure> {
    let text: String;
    let json = match json.get() {
        quoted if quoted.starts_with('"') => {
            text = serde_json::from_str(quoted).map_err(unreadable)?;
            text.trim_start_matches('\u{feff}')
        }
        value => value,
    };
    if depth(json) > DEPTH_MAX {
        return Err(Failure::invalid_input(format!(
            "`json` is nested deeper than {DEPTH_MAX}: pass an inner part of it"
        )));
    }
    serde_json::from_str::<IgnoredAny>(json).map_err(unreadable)?;
    read::parse_single(json.as_bytes())
        .map_err(|error| Failure::invalid_input(format!("`json` is not JSON: {error}")))
}

fn unreadable(error: serde_json::Error) -> Failure {
    Failure::invalid_input(format!(
        "`json` is a string that is not JSON text: {error}; pass the whole text of one JSON value"
    ))
}

/// How many brackets are open at most, outside strings.
fn depth(json: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let (mut in_string, mut escaped) = (false, false);
    for byte in json.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = in_string,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => depth = depth.saturating_add(1),
            b']' | b'}' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};
    use toolgate_sdk::FailureKind;
    use toolgate_sdk::testing::{FakeContext, call};

    fn query(arguments: &Value) -> Result<Value, Failure> {
        let answer = call::<query_json>(&FakeContext::new(), &arguments.to_string())?;
        Ok(serde_json::from_str(&answer).expect("JSON"))
    }

    fn results(json: &Value, program: &str) -> Value {
        let answer = query(&json!({ "json": json, "program": program })).expect(program);
        assert_eq!(answer["truncated"], json!(false));
        answer["results"].clone()
    }

    fn refusal(json: &Value, program: &str) -> String {
        let failure = query(&json!({ "json": json, "program": program })).expect_err(program);
        assert_eq!(failure.kind, FailureKind::InvalidInput);
        failure.message
    }

    #[test]
    fn every_example_of_the_description_works() {
        let data = json!({ "orders": [
            { "id": 1, "total": 250, "country": "DE" },
            { "id": 2, "total": 50, "country": "FR" },
            { "id": 3, "total": 120, "country": "DE" },
        ]});
        assert_eq!(results(&data, ".orders | length"), json!([3]));
        assert_eq!(results(&data, ".orders[] | select(.total > 100) | .id"), json!([1, 3]));
        assert_eq!(results(&data, "[.orders[].total] | add"), json!([420]));
        let groups = ".orders | group_by(.country) | map({country: .[0].country, count: length})";
        let counts = json!([[{ "country": "DE", "count": 2 }, { "country": "FR", "count": 1 }]]);
        assert_eq!(results(&data, groups), counts);
        assert_eq!(results(&data, "keys"), json!([["orders"]]));
        assert_eq!(results(&data, "[paths(scalars)] | .[:1]"), json!([[["orders", 0, "id"]]]));
    }

    #[test]
    fn a_string_is_read_as_json_text() {
        assert_eq!(results(&json!("\u{feff}{\"a\": [1, 2]}"), ".a[1]"), json!([2]));
        assert!(refusal(&json!("hello"), ".").contains("not JSON text"));
        assert!(refusal(&json!("{} {}"), ".").contains("one JSON value"));
        assert!(refusal(&json!("NaN"), ".").contains("not JSON text"));
    }

    #[test]
    fn integers_of_any_size_stay_exact() {
        let arguments = r#"{"json": {"id": 123456789012345678901234567890}, "program": ".id, .id + 1"}"#;
        let answer = call::<query_json>(&FakeContext::new(), arguments).expect("two integers");
        let exact = "[123456789012345678901234567890,123456789012345678901234567891]";
        assert!(answer.contains(exact), "{answer}");
    }

    #[test]
    fn a_program_that_is_none_is_refused_with_its_words() {
        assert!(refusal(&json!(1), ".a | selct(.b)").contains("selct"));
        assert!(refusal(&json!(1), ".a |").contains("the end"));
        assert!(refusal(&json!(1), "(.a").contains("expected"));
        assert!(refusal(&json!(1), "import \"a\" as a; .").contains('a'));
    }

    #[test]
    fn a_program_that_fails_says_why() {
        assert!(refusal(&json!({"a": 1}), ".a[0]").contains("the program failed"));
        assert!(refusal(&json!(1), "error(\"no\")").contains("no"));
    }

    #[test]
    fn halt_ends_the_program_and_not_the_process() {
        assert_eq!(results(&json!(1), "., halt, 2"), json!([1]));
    }

    #[test]
    fn results_beyond_the_limit_are_cut_even_when_they_never_end() {
        let arguments = json!({ "json": null, "program": "repeat(1)", "limit": 3 });
        let answer = query(&arguments).expect("three");
        assert_eq!(answer, json!({ "results": [1, 1, 1], "truncated": true }));
        let exactly = query(&json!({ "json": [1, 2, 3], "program": ".[]", "limit": 3 }));
        assert_eq!(exactly, Ok(json!({ "results": [1, 2, 3], "truncated": false })));
    }

    #[test]
    fn results_beyond_the_bytes_are_cut_and_one_too_large_is_refused() {
        let answer = query(&json!({ "json": "x".repeat(0), "program": "1" }));
        assert!(answer.is_err(), "an empty text is not JSON");
        let many = query(&json!({ "json": null, "program": "range(100) | tostring * 2000" }));
        assert_eq!(many.expect("some")["truncated"], json!(true));
        assert!(refusal(&json!(null), "\"x\" * 300000").contains("slice"));
    }

    #[test]
    fn what_json_does_not_have_is_refused_with_a_way_out() {
        assert!(refusal(&json!(1), "nan").contains("tostring"));
        assert!(refusal(&json!(1), "infinite").contains("tostring"));
    }

    #[test]
    fn a_deep_value_is_refused_before_it_is_read() {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert!(refusal(&json!(deep), ".").contains("nested deeper"));
        let brackets_in_a_string = json!("[".repeat(1_000)).to_string();
        assert_eq!(depth(&brackets_in_a_string), 0);
    }

    proptest! {
        #[test]
        fn no_program_makes_it_panic(program in "[.a-c|,()\\[\\]{}:\"0-9+ -]{1,24}") {
            let _ = query(&json!({ "json": {"a": [1, "b", null]}, "program": program }));
        }

        #[test]
        fn the_identity_gives_back_what_it_was_given(text in ".{0,40}", number in any::<i64>()) {
            let data = json!({ "text": text, "numbers": [number] });
            prop_assert_eq!(results(&data, "."), json!([data]));
        }
    }
}
