//! Where a measurement happens: a folder on the disk of the build, the components, and policies for them.

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// The text that every echo gives back.
pub(crate) const TEXT: &str = "hello, tool";

/// Every guard is on, and none of them says no to ten thousand equal calls.
const ENDLESS: &str = "[run]\nbudgets = { steps = 1000000000, proposals = 1000000000 }\nrepetition = false\n";

/// The release binary under test.
const TOOLGATE: &str = env!("CARGO_BIN_EXE_toolgate");

/// A folder of its own, removed at the end.
pub(crate) struct Place {
    folder: TempDir,
    components: PathBuf,
}

impl Place {
    pub(crate) fn new() -> Result<Self> {
        let components = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tools/build");
        let components = components.canonicalize().context("no tools/build: run `make bench`")?;
        Ok(Self { folder: tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?, components })
    }

    /// The echo component.
    pub(crate) fn echo(&self) -> PathBuf {
        self.components.join("echo.wasm")
    }

    /// A policy that allows `echo`, with a ledger of its own; `more` is what else its section says.
    pub(crate) fn echo_policy(&self, name: &str, more: &str) -> Result<PathBuf> {
        self.policy(name, &tool("echo", &self.echo(), more))
    }

    /// A policy that allows a tool which computes without end, and where its ledger lies.
    pub(crate) fn spinner_policy(&self, name: &str) -> Result<(PathBuf, PathBuf)> {
        let spinner = self.components.join("support_desk.wasm");
        let more = "effect = \"read-only\"\nbreaker = \"off\"\nlimits = { fuel = \"1000000G\", deadline = \"60s\", call_deadline = \"60s\" }";
        let policy = self.policy(name, &tool("loop_forever", &spinner, more))?;
        Ok((policy, self.folder.path().join(format!("{name}.db"))))
    }

    /// A policy with up to `count` of the tools that are built, and how many it has.
    pub(crate) fn policy_of(&self, count: usize) -> Result<(PathBuf, usize)> {
        let mut sections = Vec::new();
        let mut files: Vec<PathBuf> =
            std::fs::read_dir(&self.components)?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
        files.sort();
        // Echo first, so that it is in whatever else is built.
        files.sort_by_key(|file| *file != self.echo());
        for file in files.iter().filter(|file| file.extension().is_some_and(|extension| extension == "wasm"))
        {
            sections.extend(declared(file)?.iter().map(|name| tool(name, file, "effect = \"read-only\"")));
        }
        sections.truncate(count);
        Ok((self.policy("many", &sections.concat())?, sections.len()))
    }

    /// `toolgate serve` on a policy.
    pub(crate) fn serve(policy: &Path) -> Command {
        let mut command = Command::new(TOOLGATE);
        command.args(["serve", "--policy"]).arg(policy);
        command
    }

    /// The native server that answers the same.
    pub(crate) fn native() -> Result<Command> {
        let echo = Path::new(TOOLGATE).with_file_name("examples").join("native_echo");
        ensure!(
            echo.is_file(),
            "no native_echo: run `make bench`, or build the example with the same profile"
        );
        Ok(Command::new(echo))
    }

    fn policy(&self, name: &str, sections: &str) -> Result<PathBuf> {
        let file = self.folder.path().join(format!("{name}.toml"));
        let head = format!("[host]\nledger = \"{name}.db\"\ncache = \"cache\"\n\n{ENDLESS}\n{sections}");
        std::fs::write(&file, head)?;
        Ok(file)
    }
}

fn tool(name: &str, component: &Path, more: &str) -> String {
    format!("[tools.{name}]\ncomponent = {component:?}\nverdict = \"allow\"\n{more}\n\n")
}

/// The tools that a component declares.
fn declared(component: &Path) -> Result<Vec<String>> {
    let inspected = Command::new(TOOLGATE).arg("inspect").arg(component).arg("--json").output()?;
    let inspected: Value =
        serde_json::from_slice(&inspected.stdout).with_context(|| format!("{}", component.display()))?;
    let tools = inspected.get("declared").and_then(Value::as_array).context("no `declared`")?;
    Ok(tools.iter().filter_map(|tool| tool.get("name")?.as_str()).map(str::to_owned).collect())
}
