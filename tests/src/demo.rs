//! The demo's own judgement: a day that goes otherwise than its script says is a failure.
//!
//! Not here: that the day goes as it says (`make demo`, a part of `make check`). Invariant: nothing is left in
//! the repository.

use crate::support::binary::program;
use crate::support::gate::{compiled_cache, repository};
use std::process::Command;

#[test]
fn the_demo_fails_and_names_each_call_that_ended_otherwise_than_its_script_says() {
    let folder = tempfile::tempdir().unwrap();
    let policy = folder.path().join("demo.toml");
    std::fs::write(&policy, policy_that_denies_query_json()).unwrap();
    let ran = Command::new("python3")
        .arg(repository().join("tests/demo/agent.py"))
        .arg(program())
        .arg("--folder")
        .arg(folder.path())
        .arg("--policy")
        .arg(&policy)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env_remove("TOOLGATE_LOG")
        .output()
        .expect("Python 3, as the README asks for");
    let (out, err) = (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    assert_eq!(ran.status.code(), Some(1), "{out}{err}");
    for call in [5, 22] {
        let row = format!("✗ {call:>2}  query_json");
        assert!(out.contains(&row), "no row {row}\n{out}");
        let sentence = format!(
            "not as it should be: call {call}, query_json: status should be completed, and is refused"
        );
        assert!(err.contains(&sentence), "it does not say {sentence}\n{err}");
    }
    // One wrong call does not end the day.
    assert!(out.contains("The ledger is whole."), "{out}{err}");
}

/// The demo's policy with one verdict changed; it may lie in any folder.
fn policy_that_denies_query_json() -> String {
    let mut text = std::fs::read_to_string(repository().join("policies/demo.toml")).unwrap();
    text = text.replace("\"../tools/build/", &format!("\"{}/", repository().join("tools/build").display()));
    for (was, is) in [
        ("json.wasm\"\nverdict = \"allow\"", "json.wasm\"\nverdict = \"deny\"".to_owned()),
        // Without the tests' own cache, every component would be compiled anew.
        ("\"${TOOLGATE_DEMO:-../target/demo}/cache\"", format!("{:?}", compiled_cache())),
    ] {
        assert_eq!(text.matches(was).count(), 1, "{was} is not in policies/demo.toml");
        text = text.replace(was, &is);
    }
    text
}
