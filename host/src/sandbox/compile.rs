//! From a component's bytes to native code.
//!
//! Pure work, no guest code runs; but a hostile component can make it long, so `catalog/compile.rs` does
//! it in a bounded place. Invariant: the output depends on the bytes and [`compatibility`] only.

use super::{SandboxError, engine};
use std::hash::{Hash, Hasher};

/// Compiles a component. Returns what [`super::Sandbox::load`] takes.
///
/// # Errors
/// When the bytes are not a component, or use a WebAssembly feature that is off here.
pub fn compile(wasm: &[u8]) -> Result<Vec<u8>, SandboxError> {
    let engine = engine::build_compiler()?;
    engine.precompile_component(wasm).map_err(|error| SandboxError::Compile(format!("{error:#}")))
}

/// What compiled code depends on beside the component: the runtime's version and every setting of it
/// that matters, hashed into a short text. Two hosts with the same text can share compiled code.
///
/// # Errors
/// When the engine refuses its settings.
pub fn compatibility() -> Result<String, SandboxError> {
    let engine = engine::build_compiler()?;
    let mut hasher = std::hash::DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut hasher);
    Ok(format!("{}-{:016x}", engine::CONFIG_REVISION, hasher.finish()))
}
