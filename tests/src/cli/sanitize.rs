//! `toolgate sanitize`.

use super::FINDING;
use crate::support::binary::toolgate_reading;
use crate::support::keys;
use serde_json::{Value, json};
use std::path::Path;

const DOCUMENT: [&str; 5] = ["output", "text", "findings", "taint", "truncated"];

fn sanitize(args: &[&str], stdin: &[u8]) -> Vec<Value> {
    let args = ["sanitize"].into_iter().chain(args.iter().copied());
    let ran = toolgate_reading(Path::new("/"), args, stdin).code(0);
    ran.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_text_comes_out_clean_in_one_document() {
    let documents = sanitize(&[], "a\u{1b}[31mb\u{202e}c\n".as_bytes());
    assert_eq!((documents.len(), keys(&documents[0])), (1, DOCUMENT.to_vec()));
    assert_eq!((&documents[0]["text"], &documents[0]["output"]), (&json!("abc\n"), &Value::Null));
    assert_eq!(keys(&documents[0]["findings"][0]), FINDING);
}

#[test]
fn each_line_of_json_gives_one_document_also_where_it_cannot_be_read() {
    let lines = b"{\"a\":\"x\\u001b[0my\"}\n\n{\"a\":1,\"a\":2}\n[1,\"z\"]\n\"\\ud800\"\nlast";
    let documents = sanitize(&["--jsonl"], lines);
    assert_eq!(documents.len(), 5);
    assert_eq!(documents[0]["output"], json!({"a": "xy"}));
    assert_eq!((&documents[2]["output"], &documents[2]["findings"]), (&json!([1, "z"]), &json!([])));
    for unreadable in [&documents[1], &documents[3], &documents[4]] {
        assert!(unreadable["error"].as_str().is_some_and(|error| error.contains("--jsonl")), "{unreadable}");
    }
}

#[test]
fn bytes_that_are_no_text_are_a_finding() {
    let documents = sanitize(&[], b"a\xff\xfeb");
    assert_eq!(documents[0]["text"], json!("a\u{fffd}\u{fffd}b"));
    assert_eq!(documents[0]["findings"][0]["class"], json!("invalid_utf8"));
}

#[test]
fn the_bounds_come_from_a_policy_where_asked() {
    let folder = tempfile::tempdir().unwrap();
    let policy = folder.path().join("p.toml");
    std::fs::write(&policy, "[sanitize]\nstring_max = \"10B\"\n").unwrap();
    let documents = sanitize(&["--policy", policy.to_str().unwrap()], "x".repeat(100).as_bytes());
    assert_eq!(documents[0]["truncated"], json!(true));
}
