//! Structural caps of a component, seen before it is compiled.
//!
//! The compiler's work grows with what a component contains; these caps refuse the known bombs while
//! only bytes have been read. What passes is still compiled in a bounded place (`compile`).
//! Invariant: every cap is checked against a sum over the whole component, nested parts included.

use super::CatalogError;
use wasmparser::Payload;

/// Nested components and modules in one component. Python guests have 38 core modules.
const PARTS_MAX: usize = 256;
/// How deep components nest.
const DEPTH_MAX: usize = 8;
/// Functions of all core modules together.
const FUNCTIONS_MAX: usize = 100_000;
/// Bytes of one function's code.
const FUNCTION_BYTES_MAX: usize = 1 << 20;
/// Locals of one function.
const LOCALS_MAX: u64 = 20_000;

/// What was seen so far.
#[derive(Default)]
pub(super) struct Caps {
    parts: usize,
    functions: usize,
}

impl Caps {
    /// Counts one payload.
    pub(super) fn see(&mut self, payload: &Payload<'_>, depth: usize) -> Result<(), CatalogError> {
        match payload {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => {
                self.parts += 1;
                within("nested components and modules", self.parts, PARTS_MAX)?;
                within("levels of nesting", depth + 1, DEPTH_MAX)
            }
            Payload::FunctionSection(functions) => {
                self.functions = self.functions.saturating_add(functions.count() as usize);
                within("functions", self.functions, FUNCTIONS_MAX)
            }
            Payload::CodeSectionEntry(body) => {
                let range = body.range();
                within("bytes in one function", range.end.saturating_sub(range.start), FUNCTION_BYTES_MAX)?;
                let mut locals = 0_u64;
                let damaged =
                    |error: wasmparser::BinaryReaderError| CatalogError::NotComponent(error.to_string());
                for group in body.get_locals_reader().map_err(damaged)? {
                    locals = locals.saturating_add(u64::from(group.map_err(damaged)?.0));
                }
                within(
                    "locals in one function",
                    usize::try_from(locals).unwrap_or(usize::MAX),
                    LOCALS_MAX as usize,
                )
            }
            _ => Ok(()),
        }
    }
}

fn within(what: &'static str, found: usize, max: usize) -> Result<(), CatalogError> {
    if found > max {
        return Err(CatalogError::Bomb { what, max });
    }
    Ok(())
}
