//! What `#[tool]` makes of a function, seen as the host sees it: definitions, and calls in JSON.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use toolgate_sdk::testing::{FakeContext, Progress, call};
use toolgate_sdk::{Capability, Context, Failure, FailureKind, Level, Tool, tool};

/// One line of an order.
#[derive(Deserialize, JsonSchema)]
struct Line {
    /// What was bought.
    article: String,
    /// In cents.
    price: u32,
}

/// A sum.
#[derive(Serialize, JsonSchema)]
struct Total {
    /// In cents.
    cents: u32,
    note: Option<String>,
}

/// Adds up an order.
///
/// Use it instead of adding yourself.
#[tool(needs(log, fs))]
fn add_up(
    cx: &Context,
    /// The order's lines.
    #[schemars(length(max = 100))]
    lines: Vec<Line>,
    /// Added to the sum.
    note: Option<String>,
    /// In percent, off the sum.
    #[serde(default = "no_discount")]
    mut discount: u32,
) -> Result<Total, Failure> {
    discount = discount.min(100);
    cx.log(Level::Info, format!("attempt {} of {}", cx.attempt(), cx.call_id()));
    cx.progress(1.0, Some(2.0), Some("adding"));
    cx.charge(30);
    cx.charge(12);
    match lines.iter().find(|line| line.article.is_empty()) {
        Some(_) => Err(Failure::invalid_input("an article has no name")),
        None => {
            let sum: u32 = lines.iter().map(|line| line.price).sum();
            Ok(Total { cents: sum * (100 - discount) / 100, note })
        }
    }
}

fn no_discount() -> u32 {
    0
}

/// Says nothing.
#[tool]
fn nothing() {}

/// Counts.
#[tool]
fn r#match(r#match: String) -> std::io::Result<usize> {
    r#match.find('x').ok_or_else(|| std::io::Error::new(std::io::ErrorKind::NotFound, "no x"))
}

/// Gives a map.
#[tool]
fn letters(text: String) -> BTreeMap<char, u32> {
    let mut letters = BTreeMap::new();
    for letter in text.chars() {
        *letters.entry(letter).or_default() += 1;
    }
    letters
}

#[derive(Serialize, JsonSchema)]
enum Color {
    Red,
}

/// Gives what is not an object.
#[tool]
fn color() -> Color {
    Color::Red
}

/// Is named like everything that the macro might name.
#[tool]
fn arguments(context: u8, arguments: u8, result: u8) -> u8 {
    context + arguments + result
}

toolgate_sdk::component!(arguments, add_up, nothing, r#match, letters);

/// Null for what is not JSON, which no test expects.
fn parsed(json: &str) -> Value {
    serde_json::from_str(json).unwrap_or_default()
}

fn answer<T: Tool>(arguments: Value) -> Result<Value, Failure> {
    call::<T>(&FakeContext::new(), &arguments.to_string()).map(|answer| parsed(&answer))
}

#[test]
fn a_definition_comes_from_the_doc_comment_the_types_and_the_attribute() {
    let definition = add_up::definition();
    assert_eq!(definition.name, "add_up");
    assert_eq!(definition.description, "Adds up an order.\n\nUse it instead of adding yourself.");
    assert_eq!(definition.needs, [Capability::Fs, Capability::Log]);
    assert_eq!(
        parsed(&definition.input_schema),
        json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "properties": {
                "lines": {
                    "description": "The order's lines.",
                    "type": "array",
                    "items": { "$ref": "#/$defs/Line" },
                    "maxItems": 100,
                },
                "note": { "description": "Added to the sum.", "type": ["string", "null"] },
                "discount": {
                    "description": "In percent, off the sum.",
                    "type": "integer", "minimum": 0, "default": 0,
                },
            },
            "additionalProperties": false,
            "required": ["lines"],
            "$defs": {
                "Line": {
                    "description": "One line of an order.",
                    "type": "object",
                    "properties": {
                        "article": { "description": "What was bought.", "type": "string" },
                        "price": {
                            "description": "In cents.",
                            "type": "integer", "minimum": 0,
                        },
                    },
                    "required": ["article", "price"],
                },
            },
        })
    );
    let output = parsed(&definition.output_schema);
    assert_eq!(output["type"], "object");
    assert_eq!(output["required"], json!(["cents", "note"]));
}

#[test]
fn a_call_reads_its_arguments_and_writes_its_result() {
    let order = json!({ "lines": [{ "article": "pen", "price": 120 }], "discount": 50 });
    assert_eq!(answer::<add_up>(order), Ok(json!({ "cents": 60, "note": null })));
}

#[test]
fn a_call_tells_its_context_and_hears_from_it() {
    let cx = FakeContext::new().with_attempt(3).with_ids("run-7", "call-9");
    call::<add_up>(&cx, r#"{"lines": []}"#).expect("an empty order");
    assert_eq!(cx.logs(), [(Level::Info, "attempt 3 of call-9".to_owned())]);
    let report = Progress { done: 1.0, total: Some(2.0), message: Some("adding".to_owned()) };
    assert_eq!(cx.progress_reports(), [report]);
    assert_eq!(cx.charged_micro_usd(), 42);
}

#[test]
fn arguments_that_do_not_fit_are_invalid_input_and_name_the_place() {
    let cases = [
        (
            json!({ "lines": [{ "article": "pen", "price": -1 }] }),
            "`lines[0].price`: invalid value: integer `-1`, expected u32",
        ),
        (json!({ "lines": [{ "price": 1 }] }), "`lines[0]`: missing field `article`"),
        (json!({}), "missing field `lines`"),
        (
            json!({ "lines": [], "colour": 1 }),
            "`colour`: unknown field `colour`, expected one of `lines`, `note`, `discount`",
        ),
    ];
    for (arguments, expected) in cases {
        let failure = answer::<add_up>(arguments).expect_err(expected);
        assert_eq!(failure.kind, FailureKind::InvalidInput);
        assert_eq!(failure.message, expected);
    }
}

#[test]
fn text_that_is_not_json_or_has_more_behind_it_is_invalid_input() {
    for text in ["", "{", "{\"text\": \"a\"} {}", "[", "\u{0}"] {
        let failure = call::<letters>(&FakeContext::new(), text).expect_err(text);
        assert_eq!(failure.kind, FailureKind::InvalidInput, "{text}");
    }
}

#[test]
fn a_result_that_is_no_object_is_wrapped_in_its_schema_and_in_its_value() {
    assert_eq!(answer::<nothing>(json!({})), Ok(json!({ "result": null })));
    assert_eq!(answer::<r#match>(json!({ "match": "box" })), Ok(json!({ "result": 2 })));
    assert_eq!(parsed(&r#match::definition().output_schema)["required"], json!(["result"]));
    assert_eq!(parsed(&nothing::definition().input_schema)["additionalProperties"], json!(false));
}

#[test]
fn an_error_of_the_standard_library_becomes_a_failure() {
    assert_eq!(answer::<r#match>(json!({ "match": "ball" })), Err(Failure::not_found("no x")));
}

#[test]
fn a_tool_may_be_named_like_anything_the_macro_names() {
    let given = json!({ "context": 1, "arguments": 2, "result": 3 });
    assert_eq!(answer::<arguments>(given), Ok(json!({ "result": 6 })));
}

#[test]
fn a_map_is_an_object() {
    assert_eq!(answer::<letters>(json!({ "text": "aba" })), Ok(json!({ "a": 2, "b": 1 })));
    assert_eq!(parsed(&letters::definition().output_schema)["type"], "object");
}

#[test]
#[should_panic(expected = "tool `color`: the result type `Color` is not always an object in JSON")]
fn a_result_that_turns_out_to_be_no_object_is_the_authors_mistake() {
    color::definition();
}

#[test]
fn a_tool_stays_a_function() {
    let lines = vec![Line { article: "pen".to_owned(), price: 10 }];
    let total = add_up(&FakeContext::new(), lines, Some("thanks".to_owned()), 0).expect("a sum");
    assert_eq!((total.cents, total.note.as_deref()), (10, Some("thanks")));
}
