//! Which compiler and sysroot build guests on this machine: rustup's own, or the one that
//! `.ci/wasm-target` made from Debian's packages.

use super::CliError;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The target of every guest.
pub(super) const TARGET: &str = "wasm32-wasip2";

/// Where the set-up script leaves word, below the cache folder.
const TOOLCHAIN_FILE: &str = "wasm32-wasip2/toolchain.env";

/// How guests are compiled here.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Toolchain {
    /// The default compiler has the target.
    Default,
    /// Another compiler with a sysroot of its own.
    Sysroot {
        /// The compiler.
        rustc: String,
        /// Its sysroot for the target.
        sysroot: String,
    },
}

impl Toolchain {
    /// Finds it.
    pub(super) fn find() -> Result<Self, CliError> {
        let made = cache().and_then(|cache| std::fs::read_to_string(cache.join(TOOLCHAIN_FILE)).ok());
        if let Some(toolchain) = made.as_deref().and_then(parse) {
            return Ok(toolchain);
        }
        if default_has_target() {
            return Ok(Self::Default);
        }
        Err(CliError::Usage(format!(
            "this machine cannot build guests yet: the Rust target {TARGET} is missing. \
             Run `rustup target add {TARGET}`; where rustup cannot fetch, run `.ci/wasm-target` from Toolgate's repository"
        )))
    }

    /// Sets a cargo command up for it. Paths of this machine are kept out of the component.
    pub(super) fn apply(&self, cargo: &mut Command, folder: &Path) {
        let mut flags = vec![format!("--remap-path-prefix={}=.", folder.display())];
        if let Some(home) = cargo_home() {
            flags.push(format!("--remap-path-prefix={}=/cargo", home.display()));
        }
        if let Self::Sysroot { rustc, sysroot } = self {
            flags.push(format!("--sysroot={sysroot}"));
            // The toolchain file may name a target that rustup cannot fetch here; it is not needed.
            cargo.env("RUSTC", rustc).env("RUSTUP_AUTO_INSTALL", "0");
        }
        cargo.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\u{1f}"));
    }
}

fn cargo_home() -> Option<PathBuf> {
    set("CARGO_HOME").or_else(|| set("HOME").map(|home| home.join(".cargo")))
}

fn set(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

fn cache() -> Option<PathBuf> {
    set("TOOLGATE_WASM_CACHE")
        .or_else(|| set("XDG_CACHE_HOME").map(|cache| cache.join("toolgate")))
        .or_else(|| set("HOME").map(|home| home.join(".cache/toolgate")))
}

fn parse(text: &str) -> Option<Toolchain> {
    let value = |key: &str| {
        text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('=')).map(str::to_owned)
    };
    let (rustc, sysroot) = (value("RUSTC")?, value("SYSROOT")?);
    (Path::new(&rustc).exists() && Path::new(&sysroot).is_dir())
        .then_some(Toolchain::Sysroot { rustc, sysroot })
}

fn default_has_target() -> bool {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| OsString::from("rustc"));
    let Ok(said) = Command::new(rustc).args(["--print", "target-libdir", "--target", TARGET]).output() else {
        return false;
    };
    let folder = String::from_utf8_lossy(&said.stdout).trim().to_owned();
    let Ok(files) = std::fs::read_dir(folder) else { return false };
    files.flatten().any(|file| file.file_name().to_string_lossy().starts_with("libstd-"))
}
