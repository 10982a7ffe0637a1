//! `toolgate build`: components from guest crates, with what they declare embedded.
//!
//! Runs `definitions()` once, with no grants and the built-in limits, and embeds the answer in the section
//! `toolgate:tools`.

use super::replace::replace;
use super::wasm_target::Toolchain;
use super::{CliError, Console, JsonArg, block_on, gate_options, guest, inspect};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::Value;
use std::path::{Path, PathBuf};
use toolgate::GateError;
use toolgate::catalog::{self, CatalogError, Declared, Inspection};
use toolgate::sandbox::Sandbox;

/// Build components from guest crates.
#[derive(Debug, clap::Args)]
pub(super) struct Build {
    /// Folders of guest crates, or components (.wasm) made by other toolchains.
    #[arg(value_name = "PATH", default_value = ".")]
    paths: Vec<PathBuf>,
    /// Where components go; without it, `build/` in each crate's folder.
    #[arg(long, short, value_name = "FOLDER")]
    out: Option<PathBuf>,
    #[command(flatten)]
    json: JsonArg,
}

impl Build {
    pub(super) fn run(self, console: &mut Console) -> Result<u8, CliError> {
        let crates = self.paths.iter().any(|path| !is_component(path));
        let toolchain = if crates { Toolchain::find()? } else { Toolchain::Default };
        let sandbox = Sandbox::open(1).map_err(GateError::from)?;
        let bar = bar(self.paths.len(), console);
        let mut documents: Vec<Value> = Vec::new();
        for path in &self.paths {
            bar.set_message(path.display().to_string());
            let (file, inspection) = self.one(path, &toolchain, &sandbox)?;
            bar.inc(1);
            if self.json.json {
                documents.push(inspect::document(&file, &inspection));
            } else {
                bar.suspend(|| inspect::print(&file, &inspection, console))?;
            }
        }
        bar.finish_and_clear();
        if self.json.json {
            console.json(&documents)?;
        }
        Ok(0)
    }

    fn one(
        &self,
        path: &Path,
        toolchain: &Toolchain,
        sandbox: &Sandbox,
    ) -> Result<(PathBuf, Inspection), CliError> {
        let built = if is_component(path) { path.to_owned() } else { guest::build(path, toolchain)? };
        let named = |error: CatalogError| CliError::from(error.of(&built, None));
        let bytes = catalog::read(&built)?;
        let bytes = if catalog::inspect(&bytes).map_err(named)?.declared.is_some() {
            bytes
        } else {
            let compiler = gate_options().compiler;
            let tools =
                block_on(async { catalog::definitions(sandbox, &compiler, &bytes).await.map_err(named) })?;
            catalog::embed(&bytes, &Declared::new(tools))?
        };
        let inspection = catalog::inspect(&bytes).map_err(named)?;
        let folder = match &self.out {
            Some(folder) => folder.clone(),
            None if is_component(path) => path.parent().map_or_else(PathBuf::new, Path::to_path_buf),
            None => path.join("build"),
        };
        std::fs::create_dir_all(&folder)?;
        let file = folder.join(built.file_name().unwrap_or_default());
        replace(&file, &bytes)?;
        Ok((file, inspection))
    }
}

fn is_component(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "wasm")
}

fn bar(crates: usize, console: &Console) -> ProgressBar {
    let bar = ProgressBar::new(crates as u64);
    if !console.may_draw() {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    }
    if let Ok(style) = ProgressStyle::with_template("building {msg} {pos}/{len} {elapsed}") {
        bar.set_style(style);
    }
    bar
}
