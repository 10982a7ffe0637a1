//! Schemas: strict JSON, compile once, check many.
//!
//! Arguments are checked here before anything else sees them, and a tool's output before anything else reads
//! it. Schemas come from guests, so compiling one is bounded as well ([`SchemaError`]), and so is the work of
//! one check. Not here: what a violation means for the call (the pipeline), the cleaning of texts (the
//! sanitizer). Pure: no I/O, no clock, no randomness.
//!
//! Invariant: no text made here holds a value of the instance; names of others appear short and in ASCII.
//!
//! `format` is an annotation, as JSON Schema 2020-12 has it by default: it tells the agent what to write and
//! refuses nothing. What must hold is said with `pattern`, `minimum`, `enum`; a tool parses its own dates.

mod applicators;
pub mod canonical;
mod check;
mod compile;
mod cost;
mod error;
mod expansion;
mod explain;
mod limits;
mod measure;
mod names;
mod scanner;
pub mod strict;
mod survey;
mod words;

#[cfg(test)]
mod tests;

pub use check::{Violation, Violations};
pub use compile::{Role, Schema};
pub use error::{PatternProblem, SchemaError};
