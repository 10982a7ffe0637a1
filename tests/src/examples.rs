//! The examples of the host, run as a person runs them.
//!
//! Not here: what the library promises (`stages`). Invariant: an example leaves nothing in the repository.

use crate::support::binary::{example, toolgate};
use crate::support::gate::repository;
use std::process::Command;

#[test]
fn the_embedded_agent_mends_its_call_and_gets_its_answer() {
    let state = tempfile::tempdir().unwrap();
    let ran = Command::new(example("embed"))
        .current_dir(repository())
        .env("TOOLGATE_EMBED_STATE", state.path())
        .env_remove("TOOLGATE_POLICY")
        .output()
        .unwrap();
    let (out, err) = (String::from_utf8(ran.stdout).unwrap(), String::from_utf8_lossy(&ran.stderr));
    assert!(ran.status.success(), "{out}{err}");
    let lines: Vec<&str> = out.lines().collect();
    let parts = [
        // The slip, and what the refusal says about it.
        "must not have \"sum\"; allowed: \"expression\"",
        r#"calculate → {"result":"238.8925""#,
        "answer: 238.8925",
        r#"side by side: {"result":"2""#,
        r#"side by side: {"result":"4""#,
        r#"side by side: {"result":"6""#,
        "look further: toolgate trace run_",
    ];
    assert_eq!(lines.len(), parts.len(), "{out}");
    for (line, part) in lines.iter().zip(parts) {
        assert!(line.contains(part), "{part} is not in {line}\n{out}");
    }
    let ledger = state.path().join("ledger.db");
    toolgate(state.path(), ["verify", "--ledger", ledger.to_str().unwrap()]).code(0);
}
