//! Where a measurement happens: a folder on the disk of the build, the components, and policies for them.

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// The text that every echo gives back.
pub(crate) const TEXT: &str = "hello, tool";

/// The guards that cannot be turned off, and none of them says no to ten thousand equal calls.
const ENDLESS: &str = "[run]\nbudgets = { steps = 1000000000, proposals = 1000000000 }\nrepetition = false\n";

/// Every guard of a run and a principal is on, and none of them says no to ten thousand different calls.
const GUARDED: &str = r#"[run]
rate = { calls = 1000000, per = "1m" }

[run.budgets]
steps = 1000000000
proposals = 1000000000
cost = "1000000"
tokens = 1000000000000
wall_time = "720h"
fuel = "1000000000G"
host_calls = 1000000000000
output = "1048576GiB"

[spend]
hour = "1000000"
day = "1000000"
hour_steps = 1000000000
rate = { calls = 1000000, per = "1h" }
"#;
/// Every guard of a tool is on.
const GUARDED_TOOL: &str = r#"effect = "read-only"
cost = "0.000001"
rate = { calls = 1000000, per = "1m" }
breaker = { failures = 5, percent = 50 }
retry = { attempts = 3 }
"#;
/// No guard of a tool is on.
const UNGUARDED_TOOL: &str = r#"effect = "read-only"
breaker = "off"
retry = "off"
"#;
/// A tool that only a switch or its deadline ends.
const ENDLESS_TOOL: &str = r#"effect = "read-only"
breaker = "off"
limits = { fuel = "1000000G", deadline = "60s", call_deadline = "60s" }
"#;

/// The release binary under test.
const TOOLGATE: &str = env!("CARGO_BIN_EXE_toolgate");

/// A policy that allows a tool which computes without end, and `echo`.
pub(crate) struct Endless {
    pub(crate) policy: PathBuf,
    /// Where its ledger lies.
    pub(crate) ledger: PathBuf,
    pub(crate) tool: &'static str,
}

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

    /// A policy that allows `echo` with every guard on.
    pub(crate) fn guarded_policy(&self, name: &str) -> Result<PathBuf> {
        self.write(name, "", GUARDED, &tool("echo", &self.echo(), GUARDED_TOOL))
    }

    /// A policy that allows `echo` with every guard off that can be.
    pub(crate) fn unguarded_policy(&self, name: &str) -> Result<PathBuf> {
        self.echo_policy(name, UNGUARDED_TOOL)
    }

    /// A tool that counts without end; `host` is what else the section of that name says.
    pub(crate) fn spinner(&self, name: &str, host: &str) -> Result<Endless> {
        self.endless(name, host, "loop_forever", &self.components.join("support_desk.wasm"))
    }

    /// A tool that fills all the memory that a call has by default, without end.
    pub(crate) fn filler(&self, name: &str) -> Result<Endless> {
        let component = self.folder.path().join("fill.wasm");
        std::fs::write(&component, wat::parse_str(include_str!("fill.wat"))?)?;
        self.endless(name, "", "fill_forever", &component)
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

    fn endless(&self, name: &str, host: &str, endless: &'static str, component: &Path) -> Result<Endless> {
        let echo = tool("echo", &self.echo(), "effect = \"read-only\"");
        let tools = format!("{}{echo}", tool(endless, component, ENDLESS_TOOL));
        let policy = self.write(name, host, ENDLESS, &tools)?;
        Ok(Endless { policy, ledger: self.folder.path().join(format!("{name}.db")), tool: endless })
    }

    fn policy(&self, name: &str, tools: &str) -> Result<PathBuf> {
        self.write(name, "", ENDLESS, tools)
    }

    fn write(&self, name: &str, host: &str, guards: &str, tools: &str) -> Result<PathBuf> {
        let file = self.folder.path().join(format!("{name}.toml"));
        let head = format!("[host]\nledger = \"{name}.db\"\ncache = \"cache\"\n{host}\n\n{guards}\n{tools}");
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
