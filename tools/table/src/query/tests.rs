//! Whole queries over small tables.

use super::*;
use serde_json::{Value, json};
use toolgate_sdk::FailureKind;
use toolgate_sdk::testing::{FakeContext, call};

const ORDERS: &str = "order_id,country,status,amount,ordered\n\
    A-1,DE,paid,0.10,2026-05-02\n\
    A-2,FR,paid,0.20,2026-05-03\n\
    A-3,DE,open,,2026-05-03\n\
    A-4,DE,paid,100,2026-04-30\n";

fn query(more: Value) -> Result<Value, Failure> {
    let mut arguments = json!({ "csv": ORDERS });
    for (key, value) in more.as_object().expect("arguments") {
        arguments[key] = value.clone();
    }
    let answer = call::<query_table>(&FakeContext::new(), &arguments.to_string())?;
    Ok(serde_json::from_str(&answer).expect("JSON"))
}

fn rows(more: Value) -> Value {
    query(more.clone()).unwrap_or_else(|failure| panic!("{more}: {failure}"))["rows"].clone()
}

/// The order ids that a filter keeps.
fn kept(column: &str, op: &str, value: Value) -> Vec<String> {
    let filter = json!({ "column": column, "op": op, "value": value });
    let rows = rows(json!({ "filter": [filter], "select": ["order_id"] }));
    rows.as_array().expect("rows").iter().filter_map(|row| row[0].as_str().map(str::to_owned)).collect()
}

fn refusal(more: Value) -> String {
    let failure = query(more.clone()).expect_err("a refusal");
    assert_eq!(failure.kind, FailureKind::InvalidInput, "{more}");
    failure.message
}

#[test]
fn a_table_is_shown_with_its_columns_types_and_size() {
    let answer = query(json!({ "limit": 1 })).expect("a row");
    let expected = json!({
        "columns": ["order_id", "country", "status", "amount", "ordered"],
        "rows": [["A-1", "DE", "paid", 0.1, "2026-05-02"]],
        "total_rows": 4,
        "truncated": true,
        "sheets": [],
    });
    assert_eq!(answer, expected);
}

#[test]
fn filters_compare_numbers_text_and_dates_and_all_must_hold() {
    assert_eq!(kept("amount", "gt", json!(0.15)), ["A-2", "A-4"]);
    assert_eq!(kept("amount", "gt", json!("0.15")), ["A-2", "A-4"]);
    assert_eq!(kept("amount", "le", json!(0.2)), ["A-1", "A-2"]);
    assert_eq!(kept("ordered", "ge", json!("2026-05-03")), ["A-2", "A-3"]);
    assert_eq!(kept("ordered", "lt", json!("2026-05")), ["A-4"]);
    assert_eq!(kept("amount", "eq", json!("100.00")), ["A-4"]);
    assert_eq!(kept("status", "ne", json!("paid")), ["A-3"]);
    assert_eq!(kept("order_id", "contains", json!("-3")), ["A-3"]);
    assert_eq!(kept("country", "starts_with", json!("d")), ["A-1", "A-3", "A-4"]);
    assert_eq!(kept("amount", "empty", Value::Null), ["A-3"]);
    assert_eq!(kept("amount", "not_empty", Value::Null), ["A-1", "A-2", "A-4"]);
    let both = json!([
        { "column": "country", "op": "in", "values": ["DE", "AT"] },
        { "column": "status", "op": "eq", "value": "paid" },
    ]);
    assert_eq!(rows(json!({ "filter": both, "select": ["order_id"] })), json!([["A-1"], ["A-4"]]));
}

#[test]
fn groups_are_summed_exactly_sorted_and_cut() {
    let answer = query(json!({
        "group_by": ["country"],
        "aggregate": [
            { "function": "count" },
            { "function": "count", "column": "amount", "as": "priced" },
            { "function": "sum", "column": "amount" },
            { "function": "max", "column": "ordered", "as": "last" },
        ],
        "sort": [{ "column": "sum_amount", "descending": true }],
    }));
    let answer = answer.expect("groups");
    assert_eq!(answer["columns"], json!(["country", "count", "priced", "sum_amount", "last"]));
    assert_eq!(answer["rows"], json!([["DE", 3, 2, 100.1, "2026-05-03"], ["FR", 1, 1, 0.2, "2026-05-03"]]));
}

#[test]
fn without_groups_everything_is_one_row() {
    let aggregates = json!([
        { "function": "sum", "column": "amount" },
        { "function": "avg", "column": "amount" },
        { "function": "min", "column": "amount" },
    ]);
    assert_eq!(rows(json!({ "aggregate": aggregates })), json!([[100.3, 33.4333333333333, 0.1]]));
    let none = json!([{ "column": "status", "op": "eq", "value": "lost" }]);
    assert_eq!(rows(json!({ "aggregate": aggregates, "filter": none })), json!([[0, null, null]]));
}

#[test]
fn empty_cells_sort_last_whichever_way() {
    let sorted = |descending: bool| {
        let sort = json!([{ "column": "amount", "descending": descending }]);
        rows(json!({ "sort": sort, "select": ["order_id"] }))
    };
    assert_eq!(sorted(false), json!([["A-1"], ["A-2"], ["A-4"], ["A-3"]]));
    assert_eq!(sorted(true), json!([["A-4"], ["A-2"], ["A-1"], ["A-3"]]));
}

#[test]
fn a_wrong_column_is_named_with_the_nearest_wherever_it_stands() {
    for wrong in [
        json!({ "select": ["amuont"] }),
        json!({ "group_by": ["amuont"] }),
        json!({ "sort": [{ "column": "amuont" }] }),
        json!({ "filter": [{ "column": "amuont", "op": "empty" }] }),
        json!({ "aggregate": [{ "function": "sum", "column": "amuont" }] }),
    ] {
        assert!(refusal(wrong.clone()).contains("did you mean `amount`?"), "{wrong}");
    }
}

#[test]
fn a_query_that_cannot_be_answered_says_why() {
    assert!(
        refusal(json!({ "filter": [{ "column": "amount", "op": "lt", "value": "cheap" }] }))
            .contains("a number")
    );
    assert!(refusal(json!({ "filter": [{ "column": "amount", "op": "lt" }] })).contains("needs a `value`"));
    assert!(refusal(json!({ "filter": [{ "column": "amount", "op": "in" }] })).contains("`values`"));
    let sum = |column: Value| json!({ "aggregate": [{ "function": "sum", "column": column }] });
    assert!(refusal(sum(json!("status"))).contains("row 2, but text: `paid`"));
    assert!(refusal(sum(Value::Null)).contains("needs a `column`"));
    assert!(
        refusal(json!({ "filter": [{ "column": "amount", "op": "is", "value": 1 }] }))
            .contains("unknown variant")
    );
}

#[test]
fn rows_beyond_the_bytes_are_cut() {
    let csv = format!("text\n{}", format!("{}\n", "x".repeat(1_000)).repeat(200));
    let answer = query(json!({ "csv": csv, "limit": 1000 })).expect("rows");
    let given = answer["rows"].as_array().expect("rows").len();
    assert!((90..100).contains(&given) && answer["truncated"] == json!(true), "{given}");
}
