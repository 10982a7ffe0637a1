//! `toolgate add`: register a component's tools in a policy, for a person to read and widen.

use super::replace::{replace, turn};
use super::{CliError, Console, JsonArg, PolicyArg, capabilities, inspect};
use serde_json::json;
use std::path::{Path, PathBuf};
use toolgate::GateError;
use toolgate::catalog;
use toolgate::policy::{self, Capability, POLICY_BYTES_MAX, ToolEntry, Verdict};

/// Add a component's tools to a policy.
///
/// With `--json`: `policy`, its file; `added`, the names of the tools; `component`, as `toolgate inspect --json` gives
/// it.
#[derive(Debug, clap::Args)]
pub(super) struct Add {
    /// The component's file.
    file: PathBuf,
    #[command(flatten)]
    policy: PolicyArg,
    #[command(flatten)]
    json: JsonArg,
}

impl Add {
    pub(super) fn run(self, console: &mut Console) -> Result<u8, CliError> {
        let inspection = catalog::inspect_file(&self.file)?;
        let Some(declared) = &inspection.declared else {
            let sentence =
                format!("{} declares no tools; run `toolgate build` on it first", self.file.display());
            return Err(CliError::Usage(sentence));
        };
        let path = &self.policy.policy;
        // Of two at once, the later one would write the policy without the tools of the other.
        let _turn = turn(path);
        let mut text = if path.exists() {
            toolgate::opening::read_policy(path)
                .map_err(|error| GateError::Read { path: path.clone(), error })?
        } else {
            String::new()
        };
        refuse_too_large(path, &text)?;
        let component = component_path(&self.file, path)?;
        for tool in &declared.tools {
            let entry = ToolEntry {
                name: tool.name.clone(),
                component: component.clone(),
                sha256: inspection.digest,
                needs: capabilities(&tool.needs),
                verdict: Verdict::Deny,
            };
            text = policy::document_with_tool(&text, &entry)
                .map_err(|error| CliError::Usage(error.to_string()))?;
        }
        refuse_too_large(path, &text)?;
        replace(path, text.as_bytes())?;
        let names: Vec<_> = declared.tools.iter().map(|tool| tool.name.as_str()).collect();
        if self.json.json {
            let (policy, component) =
                (path.display().to_string(), inspect::document(&self.file, &inspection));
            console.json(&json!({"policy": policy, "added": names, "component": component}))?;
            return Ok(0);
        }
        inspect::print(&self.file, &inspection, console)?;
        console.line(format!("added to {}: {}", path.display(), names.join(", ")))?;
        if declared.tools.iter().any(|tool| capabilities(&tool.needs).contains(&Capability::Fs)) {
            console.note(
                "a folder is granted for reading alone: for a tool that writes, change `access = \"read\"` in its \
                 section to `access = \"read-write\"`",
            );
        }
        console.note(format!(
            "next: read what was added, decide the verdicts and grants, make each granted folder that does not \
             exist, then `toolgate check {}`",
            path.display()
        ));
        Ok(0)
    }
}

/// Of a longer policy only the beginning was read, and what is written stands in the place of all of it.
fn refuse_too_large(policy: &Path, text: &str) -> Result<(), CliError> {
    if text.len() <= POLICY_BYTES_MAX {
        return Ok(());
    }
    Err(CliError::Usage(format!(
        "nothing was added: {} is over {} MiB, or would be with this component, and no host reads such a policy; name \
         another one with `--policy FILE`",
        policy.display(),
        POLICY_BYTES_MAX >> 20
    )))
}

/// The component's path as the policy should name it: relative to the policy's folder where it lies below.
fn component_path(file: &Path, policy: &Path) -> Result<String, CliError> {
    let file = file.canonicalize()?;
    let base = toolgate::opening::base_of(policy)?;
    let base = base.canonicalize().map_err(|error| {
        let folder = base.display();
        CliError::Usage(format!("the policy's folder {folder} cannot be used: {error}; make it first"))
    })?;
    let path = file.strip_prefix(&base).unwrap_or(&file);
    path.to_str()
        .map(str::to_owned)
        .ok_or_else(|| CliError::Usage(format!("the path {} is not UTF-8", path.display())))
}
