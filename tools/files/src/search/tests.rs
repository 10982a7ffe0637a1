//! Searching small trees.

use super::*;
use proptest::prelude::*;
use serde_json::{Value, json};
use tempfile::TempDir;
use toolgate_sdk::testing::{FakeContext, call};

fn tree() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir_all(folder.path().join("kb")).expect("folders");
    let files: [(&str, &[u8]); 4] = [
        ("kb/refunds.md", b"# Refunds\n\nRefunds take\r\n14 days.\n"),
        ("kb/logo.png", b"\x89PNG\x00 refund"),
        ("notes.txt", b"Ask for a refund.\n"),
        (".env", b"REFUND_KEY=1\n"),
    ];
    for (name, content) in files {
        fs::write(folder.path().join(name), content).expect("a file");
    }
    folder
}

fn search(folder: &TempDir, more: &Value) -> Result<Value, Failure> {
    let mut arguments = json!({ "path": folder.path() });
    for (key, value) in more.as_object().expect("arguments") {
        arguments[key] = value.clone();
    }
    let answer = call::<search_files>(&FakeContext::new(), &arguments.to_string())?;
    Ok(serde_json::from_str(&answer.replace(folder.path().to_str().expect("UTF-8"), "")).expect("JSON"))
}

fn places(answer: &Value) -> Vec<(String, u64)> {
    let matches = answer["matches"].as_array().expect("a list").iter();
    matches
        .map(|found| (found["path"].as_str().unwrap_or("").to_owned(), found["line"].as_u64().unwrap_or(0)))
        .collect()
}

#[test]
fn lines_are_found_with_their_numbers_and_what_is_around() {
    let answer = search(&tree(), &json!({ "pattern": "take$", "context": 1 })).expect("a match");
    let expected = json!({
        "matches": [{
            "path": "/kb/refunds.md", "line": 3, "text": "Refunds take", "before": [""], "after": ["14 days."],
        }],
        "files_searched": 2,
        "skipped": ["/kb/logo.png: binary"],
        "truncated": false,
    });
    assert_eq!(answer, expected);
}

#[test]
fn case_names_and_hidden_files_are_the_callers_choice() {
    let folder = tree();
    let found = |more: Value| places(&search(&folder, &more).expect("matches"));
    assert_eq!(found(json!({ "pattern": "refund" })), [("/notes.txt".to_owned(), 1)]);
    assert_eq!(found(json!({ "pattern": "refund", "ignore_case": true })).len(), 3);
    assert_eq!(found(json!({ "pattern": "refund", "ignore_case": true, "name": "*.md" })).len(), 2);
    assert_eq!(found(json!({ "pattern": "REFUND", "hidden": true })), [("/.env".to_owned(), 1)]);
}

#[test]
fn one_file_can_be_searched() {
    let folder = tree();
    let answer = search(&folder, &json!({ "pattern": "a", "path": folder.path().join("notes.txt") }));
    assert_eq!(places(&answer.expect("a match")), [("/notes.txt".to_owned(), 1)]);
    let refusal = search(&folder, &json!({ "pattern": "a", "path": folder.path().join("kb/logo.png") }));
    assert!(refusal.expect_err("a picture").message.contains("not UTF-8"));
}

#[test]
fn matches_beyond_the_limit_are_cut_and_said_to_be() {
    let folder = tree();
    let limited = |limit: usize| {
        let answer = search(&folder, &json!({ "pattern": "(?i)refund", "limit": limit })).expect("matches");
        (places(&answer).len(), answer["truncated"] == json!(true))
    };
    assert_eq!(limited(2), (2, true));
    assert_eq!(limited(3), (3, false));
}

#[test]
fn matches_beyond_the_bytes_are_cut() {
    let folder = tree();
    fs::write(folder.path().join("long.txt"), format!("{}\n", "x".repeat(400)).repeat(1000)).expect("a file");
    let answer = search(&folder, &json!({ "pattern": "x", "limit": 500, "context": 5 })).expect("matches");
    assert!(answer["truncated"] == json!(true) && answer.to_string().len() < 2 * TEXT_BYTES_MAX);
}

#[test]
fn a_pattern_that_is_none_is_refused_with_the_reason() {
    let refused = |pattern: &str| search(&tree(), &json!({ "pattern": pattern })).expect_err(pattern).message;
    assert!(refused("(a").contains("unclosed group"));
    assert!(refused("a(?=b)").contains("look-around"));
    assert!(refused("(?:a{1000}){1000}").contains("size limit"));
}

#[test]
fn a_long_line_is_cut_around_the_match() {
    let line = format!("{}needle{}", "é".repeat(1000), "z".repeat(1000));
    let part = clip(&line, 2000);
    assert!(part.contains("needle") && part.starts_with('…') && part.ends_with('…'), "{part}");
    assert_eq!(part.chars().count(), LINE_CHARS_MAX + 2);
}

proptest! {
    #[test]
    fn no_pattern_makes_it_panic(pattern in ".{1,30}", line in ".{0,60}") {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("a.txt"), line).expect("a file");
        let _ = search(&folder, &json!({ "pattern": pattern }));
    }

    #[test]
    fn a_cut_line_has_the_match_in_it(line in "[a-zé]{0,900}", at in 0_usize..900) {
        let at = (0..=at.min(line.len())).rev().find(|at| line.is_char_boundary(*at)).unwrap_or(0);
        let next = line.split_at(at).1.chars().next();
        prop_assert!(next.is_none_or(|next| clip(&line, at).contains(next)));
    }
}
