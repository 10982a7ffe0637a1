//! `toolgate inspect`: what a component is and what it declares, without running it.

use super::{CliError, Console, JsonArg};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use toolgate::call::hex;
use toolgate::catalog::{self, Inspection};
use toolgate::sanitizer::clean_line;

/// Show what a component is, without running it.
#[derive(Debug, clap::Args)]
pub(super) struct Inspect {
    /// The component's file.
    file: PathBuf,
    #[command(flatten)]
    json: JsonArg,
}

impl Inspect {
    pub(super) fn run(self, console: &mut Console) -> Result<u8, CliError> {
        let inspection = catalog::inspect_file(&self.file)?;
        if self.json.json {
            console.json(&document(&self.file, &inspection))?;
        } else {
            print(&self.file, &inspection, console)?;
        }
        Ok(0)
    }
}

/// The machine-readable form, of `inspect` and `build`. Texts of the component are cleaned.
pub(super) fn document(file: &Path, inspection: &Inspection) -> Value {
    let sanitizer = toolgate::sanitizer::Sanitizer::default();
    let declared = inspection
        .declared
        .as_ref()
        .map(|declared| serde_json::to_value(&declared.tools).unwrap_or_default());
    json!({
        "file": file.display().to_string(),
        "bytes": inspection.bytes,
        "sha256": hex(&inspection.digest),
        "declared": declared.map(|declared| sanitizer.value(declared).value),
        "imports": clean(&inspection.imports),
        "exports": clean(&inspection.exports),
        "forbidden_imports": inspection.forbidden_imports().into_iter().map(clean_line).collect::<Vec<_>>(),
    })
}

/// The form for a person, of `inspect` and `build`.
pub(super) fn print(file: &Path, inspection: &Inspection, console: &mut Console) -> Result<(), CliError> {
    console.line(format!("{}  {} KiB", file.display(), inspection.bytes.div_ceil(1024)))?;
    console.line(format!("  sha256   {}", hex(&inspection.digest)))?;
    match &inspection.declared {
        None => console
            .line("  declares nothing: it has no section `toolgate:tools`; `toolgate build` embeds one")?,
        Some(declared) => {
            for tool in &declared.tools {
                let needs = if tool.needs.is_empty() { "nothing".to_owned() } else { tool.needs.join(", ") };
                let first = tool.description.lines().next().unwrap_or_default();
                console.line(format!("  declares {}  needs {needs}", clean_line(&tool.name)))?;
                console.line(format!("           {}", clean_line(first)))?;
            }
        }
    }
    console.line(format!("  imports  {}", clean(&inspection.imports).join(", ")))?;
    let forbidden = inspection.forbidden_imports();
    if !forbidden.is_empty() {
        let forbidden: Vec<_> = forbidden.into_iter().map(clean_line).collect();
        console.line(format!(
            "  FORBIDDEN: this host has no {}; the component will be refused",
            forbidden.join(", ")
        ))?;
    }
    Ok(())
}

fn clean(names: &[String]) -> Vec<String> {
    names.iter().map(|name| clean_line(name)).collect()
}
