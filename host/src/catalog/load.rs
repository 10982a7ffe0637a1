//! From a policy to a catalog: read, verify, compile or take from the cache, ask, compare, describe.
//!
//! Invariant: `definitions()` runs at most once per component digest and cache, with no grants; what it
//! says must agree with the component's section.

use super::cache::{Cache, Entry};
use super::compile::Compiler;
use super::component::{self, Inspection};
use super::section::Declared;
use super::tool::{Tool, describe};
use super::{Catalog, CatalogError, Changed};
use crate::call::hex;
use crate::policy::{Fallback, Instead, Policy, ToolPolicy};
use crate::sandbox::grants::fs::Root;
use crate::sandbox::{Definition, Loaded, OpenGrants, Sandbox};
use crate::sanitizer::{Sanitizer, clean_line};
use crate::schema::Schema;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Names of tools or imports in one message.
const NAMES_LISTED_MAX: usize = 16;
/// Characters of each.
const NAME_CHARS_LISTED_MAX: usize = 80;

/// Loads what a policy names.
pub struct Loader<'a> {
    /// Where components run.
    pub sandbox: &'a Sandbox,
    /// Where compiled code is kept; none for a single look at a component.
    pub cache: Option<&'a Cache>,
    /// Where components are compiled.
    pub compiler: &'a Compiler,
    /// Cleans what components say.
    pub sanitizer: &'a Sanitizer,
    /// The folder that relative paths start from.
    pub base: &'a Path,
}

/// One component, loaded.
struct Component {
    loaded: Loaded,
    digest: [u8; 32],
    definitions: Vec<Definition>,
}

impl Loader<'_> {
    /// Loads every tool of the policy.
    ///
    /// # Errors
    /// The first component, tool or grant that cannot be used. A component whose digest is not the one
    /// the policy names is no error here: its tools are listed as changed.
    pub async fn load(&self, policy: &Policy) -> Result<Catalog, CatalogError> {
        let mut components: BTreeMap<PathBuf, Component> = BTreeMap::new();
        let mut catalog = Catalog::default();
        for (name, tool) in &policy.tools {
            let path = self.base.join(&tool.component);
            if !components.contains_key(&path) {
                let bytes = component::read(&path)?;
                let digest = component::digest(&bytes);
                if let Some(named) = tool.sha256.filter(|named| *named != digest) {
                    catalog.changed.insert(name.clone(), Changed { named: hex(&named), found: hex(&digest) });
                    continue;
                }
                let loaded = self.component(&bytes, digest).await;
                let loaded = loaded.map_err(|error| error.of(&path, Some(name)))?;
                components.insert(path.clone(), loaded);
            }
            let Some(component) = components.get(&path) else { continue };
            if let Some(named) = tool.sha256.filter(|named| *named != component.digest) {
                catalog
                    .changed
                    .insert(name.clone(), Changed { named: hex(&named), found: hex(&component.digest) });
                continue;
            }
            catalog.tools.insert(name.clone(), Arc::new(self.tool(name, tool, component, &path)?));
        }
        Ok(catalog)
    }

    async fn component(&self, bytes: &[u8], digest: [u8; 32]) -> Result<Component, CatalogError> {
        if let Some(entry) = self.cache.and_then(|cache| cache.read(&digest))
            && let Ok(loaded) = self.sandbox.load(&entry.code)
        {
            return Ok(Component { loaded, digest, definitions: entry.definitions });
        }
        let (code, loaded, definitions) = first_load(self.sandbox, self.compiler, bytes).await?;
        if let Some(cache) = self.cache
            && let Err(error) = cache.write(&digest, &Entry { definitions: definitions.clone(), code })
        {
            tracing::warn!(%error, "the compiled code is not kept; the next start compiles again");
        }
        Ok(Component { loaded, digest, definitions })
    }

    fn tool(
        &self,
        name: &str,
        policy: &ToolPolicy,
        component: &Component,
        path: &Path,
    ) -> Result<Tool, CatalogError> {
        let definition = find(&component.definitions, name, path)?;
        let described = describe(definition, policy, self.sanitizer);
        let described = described.map_err(|error| error.of(path, Some(name)))?;
        check_fallback(policy, &described.output)?;
        Ok(Tool {
            input_schema: serde_json::Value::Object(described.card.input_schema.clone()),
            card: described.card,
            input: described.input,
            output: described.output,
            loaded: component.loaded.clone(),
            component_digest: component.digest,
            grants: Arc::new(self.grants(name, policy)?),
            needs: definition.needs.clone(),
            policy: policy.clone(),
        })
    }

    fn grants(&self, tool: &str, policy: &ToolPolicy) -> Result<OpenGrants, CatalogError> {
        let grants = &policy.grants;
        let open = |grant| Root::open(grant, self.base);
        let fs = grants.fs.iter().map(open).collect::<Result<_, _>>();
        Ok(OpenGrants {
            fs: fs.map_err(|error| CatalogError::Grant { tool: tool.to_owned(), why: error.to_string() })?,
            env: grants.env.clone(),
            clock: grants.clock,
            random: grants.random,
            log: grants.log,
        })
    }
}

/// The schema of a tool's results as its component's section declares it, cleaned as on the tool's card; nothing is
/// compiled and nothing runs. `None` where the component has no section.
///
/// # Errors
/// When the component cannot be read or is not the one the policy names, or has no such tool or no usable schema.
pub fn declared_output(
    policy: &ToolPolicy,
    base: &Path,
    sanitizer: &Sanitizer,
) -> Result<Option<Schema>, CatalogError> {
    let path = base.join(&policy.component);
    let of_tool = |error: CatalogError| error.of(&path, Some(&policy.name));
    let inspection = component::inspect(&component::read(&path)?).map_err(of_tool)?;
    if policy.sha256.is_some_and(|named| named != inspection.digest) {
        return Err(CatalogError::BadTool {
            tool: short(&policy.name),
            why: "its component is not the one that the policy names".to_owned(),
        });
    }
    let Some(declared) = inspection.declared else { return Ok(None) };
    let definition = find(&declared.tools, &policy.name, &path)?;
    Ok(Some(describe(definition, policy, sanitizer).map_err(of_tool)?.output))
}

/// Compiles a component and asks what tools it has, as `toolgate build` does.
///
/// # Errors
/// When it is refused, or what it says does not agree with its section.
pub async fn definitions(
    sandbox: &Sandbox,
    compiler: &Compiler,
    bytes: &[u8],
) -> Result<Vec<Definition>, CatalogError> {
    Ok(first_load(sandbox, compiler, bytes).await?.2)
}

async fn first_load(
    sandbox: &Sandbox,
    compiler: &Compiler,
    bytes: &[u8],
) -> Result<(Vec<u8>, Loaded, Vec<Definition>), CatalogError> {
    let inspection = component::inspect(bytes)?;
    refuse_forbidden(&inspection)?;
    let (compiler, wasm) = (compiler.clone(), bytes.to_vec());
    let code = tokio::task::spawn_blocking(move || compiler.compile(&wasm)).await;
    let code = code.map_err(|error| CatalogError::Worker(error.to_string()))??;
    let loaded = sandbox.load(&code)?;
    let said = Declared::new(sandbox.definitions(&loaded).await?);
    if inspection.declared.is_some_and(|declared| declared != said) {
        return Err(CatalogError::Mismatch);
    }
    refuse_twins(&said.tools)?;
    Ok((code, loaded, said.tools))
}

fn refuse_forbidden(inspection: &Inspection) -> Result<(), CatalogError> {
    let forbidden = inspection.forbidden_imports();
    if forbidden.is_empty() {
        return Ok(());
    }
    Err(CatalogError::ForbiddenImports(listed(forbidden.into_iter())))
}

/// Of two tools with one name, one would shadow the other. The definitions are sorted by name.
fn refuse_twins(tools: &[Definition]) -> Result<(), CatalogError> {
    let twin = tools.iter().zip(tools.iter().skip(1)).find(|(one, next)| one.name == next.name);
    match twin {
        Some((one, _)) => Err(CatalogError::BadTool {
            tool: short(&one.name),
            why: "the component defines it twice".to_owned(),
        }),
        None => Ok(()),
    }
}

/// The definition of one tool among those of its component.
fn find<'a>(definitions: &'a [Definition], name: &str, path: &Path) -> Result<&'a Definition, CatalogError> {
    definitions.iter().find(|definition| definition.name == name).ok_or_else(|| CatalogError::NoSuchTool {
        path: path.to_owned(),
        tool: name.to_owned(),
        has: listed(definitions.iter().map(|definition| definition.name.as_str())),
    })
}

/// A fixed answer must be one that the tool could give.
fn check_fallback(policy: &ToolPolicy, output: &Schema) -> Result<(), CatalogError> {
    let Some(Fallback { instead: Instead::Value(value), .. }) = &policy.fallback else { return Ok(()) };
    output.check(value).map_err(|violations| CatalogError::BadTool {
        tool: short(&policy.name),
        why: format!("the policy's fallback value does not fit its output schema: {violations}"),
    })
}

/// Names that a component made up, fit for one sentence: cleaned, each cut short, and not too many.
fn listed<'a>(names: impl ExactSizeIterator<Item = &'a str>) -> String {
    let more = names.len().saturating_sub(NAMES_LISTED_MAX);
    let mut listed: Vec<String> =
        names.take(NAMES_LISTED_MAX).map(|name| format!("`{}`", short(name))).collect();
    if more > 0 {
        listed.push(format!("and {more} more"));
    }
    listed.join(", ")
}

/// A name, cleaned and cut to [`NAME_CHARS_LISTED_MAX`] characters.
pub(super) fn short(name: &str) -> String {
    let cut: String = name.chars().take(NAME_CHARS_LISTED_MAX).collect();
    let cleaned = clean_line(&cut);
    if cut.len() < name.len() { cleaned + "…" } else { cleaned }
}
