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
        return Err(CliError::Usage(format!(
            "there is no crate at {}: no Cargo.toml; `toolgate new NAME` makes one",
            folder.display()
        )));
    }
    let manifest = std::path::absolute(manifest)?;
    let workspace = workspace(&manifest)?;
    let mut build = cargo();
    build
        .args(["build", "--release", "--lib", "--target", TARGET, "--message-format=json-render-diagnostics"])
        .arg("--manifest-path")
        .arg(&manifest)
        .arg("--target-dir")
        .arg(workspace.target.join("guests"))
        .envs(PROFILE.iter().copied())
        .stderr(Stdio::inherit());
    toolchain.apply(&mut build, &workspace.root);
    let built = build.output().map_err(no_cargo)?;
    if !built.status.success() {
        return Err(CliError::Usage(format!(
            "the crate at {} does not build; cargo said why",
            folder.display()
        )));
    }
    component(&built.stdout, &manifest).ok_or_else(|| {
        CliError::Usage(format!(
            "the crate at {} makes no component: its [lib] needs crate-type = [\"cdylib\", \"rlib\"]",
            folder.display()
        ))
    })
}

/// The component among the messages that cargo prints, one JSON document a line.
fn component(messages: &[u8], manifest: &Path) -> Option<PathBuf> {
    let manifest = manifest.to_str()?;
    let messages =
        messages.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice::<Value>(line).ok());
    let mut ours = messages.filter(|message| {
        message.get("reason").and_then(Value::as_str) == Some("compiler-artifact")
            && message.get("manifest_path").and_then(Value::as_str) == Some(manifest)
    });
    ours.find_map(|message| {
        let files = message.get("filenames")?.as_array()?;
        files.iter().filter_map(Value::as_str).find(|file| file.ends_with(".wasm")).map(PathBuf::from)
    })
}

/// Where cargo puts what it builds. The root is the same for all crates of a workspace, and so are the
/// compiler's flags that name it: what one crate built, the next one uses.
struct Workspace {
    root: PathBuf,
    target: PathBuf,
}

fn workspace(manifest: &Path) -> Result<Workspace, CliError> {
    let said = cargo()
        .args(["metadata", "--no-deps", "--format-version=1", "--manifest-path"])
        .arg(manifest)
        .output()
        .map_err(no_cargo)?;
    let found = serde_json::from_slice::<Value>(&said.stdout).ok().and_then(|metadata| {
        let folder = |key: &str| metadata.get(key).and_then(Value::as_str).map(PathBuf::from);
        Some(Workspace { root: folder("workspace_root")?, target: folder("target_directory")? })
    });
    found.ok_or_else(|| {
        CliError::Usage(format!(
            "cargo cannot read {}: {}",
            manifest.display(),
            String::from_utf8_lossy(&said.stderr).trim()
        ))
    })
}

fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")))
}

fn no_cargo(error: std::io::Error) -> CliError {
    CliError::Usage(format!("cargo cannot be started ({error}); install Rust with rustup"))
}
