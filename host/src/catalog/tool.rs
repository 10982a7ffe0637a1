//! One loaded tool: its policy, its schemas, its code, and the card that clients see.
//!
//! Invariant: the schemas that check a call are the ones on the card; both are the sanitized form of
//! what the component said.

use super::CatalogError;
use super::load::short;
use crate::call::is_tool_name;
use crate::policy::{Channel, Effect, ToolPolicy};
use crate::sandbox::{Definition, Loaded, OpenGrants};
use crate::sanitizer::Sanitizer;
use crate::schema::{Role, Schema, strict};
use serde::Serialize;
use serde_json::{Map, Value};
use std::sync::Arc;

/// Bytes of a tool's description.
const DESCRIPTION_BYTES_MAX: usize = 4 * 1024;
/// Bytes of one schema text.
const SCHEMA_BYTES_MAX: usize = 64 * 1024;
/// Nesting of one schema text.
const SCHEMA_DEPTH_MAX: usize = 64;

/// What a client sees of a tool.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ToolCard {
    /// The name to call it by.
    pub name: String,
    /// What it does, for the model.
    pub description: String,
    /// JSON Schema of the arguments.
    pub input_schema: Map<String, Value>,
    /// JSON Schema of the structured result; none where the policy's channel is `text`.
    pub output_schema: Option<Map<String, Value>>,
    /// It changes nothing.
    pub read_only: bool,
    /// A repeat with the same arguments changes nothing more.
    pub idempotent: bool,
    /// It may change or remove something.
    pub destructive: bool,
    /// It may reach beyond this machine.
    pub open_world: bool,
}

/// One loaded tool.
pub struct Tool {
    /// Its policy.
    pub policy: ToolPolicy,
    /// What clients see.
    pub card: ToolCard,
    /// Checks arguments.
    pub input: Schema,
    /// The schema that checks them, for telling what makes no difference.
    pub input_schema: Value,
    /// Checks results.
    pub output: Schema,
    /// Its code.
    pub loaded: Loaded,
    /// SHA-256 of its component.
    pub component_digest: [u8; 32],
    /// Its grants, opened.
    pub grants: Arc<OpenGrants>,
    /// The capabilities it declares to need, by their policy words.
    pub needs: Vec<String>,
}

/// The parts of a tool that come from its definition alone.
pub(super) struct Described {
    pub(super) card: ToolCard,
    pub(super) input: Schema,
    pub(super) output: Schema,
}

/// Checks and sanitizes a definition.
pub(super) fn describe(
    definition: &Definition,
    policy: &ToolPolicy,
    sanitizer: &Sanitizer,
) -> Result<Described, CatalogError> {
    let refused = |why: String| CatalogError::BadTool { tool: short(&definition.name), why };
    if !is_tool_name(&definition.name) {
        let why = "its name must be a lowercase ASCII letter and up to 63 of a-z, 0-9 and _";
        return Err(refused(why.to_owned()));
    }
    if definition.description.len() > DESCRIPTION_BYTES_MAX {
        return Err(refused(format!("its description is over {DESCRIPTION_BYTES_MAX} bytes")));
    }
    let schema =
        |which: &str, text: &str, role: Role| -> Result<(Schema, Map<String, Value>), CatalogError> {
            let caps = strict::Caps { bytes_max: SCHEMA_BYTES_MAX, depth_max: SCHEMA_DEPTH_MAX };
            let value = strict::parse(text.as_bytes(), &caps)
                .map_err(|error| refused(format!("its {which} schema is not usable JSON: {error}")))?;
            let value = sanitizer.value(value).value;
            let schema = Schema::compile(&value, role)
                .map_err(|error| refused(format!("its {which} schema is refused: {error}")))?;
            match value {
                Value::Object(map) => Ok((schema, map)),
                _ => Err(refused(format!("its {which} schema is not an object"))),
            }
        };
    let (input, input_schema) = schema("input", &definition.input_schema, Role::Input)?;
    let (output, output_schema) = schema("output", &definition.output_schema, Role::Output)?;
    let card = ToolCard {
        name: definition.name.clone(),
        description: sanitizer.text(&definition.description).value,
        input_schema,
        output_schema: (policy.output == Channel::Both).then_some(output_schema),
        read_only: policy.effect == Effect::ReadOnly,
        idempotent: policy.effect != Effect::Once,
        destructive: policy.effect != Effect::ReadOnly,
        open_world: false,
    };
    Ok(Described { card, input, output })
}
