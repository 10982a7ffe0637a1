//! `toolgate add`, and what it does to the policy that is there.
//!
//! Not here: what it writes about a tool (`host/src/policy/add.rs`). Invariant: a policy that is not added to is as it
//! was, to the byte.

use crate::support::Guest;
use crate::support::binary::{Ran, toolgate};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use tempfile::TempDir;
use toolgate::policy::POLICY_BYTES_MAX;

/// The place of `fs` in the WIT enum `capability`.
const NEEDS_FS: u8 = 0;

/// A folder with a built component `NAME.wasm` for each name, whose one tool is called so.
fn folder_with(names: &[&str]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in names {
        let guest = Guest::answering("{}").define(|definition| {
            definition.name = (*name).to_owned();
            definition.needs = vec![NEEDS_FS];
        });
        let file = format!("{name}.wasm");
        fs::write(folder.path().join(&file), guest.build()).unwrap();
        toolgate(folder.path(), ["build", &file]).code(0);
    }
    folder
}

fn add(folder: &Path, component: &str, policy: &str) -> Ran {
    toolgate(folder, ["add", component, "--policy", policy])
}

/// Everything in the folder whose name says that it was being written.
fn unfinished(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.ends_with(".tmp")).collect()
}

#[test]
fn a_policy_that_is_too_large_or_would_be_is_left_as_it_is() {
    let folder = folder_with(&["one"]);
    let policy = folder.path().join("big.toml");
    for bytes in [POLICY_BYTES_MAX - 10, POLICY_BYTES_MAX + 1, POLICY_BYTES_MAX + 5_000] {
        let text = format!("#{}", "x".repeat(bytes - 1));
        fs::write(&policy, &text).unwrap();
        let ran = add(folder.path(), "one.wasm", "big.toml").code(2);
        assert!(ran.err.contains("nothing was added: big.toml is over 1 MiB"), "{}", ran.err);
        assert!(fs::read_to_string(&policy).unwrap() == text, "{bytes} bytes are other bytes now");
    }
    assert!(unfinished(folder.path()).is_empty());
}

#[test]
fn a_policy_behind_a_link_stays_there_and_stays_private() {
    let folder = folder_with(&["one"]);
    fs::create_dir(folder.path().join("kept")).unwrap();
    let (kept, link) = (folder.path().join("kept/real.toml"), folder.path().join("toolgate.toml"));
    fs::write(&kept, "# mine\n").unwrap();
    fs::set_permissions(&kept, fs::Permissions::from_mode(0o600)).unwrap();
    symlink("kept/real.toml", &link).unwrap();
    add(folder.path(), "one.wasm", "toolgate.toml").code(0);
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    let text = fs::read_to_string(&kept).unwrap();
    assert!(text.starts_with("# mine\n") && text.contains("[tools.one]"), "{text}");
    assert_eq!(fs::metadata(&kept).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn of_many_at_once_none_is_lost() {
    let names = ["a", "b", "c", "d", "e", "f"];
    let folder = folder_with(&names);
    std::thread::scope(|scope| {
        for name in names {
            let folder = folder.path();
            scope.spawn(move || add(folder, &format!("{name}.wasm"), "toolgate.toml").code(0));
        }
    });
    let text = fs::read_to_string(folder.path().join("toolgate.toml")).unwrap();
    assert!(names.iter().all(|name| text.contains(&format!("[tools.{name}]"))), "{text}");
    assert!(unfinished(folder.path()).is_empty());
}

#[test]
fn a_policy_in_no_folder_names_the_folder() {
    let folder = folder_with(&["one"]);
    let ran = add(folder.path(), "one.wasm", "no/such/x.toml").code(2);
    assert!(ran.err.contains("the policy's folder") && ran.err.contains("/no/such cannot"), "{}", ran.err);
}

#[test]
fn a_tool_that_needs_files_is_added_for_reading_and_the_line_to_change_is_named() {
    let folder = folder_with(&["one"]);
    let ran = add(folder.path(), "one.wasm", "toolgate.toml").code(0);
    assert!(ran.err.contains("change `access = \"read\"`") && ran.err.contains("read-write"), "{}", ran.err);
    let text = fs::read_to_string(folder.path().join("toolgate.toml")).unwrap();
    assert!(text.contains("access = \"read\"\n"), "{text}");
}
