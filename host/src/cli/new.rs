//! `toolgate new`: the crate of a new tool, which builds and passes its test.

use super::{CliError, Console, JsonArg};
use serde_json::json;
use std::path::{Path, PathBuf};
use toolgate::call::{OWN_TOOLS_PREFIX, is_tool_name};
use toolgate::opening::open_regular;

/// The toolchain of a new crate: rustup fetches the target with it.
const TOOLCHAIN: &str = "[toolchain]\nchannel = \"1.95.0\"\ntargets = [\"wasm32-wasip2\"]\n";

/// Make the crate of a new tool.
///
/// With `--json`: `name`, of the tool; `path`, the crate's folder; `sdk`, the folder of the `toolgate-sdk` crate, null
/// for the published one.
#[derive(Debug, clap::Args)]
pub(super) struct New {
    /// The tool's name: a lowercase letter, then lowercase letters, digits and `_`.
    #[arg(value_parser = name)]
    name: String,
    /// Where the crate goes; without it, a folder of the tool's name.
    #[arg(long, value_name = "FOLDER")]
    path: Option<PathBuf>,
    /// The folder of the `toolgate-sdk` crate; without it, the one of the repository around here, around this
    /// binary, or that this binary was built from, else the published one.
    #[arg(long, value_name = "FOLDER")]
    sdk: Option<PathBuf>,
    #[command(flatten)]
    json: JsonArg,
}

impl New {
    pub(super) fn run(self, console: &mut Console) -> Result<u8, CliError> {
        let folder = self.path.clone().unwrap_or_else(|| PathBuf::from(&self.name));
        if folder.exists() {
            return Err(CliError::Usage(format!(
                "{} exists already; give another name or --path",
                folder.display()
            )));
        }
        let sdk = match &self.sdk {
            Some(sdk) if is_sdk(sdk) => Some(sdk.canonicalize()?),
            Some(sdk) => {
                return Err(CliError::Usage(format!("{} is not the toolgate-sdk crate", sdk.display())));
            }
            None => find_sdk(),
        };
        if sdk.is_none() {
            console.note(
                "note: no folder of the `toolgate-sdk` crate was found, so the new crate takes it from crates.io; \
                 `--sdk FOLDER` names one",
            );
        }
        std::fs::create_dir_all(folder.join("src"))?;
        std::fs::write(folder.join("Cargo.toml"), manifest(&self.name, sdk.as_deref()))?;
        std::fs::write(folder.join("src/lib.rs"), library(&self.name))?;
        std::fs::write(folder.join("rust-toolchain.toml"), TOOLCHAIN)?;
        std::fs::write(folder.join(".gitignore"), "/target\n/build\n")?;
        if self.json.json {
            let (path, sdk) = (folder.display().to_string(), sdk.map(|sdk| sdk.display().to_string()));
            console.json(&json!({"name": self.name, "path": path, "sdk": sdk}))?;
            return Ok(0);
        }
        let name = folder.display();
        console.line(format!("made {name}"))?;
        console.note(format!(
            "next: `cd {name}`, `cargo test`, `toolgate build`, `toolgate add build/{}.wasm`",
            self.name
        ));
        Ok(0)
    }
}

fn name(text: &str) -> Result<String, String> {
    if !is_tool_name(text) {
        return Err("a tool's name is a lowercase ASCII letter and up to 63 of a-z, 0-9 and _".to_owned());
    }
    if text.starts_with(OWN_TOOLS_PREFIX) {
        return Err(format!("names that begin with `{OWN_TOOLS_PREFIX}` are the host's own tools'"));
    }
    let taken = [
        (KEYWORDS, "is a word of Rust"),
        (TYPES, "is a type of Rust"),
        (CRATES, "is the name of a crate that the new one builds on"),
        (OURS, "is a name that the new crate has already"),
    ];
    match taken.iter().find(|(names, _)| names.split(' ').any(|name| name == text)) {
        Some((_, why)) => Err(format!("`{text}` {why}, so the crate would not build; give another name")),
        None => Ok(text.to_owned()),
    }
}

/// Rust's keywords in lowercase, those that are only reserved with them.
const KEYWORDS: &str = "abstract as async await become box break const continue crate do dyn else enum extern false \
    final fn for gen if impl in let loop macro match mod move mut override priv pub ref return self static struct \
    super trait true try type typeof unsafe unsized use virtual where while yield";

/// Types of Rust itself: the tool's own type would hide one from the rest of its crate.
const TYPES: &str = "bool char f32 f64 i128 i16 i32 i64 i8 isize str u128 u16 u32 u64 u8 usize";

/// Crates whose names the new one must not take: its dependencies, and those that come with Rust.
const CRATES: &str = "alloc core proc_macro schemars serde std test";

/// Other names in the new crate: its module of tests, and the test that `component!` adds.
const OURS: &str = "definitions_are_sound tests";

fn find_sdk() -> Option<PathBuf> {
    let here = std::env::current_dir().ok();
    let binary = std::env::current_exe().ok();
    let starts = [here, binary];
    let around = |start: &PathBuf| start.ancestors().map(|folder| folder.join("sdk")).find(|sdk| is_sdk(sdk));
    let built_from = || Path::new(SDK_AT_BUILD).canonicalize().ok().filter(|sdk| is_sdk(sdk));
    starts.iter().flatten().find_map(around).or_else(built_from)
}

/// Where the SDK lay when this binary was built: still there on the machine of whoever ran `cargo install --path`.
const SDK_AT_BUILD: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../sdk");

fn is_sdk(folder: &Path) -> bool {
    open_regular(&folder.join("Cargo.toml"))
        .and_then(std::io::read_to_string)
        .is_ok_and(|manifest| manifest.contains("name = \"toolgate-sdk\""))
}

fn manifest(name: &str, sdk: Option<&Path>) -> String {
    let version = env!("CARGO_PKG_VERSION");
    let sdk = match sdk {
        Some(path) => format!("{{ path = {:?} }}", path.display().to_string()),
        None => format!("\"{version}\""),
    };
    format!(
        r#"[package]
name = "{name}"
version = "0.1.0"
edition = "2024"

[lib]
crate-type = ["cdylib", "rlib"]

[dependencies]
schemars = "1"
serde = {{ version = "1", features = ["derive"] }}
toolgate-sdk = {sdk}

# Not part of any workspace around it.
[workspace]
"#
    )
}

fn library(name: &str) -> String {
    // With an ending of its own, so that no tool's answer hides a type that the crate uses, such as `String`.
    let answer: String = name.split('_').map(capitalized).chain(["Answer".to_owned()]).collect();
    format!(
        r##"//! The tool `{name}`.

use schemars::JsonSchema;
use serde::Serialize;

/// The answer of `{name}`.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub struct {answer} {{
    /// How many words the text has.
    pub words: usize,
}}

/// Counts the words of a text. This line is what the model reads: say what the tool does and when to use it.
#[toolgate_sdk::tool]
pub fn {name}(
    /// The text to count in.
    text: String,
) -> {answer} {{
    {answer} {{ words: text.split_whitespace().count() }}
}}

toolgate_sdk::component!({name});

#[cfg(test)]
mod tests {{
    use toolgate_sdk::testing::{{self, FakeContext}};

    #[test]
    fn words_are_counted() {{
        let answer = testing::call::<super::{name}>(&FakeContext::new(), r#"{{"text":"three short words"}}"#);
        assert_eq!(answer.as_deref(), Ok(r#"{{"words":3}}"#));
    }}
}}
"##
    )
}

fn capitalized(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map(|first| first.to_ascii_uppercase().to_string() + chars.as_str()).unwrap_or_default()
}
