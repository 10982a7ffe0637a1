//! `toolgate new`: the crate of a new tool, which builds and passes its test.

use super::{CliError, Console, JsonArg};
use serde_json::json;
use std::path::{Path, PathBuf};
use toolgate::call::{OWN_TOOLS_PREFIX, is_tool_name};

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
    /// The folder of the `toolgate-sdk` crate; without it, the one of the repository around here or around
    /// this binary, else the published one.
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
    Ok(text.to_owned())
}

fn find_sdk() -> Option<PathBuf> {
    let here = std::env::current_dir().ok();
    let binary = std::env::current_exe().ok();
    let starts = [here, binary];
    let around = |start: &PathBuf| start.ancestors().map(|folder| folder.join("sdk")).find(|sdk| is_sdk(sdk));
    starts.iter().flatten().find_map(around)
}

fn is_sdk(folder: &Path) -> bool {
    std::fs::read_to_string(folder.join("Cargo.toml"))
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
    let answer: String = name.split('_').map(capitalized).collect();
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
