//! Building one guest crate with cargo: small, deterministic, and away from the host's target folder.

use super::CliError;
use super::wasm_target::{TARGET, Toolchain};
use serde_json::Value;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The release profile of guests, whatever the crate's own manifest says.
const PROFILE: &[(&str, &str)] = &[
    ("CARGO_PROFILE_RELEASE_OPT_LEVEL", "s"),
    ("CARGO_PROFILE_RELEASE_LTO", "true"),
    ("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "1"),
    ("CARGO_PROFILE_RELEASE_STRIP", "true"),
    ("CARGO_PROFILE_RELEASE_PANIC", "abort"),
    ("CARGO_PROFILE_RELEASE_INCREMENTAL", "false"),
];

/// Builds the crate in `folder`; gives the path of its component.
pub(super) fn build(folder: &Path, toolchain: &Toolchain) -> Result<PathBuf, CliError> {
    let manifest = folder.join("Cargo.toml");
    if !manifest.is_file() {
        return Err(CliError::Usage(format!("there is no crate at {}: no Cargo.toml; `toolgate new NAME` makes one", folder.display())));
    }
    let manifest = std::path::absolute(manifest)?;
    let mut build = cargo();
    build
        .args(["build", "--release", "--lib", "--target", TARGET, "--message-format=json-render-diagnostics"])
        .arg("--manifest-path")
        .arg(&manifest)
        .arg("--target-dir")
        .arg(target_folder(&manifest)?.join("guests"))
        .envs(PROFILE.iter().copied())
        .stderr(Stdio::inherit());
    toolchain.apply(&mut build, manifest.parent().unwrap_or(folder));
    let built = build.output().map_err(no_cargo)?;
    if !built.status.success() {
        return Err(CliError::Usage(format!("the crate at {} does not build; cargo said why", folder.display())));
    }
    component(&built.stdout, &manifest).ok_or_else(|| {
        CliError::Usage(format!("the crate at {} makes no component: its [lib] needs crate-type = [\"cdylib\", \"rlib\"]", folder.display()))
    })
}

/// The component among the messages that cargo prints, one JSON document a line.
fn component(messages: &[u8], manifest: &Path) -> Option<PathBuf> {
    let manifest = manifest.to_str()?;
    let messages = messages.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice::<Value>(line).ok());
    let mut ours = messages.filter(|message| {
        message.get("reason").and_then(Value::as_str) == Some("compiler-artifact")
            && message.get("manifest_path").and_then(Value::as_str) == Some(manifest)
    });
    ours.find_map(|message| {
        let files = message.get("filenames")?.as_array()?;
        files.iter().filter_map(Value::as_str).find(|file| file.ends_with(".wasm")).map(PathBuf::from)
    })
}

fn target_folder(manifest: &Path) -> Result<PathBuf, CliError> {
    let said = cargo().args(["metadata", "--no-deps", "--format-version=1", "--manifest-path"]).arg(manifest).output().map_err(no_cargo)?;
    let folder = serde_json::from_slice::<Value>(&said.stdout).ok().and_then(|metadata| {
        metadata.get("target_directory").and_then(Value::as_str).map(PathBuf::from)
    });
    folder.ok_or_else(|| CliError::Usage(format!("cargo cannot read {}: {}", manifest.display(), String::from_utf8_lossy(&said.stderr).trim())))
}

fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")))
}

fn no_cargo(error: std::io::Error) -> CliError {
    CliError::Usage(format!("cargo cannot be started ({error}); install Rust with rustup"))
}
