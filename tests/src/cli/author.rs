//! What a tool author does: `toolgate new`, `build`, `inspect`, `add`.

use crate::support::binary::{program, target_folder, toolgate};
use crate::support::gate::{built_component, repository, sha256};
use crate::support::guest::answering;
use crate::support::keys;
use serde_json::{Value, json};
use std::process::Command;

#[test]
fn inspect_says_what_a_component_is_without_running_it() {
    let folder = tempfile::tempdir().unwrap();
    let echo = built_component("echo");
    let shown = toolgate(folder.path(), ["inspect", echo.to_str().unwrap(), "--json"]).code(0).json();
    assert_eq!(
        keys(&shown),
        ["file", "bytes", "sha256", "declared", "imports", "exports", "forbidden_imports"]
    );
    assert_eq!(
        keys(&shown["declared"][0]),
        ["name", "description", "input_schema", "output_schema", "needs"]
    );
    assert_eq!(shown["declared"][0]["name"], json!("echo"));
    assert_eq!(shown["sha256"], json!(sha256(&std::fs::read(&echo).unwrap())));
    assert_eq!(shown["forbidden_imports"], json!([]));

    // This guest would trap if it were asked.
    let guest = crate::support::Guest::answering("{}").before_definitions("(unreachable)").build();
    std::fs::write(folder.path().join("trap.wasm"), guest).unwrap();
    let shown = toolgate(folder.path(), ["inspect", "trap.wasm", "--json"]).code(0).json();
    assert_eq!(shown["declared"], Value::Null);
    toolgate(folder.path(), ["inspect", "missing.wasm"]).code(2);
    std::fs::write(folder.path().join("text.wasm"), "hello").unwrap();
    for command in ["inspect", "add", "build"] {
        let ran = toolgate(folder.path(), [command, "text.wasm"]).code(2);
        assert!(ran.err.contains("the component text.wasm cannot be used"), "{command}: {}", ran.err);
    }
    toolgate(folder.path(), ["build", "trap.wasm"]).code(2);
}

#[test]
fn build_embeds_what_a_foreign_component_says_and_add_registers_it_denied() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("guest.wasm"), answering("{}")).unwrap();
    let built = toolgate(folder.path(), ["build", "guest.wasm", "--json"]).code(0).json();
    assert_eq!(built[0]["declared"][0]["name"], json!("guest"));
    let again = toolgate(folder.path(), ["build", "guest.wasm", "--json"]).code(0).json();
    assert_eq!(built[0]["sha256"], again[0]["sha256"], "a second time changes nothing");

    let added = toolgate(folder.path(), ["add", "guest.wasm"]).code(0);
    assert!(added.err.contains("make each granted folder that does not exist"), "{}", added.err);
    let policy = std::fs::read_to_string(folder.path().join("toolgate.toml")).unwrap();
    assert!(policy.contains(built[0]["sha256"].as_str().unwrap()), "{policy}");
    toolgate(folder.path(), ["check"]).code(0);
    let outcome = toolgate(folder.path(), ["call", "guest", "--json"]).code(3).json();
    assert_eq!(outcome["reason"], json!("denied_by_policy"));
    let policy = policy.replace("verdict = \"deny\"", "verdict = \"allow\"");
    std::fs::write(folder.path().join("toolgate.toml"), policy).unwrap();
    toolgate(folder.path(), ["call", "guest"]).code(0);
}

#[test]
fn what_an_author_is_told_is_one_json_document_where_asked_and_help_names_its_keys() {
    let folder = tempfile::tempdir().unwrap();
    let run = |args: &[&str]| toolgate(folder.path(), args.iter().copied()).code(0);
    let documented = |args: &[&str], expected: &[&str]| {
        let printed = run(args).json();
        assert_eq!(keys(&printed), expected);
        let help = run(&[args[0], "--help"]).out;
        for key in expected {
            assert!(help.contains(&format!("`{key}`")), "`{key}` is not in\n{help}");
        }
        printed
    };

    let sdk = repository().join("sdk");
    let made =
        documented(&["new", "mine", "--sdk", sdk.to_str().unwrap(), "--json"], &["name", "path", "sdk"]);
    assert_eq!((&made["name"], &made["path"]), (&json!("mine"), &json!("mine")));
    assert!(
        made["sdk"].as_str().unwrap().ends_with("/sdk") && folder.path().join("mine/src/lib.rs").exists()
    );

    std::fs::write(folder.path().join("guest.wasm"), answering("{}")).unwrap();
    let built = run(&["build", "guest.wasm", "--json"]).json();
    let added = documented(&["add", "guest.wasm", "--json"], &["policy", "added", "component"]);
    assert_eq!(added, json!({"policy": "toolgate.toml", "added": ["guest"], "component": built[0]}));

    for client in ["claude-desktop", "vscode", "cursor", "python"] {
        let connected = documented(&["connect", client, "--json"], &["client", "policy", "place", "config"]);
        assert_eq!(connected["client"], json!(client));
        let (policy, config) = (connected["policy"].as_str().unwrap(), connected["config"].as_str().unwrap());
        assert!(policy.ends_with("/toolgate.toml") && config.contains(policy), "{connected}");
        assert_eq!(config.to_owned() + "\n", run(&["connect", client]).out);
    }
}

#[test]
fn a_new_tool_has_a_name_that_a_policy_takes() {
    let folder = tempfile::tempdir().unwrap();
    let long = "a".repeat(65);
    for (name, why) in [
        ("Bad-Name", "a lowercase ASCII letter"),
        ("1st", "a lowercase ASCII letter"),
        (long.as_str(), "a lowercase ASCII letter"),
        ("toolgate_x", "`toolgate_` are the host's own tools'"),
    ] {
        let refused = toolgate(folder.path(), ["new", name]).code(2);
        assert!(refused.err.contains(why), "{refused:#?}");
        assert!(!folder.path().join(name).exists(), "{name}");
    }
}

#[test]
fn a_name_that_rust_or_the_new_crate_has_already_is_refused_with_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let names = [
        ("fn", "a word of Rust"),
        ("try", "a word of Rust"),
        ("str", "a type of Rust"),
        ("serde", "a crate that the new one builds on"),
        ("tests", "a name that the new crate has"),
    ];
    for (name, why) in names {
        let ran = toolgate(folder.path(), ["new", name]).code(2);
        assert!(ran.err.contains(why), "{name}: {}", ran.err);
        assert!(!folder.path().join(name).exists());
    }
    toolgate(folder.path(), ["new", "count_words"]).code(0);
    let source = std::fs::read_to_string(folder.path().join("count_words/src/lib.rs")).unwrap();
    assert!(source.contains("pub struct CountWordsAnswer {"), "{source}");
}

/// As `cargo install` leaves it: no repository around the program or the folder.
#[test]
fn a_program_away_from_its_repository_still_knows_the_sdk_that_it_was_built_with() {
    let folder = tempfile::tempdir().unwrap();
    let installed = folder.path().join("toolgate");
    // A link has a name and a folder of its own; across file systems there is none.
    if std::fs::hard_link(program(), &installed).is_err() {
        std::fs::copy(program(), &installed).unwrap();
    }
    let made =
        Command::new(&installed).args(["new", "mine", "--json"]).current_dir(&folder).output().unwrap();
    let made: Value = serde_json::from_slice(&made.stdout).unwrap();
    assert_eq!(made["sdk"], json!(repository().join("sdk").canonicalize().unwrap()));
    let manifest = std::fs::read_to_string(folder.path().join("mine/Cargo.toml")).unwrap();
    assert!(manifest.contains("toolgate-sdk = { path = "), "{manifest}");
}

/// Slow: it compiles the SDK for the host and for the guest. The name is the worst: its answer must not hide `String`.
#[test]
fn a_new_tool_builds_passes_its_test_and_answers() {
    let folder = tempfile::tempdir().unwrap();
    // What cargo makes of the dependencies is kept from one run of the tests to the next.
    let kept = target_folder().join("test-cache/new-tool");
    std::fs::create_dir(folder.path().join(".cargo")).unwrap();
    std::fs::write(folder.path().join(".cargo/config.toml"), format!("[build]\ntarget-dir = {kept:?}\n"))
        .unwrap();
    let sdk = repository().join("sdk");
    toolgate(folder.path(), ["new", "string", "--sdk", sdk.to_str().unwrap()]).code(0);
    toolgate(folder.path(), ["new", "string"]).code(2);
    let tool = folder.path().join("string");
    let source = std::fs::read_to_string(tool.join("src/lib.rs")).unwrap();
    let code = source.split("#[cfg(test)]").next().unwrap();
    assert!(code.lines().filter(|line| !line.trim().is_empty()).count() < 25, "the smallest tool is small");

    // The workspace's own lock file, so that nothing is fetched which is not there already.
    std::fs::copy(repository().join("Cargo.lock"), tool.join("Cargo.lock")).unwrap();
    let tested = Command::new("cargo")
        .args(["test", "--offline", "--quiet"])
        .env("RUSTUP_TOOLCHAIN", "1.95.0")
        .current_dir(&tool)
        .output()
        .unwrap();
    assert!(tested.status.success(), "{}", String::from_utf8_lossy(&tested.stderr));

    toolgate(&tool, ["build"]).code(0);
    toolgate(&tool, ["add", "build/string.wasm"]).code(0);
    let policy = tool.join("toolgate.toml");
    let text = std::fs::read_to_string(&policy).unwrap();
    std::fs::write(&policy, text.replace("verdict = \"deny\"", "verdict = \"allow\"")).unwrap();
    let outcome =
        toolgate(&tool, ["call", "string", r#"{"text":"three short words"}"#, "--json"]).code(0).json();
    assert_eq!(outcome["output"], json!({"words": 3}));
}
