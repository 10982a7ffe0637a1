//! `toolgate check`: everything that `serve` would refuse or warn about, without serving.
//!
//! The policy's own text first; then grants against the folders, components against their digests, needs
//! against grants; then the policy's cases, when a `*.cases.toml` lies beside it.

use super::{CliError, Console, JsonArg, block_on, capabilities, diagnostic, gate_options};
use serde::Serialize;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use toolgate::GateError;
use toolgate::catalog::{Cache, Catalog, CatalogError, Compiler, Loader};
use toolgate::policy::{self, Diagnostic, Diagnostics, Place, Policy, ToolPolicy, cases};
use toolgate::sandbox::Sandbox;
use toolgate::sandbox::grants::fs::OverlapError;
use toolgate::sanitizer::{Bounds, Sanitizer};

/// Check a policy and the components it names.
#[derive(Debug, clap::Args)]
pub(super) struct Check {
    /// The policy file.
    #[arg(value_name = "FILE", env = "TOOLGATE_POLICY", default_value = "toolgate.toml")]
    policy: PathBuf,
    /// Only the policy's text: components are not read.
    #[arg(long)]
    text_only: bool,
    #[command(flatten)]
    json: JsonArg,
}

/// What was found.
#[derive(Serialize)]
struct Report {
    file: String,
    ok: bool,
    diagnostics: Diagnostics,
    cases: Vec<cases::CaseResult>,
}

impl Check {
    pub(super) fn run(self, console: &mut Console) -> Result<u8, CliError> {
        let text = toolgate::opening::read_policy(&self.policy)
            .map_err(|error| GateError::Read { path: self.policy.clone(), error })?;
        let file = self.policy.display().to_string();
        let report = self.report(&file, &text)?;
        let code = if report.ok { 0 } else { super::USAGE };
        if self.json.json {
            console.json(&report)?;
            return Ok(code);
        }
        if !report.diagnostics.is_empty() {
            console.note(diagnostic::render(&file, &text, &report.diagnostics));
        }
        for case in report.cases.iter().filter(|case| !case.passed) {
            console.line(format!(
                "case failed, line {}: {}: got {:?} by {:?}",
                case.line, case.name, case.decision.verdict, case.decision.rules
            ))?;
        }
        let passed = report.cases.iter().filter(|case| case.passed).count();
        let word = if report.ok { "ok" } else { "not ok" };
        console.line(format!("{file}: {word}; {} of {} cases pass", passed, report.cases.len()))?;
        Ok(code)
    }

    fn report(&self, file: &str, text: &str) -> Result<Report, CliError> {
        let env = |name: &str| std::env::var(name).ok();
        let mut report = Report {
            file: file.to_owned(),
            ok: false,
            diagnostics: Diagnostics::default(),
            cases: Vec::new(),
        };
        match policy::compile(text, file, &env) {
            Err(diagnostics) => report.diagnostics = diagnostics,
            Ok(compiled) => {
                report.diagnostics = compiled.warnings;
                if !self.text_only {
                    report.diagnostics.append(self.world(&compiled.policy)?);
                }
                report.cases = self.cases(&compiled.policy, &env)?;
            }
        }
        report.ok = !report.diagnostics.has_errors() && report.cases.iter().all(|case| case.passed);
        Ok(report)
    }

    /// What the policy's text alone cannot tell.
    fn world(&self, policy: &Policy) -> Result<Diagnostics, CliError> {
        let base = toolgate::opening::base_of(&self.policy)?;
        let mut found = Diagnostics::default();
        if let Err(error) = toolgate::opening::refuse_widening(policy, &self.policy, &base) {
            let place = grant_place(policy, &error);
            found.push(Diagnostic::error("grant_refused", &place, error.to_string()));
        }
        for (place, folder) in missing_folders(policy, &base) {
            let message = format!("there is no folder {}", folder.display());
            found.push(
                Diagnostic::error("missing_folder", &place, message).help("make it, or correct `host`"),
            );
        }
        if found.has_errors() {
            return Ok(found);
        }
        match block_on(load(policy, &base)) {
            Err(error @ CliError::Io(_)) => return Err(error),
            Err(CliError::Gate(error)) => {
                let tool = blamed(policy, &base, &error);
                found.push(at_tool(policy, tool, "component_refused", error.to_string()))
            }
            Err(other) => return Err(other),
            Ok(catalog) => {
                for (name, changed) in catalog.all_changed() {
                    let message = format!(
                        "the component of `{name}` hashes to {}, not to {}",
                        changed.found, changed.named
                    );
                    found.push(at_tool(policy, Some(name), "component_changed", message));
                }
                for tool in catalog.tools() {
                    let needs = capabilities(&tool.needs);
                    found.append(policy::check_needs(policy, &tool.card.name, &needs));
                }
            }
        }
        Ok(found)
    }

    fn cases(
        &self,
        policy: &Policy,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Vec<cases::CaseResult>, CliError> {
        let path = self.policy.with_extension("cases.toml");
        let unreadable = |error: io::Error| {
            let sentence =
                format!("cannot read the cases {}: {error}; mend or remove the file", path.display());
            CliError::Usage(sentence)
        };
        match std::fs::symlink_metadata(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            found => found.map_err(unreadable)?,
        };
        let text = toolgate::opening::read_policy(&path).map_err(unreadable)?;
        match cases::parse(&text, env) {
            Ok(cases) => Ok(cases::run(policy, &cases)),
            Err(diagnostics) => Err(GateError::Policy { path, text, diagnostics }.into()),
        }
    }
}

async fn load(policy: &Policy, base: &Path) -> Result<Catalog, CliError> {
    let sandbox = Sandbox::open(1).map_err(GateError::from)?;
    let compatibility = toolgate::sandbox::compatibility().map_err(GateError::from)?;
    let cache = Cache::open(&base.join(&policy.host.cache), compatibility)?;
    let compiler: Compiler = gate_options().compiler;
    let sanitizer = Sanitizer::new(Bounds::from(&policy.sanitize));
    let loader =
        Loader { sandbox: &sandbox, cache: Some(&cache), compiler: &compiler, sanitizer: &sanitizer, base };
    Ok(loader.load(policy).await?)
}

/// Where the policy writes the grant that was refused.
fn grant_place(policy: &Policy, error: &GateError) -> Place {
    let (tool, folder) = match error {
        GateError::Overlap(OverlapError::SelfWidening { tool, grant, .. }) => (tool, grant),
        GateError::Overlap(OverlapError::ReadAndWrite { tool, write, .. }) => (tool, write),
        _ => return Place::default(),
    };
    let Some(tool) = policy.tools.get(tool) else { return Place::default() };
    let index = tool.grants.fs.iter().position(|grant| grant.host == *folder).unwrap_or_default();
    tool.place(&format!("grants.fs[{index}].host"))
}

/// Granted folders that do not exist, and where the policy writes them.
fn missing_folders(policy: &Policy, base: &Path) -> Vec<(Place, PathBuf)> {
    let of_tool = |tool: &ToolPolicy| -> Vec<(Place, PathBuf)> {
        let grants = tool.grants.fs.iter().enumerate();
        let missing = grants.filter(|(_, grant)| !base.join(&grant.host).is_dir());
        missing
            .map(|(index, grant)| (tool.place(&format!("grants.fs[{index}].host")), base.join(&grant.host)))
            .collect()
    };
    policy.tools.values().flat_map(of_tool).collect()
}

/// The tool whose component it is about, where the error says.
fn blamed<'a>(policy: &'a Policy, base: &Path, error: &GateError) -> Option<&'a str> {
    let GateError::Catalog(error) = error else { return None };
    let is_meant = |tool: &&ToolPolicy| match error {
        CatalogError::BadTool { tool: name, .. }
        | CatalogError::NoSuchTool { tool: name, .. }
        | CatalogError::Grant { tool: name, .. }
        | CatalogError::Component { tool: Some(name), .. } => *name == tool.name,
        CatalogError::Read { path, .. } | CatalogError::TooLarge { path } => {
            *path == base.join(&tool.component)
        }
        _ => false,
    };
    policy.tools.values().find(is_meant).map(|tool| tool.name.as_str())
}

fn at_tool(policy: &Policy, tool: Option<&str>, code: &'static str, message: String) -> Diagnostic {
    let place = tool.and_then(|tool| policy.tools.get(tool)).map(|tool| tool.place("")).unwrap_or_default();
    Diagnostic::error(code, &place, message)
}
