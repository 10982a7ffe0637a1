//! The custom section `toolgate:tools`: what a component declares about itself.
//!
//! `toolgate build` embeds it, `toolgate inspect` prints it as *declared*, and the host compares it with
//! what the component says when it is first loaded. It is a claim, never a source of authority.
//! Invariant: appending a section changes nothing else of the component.

use super::CatalogError;
use crate::sandbox::Definition;
use serde::{Deserialize, Serialize};
use wasm_encoder::{ComponentSection, CustomSection};

/// The section's name.
pub const NAME: &str = "toolgate:tools";

/// The version of the section's JSON form that this host writes and reads.
const VERSION: u32 = 1;

/// The section's content: JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Declared {
    version: u32,
    /// The component's definitions, sorted by name.
    pub tools: Vec<Definition>,
}

impl Declared {
    /// Sorts definitions into the section's order.
    pub fn new(mut tools: Vec<Definition>) -> Self {
        tools.sort_by(|a, b| a.name.cmp(&b.name));
        Self { version: VERSION, tools }
    }

    /// Reads the section's bytes.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, CatalogError> {
        let declared: Self = serde_json::from_slice(bytes).map_err(|error| {
            CatalogError::Section(format!("its content is not what this version writes ({error})"))
        })?;
        if declared.version != VERSION {
            return Err(CatalogError::Section(format!(
                "its version is {}, and this host reads {VERSION}",
                declared.version
            )));
        }
        Ok(declared)
    }
}

/// Returns the component with the section appended. The component must not have one yet.
///
/// # Errors
/// When the definitions cannot be written as JSON.
pub fn embed(component: &[u8], declared: &Declared) -> Result<Vec<u8>, CatalogError> {
    let json = serde_json::to_vec(declared).map_err(|error| CatalogError::Section(error.to_string()))?;
    let mut out = component.to_vec();
    CustomSection { name: NAME.into(), data: json.into() }.append_to_component(&mut out);
    Ok(out)
}
