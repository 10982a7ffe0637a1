//! `.ci/wasm-target`, which makes a machine able to build guests, on a machine where it cannot.
//!
//! Not here: its two ways (`make target` goes the first that is open, `.ci/run` also the second). Invariant: nothing
//! is fetched or installed, since all that could is replaced by what fails.

use crate::support::gate::repository;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

#[test]
fn where_both_ways_to_the_wasm_target_are_shut_each_is_named_with_its_reason() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["rustup", "rustc", "apt-get", "sudo"] {
        write_failing(&folder.path().join(name));
    }
    let cache = folder.path().join("cache");
    let ran = Command::new(repository().join(".ci/wasm-target"))
        .env("PATH", format!("{}:{}", folder.path().display(), std::env::var("PATH").unwrap()))
        .env("TOOLGATE_WASM_CACHE", &cache)
        .env_remove("TOOLGATE_WASM_TARGET")
        .output()
        .unwrap();
    let err = String::from_utf8_lossy(&ran.stderr);
    assert_eq!(ran.status.code(), Some(1), "{err}");
    let (_, message) = err.split_once("wasm-target: no way to get ").unwrap_or_else(|| panic!("{err}"));
    let channel = channel();
    let first = format!(
        "the wasm32-wasip2 target here. Either of these is enough:
  1. `rustup target add wasm32-wasip2 --toolchain {channel}`. Why not:
    rustup could not fetch it
      | rustup is shut
  2. Debian's rustc-web, cargo-web, rust-web-src, and wasi-libc from backports. Why not:\n    "
    );
    let second = message.strip_prefix(&first).unwrap_or_else(|| panic!("{first}is not how it begins: {err}"));
    // Which step of the second way fails is a matter of the machine.
    let reasons = [
        "this is not a Debian machine".to_owned(),
        format!("apt did not bring rustc {channel} or newer with its sources, and wasm32-wasip2's libc"),
        format!("no wasm-component-ld: is rustup's {channel} installed?"),
    ];
    assert!(reasons.iter().any(|reason| second.starts_with(reason)), "{err}");
    let left: Vec<_> = std::fs::read_dir(cache.join("wasm32-wasip2")).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

/// A program that says that it is shut, and fails.
fn write_failing(path: &Path) {
    let name = path.file_name().unwrap().display();
    std::fs::write(path, format!("#!/bin/sh\necho '{name} is shut' >&2\nexit 1\n")).unwrap();
    std::fs::set_permissions(path, Permissions::from_mode(0o755)).unwrap();
}

/// The toolchain of this repository.
fn channel() -> String {
    let text = std::fs::read_to_string(repository().join("rust-toolchain.toml")).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("channel = \"")).expect("it names a channel");
    line.trim_end_matches('"').to_owned()
}
