//! A compiled schema: compiled once at load, within limits; checked many times, from any thread.
//!
//! Invariant: a [`Schema`] exists only for a document that passed the survey, so no check of it can overflow
//! the stack, take more than linear time in a pattern, or visit more than the limit.

use super::check::Violations;
use super::error::SchemaError;
use super::expansion::Expansion;
use super::explain;
use super::limits::{PATTERN_CACHE_BYTES_MAX, PATTERN_COMPILED_BYTES_MAX, VISITS_EXPLAINED_MAX, VISITS_MAX};
use super::measure::Measure;
use super::strict::DEPTH_MAX;
use super::{cost, survey, words};
use jsonschema::error::ValidationErrorKind;
use jsonschema::{Draft, PatternOptions, ValidationError, Validator};
use serde_json::Value;

/// What a schema describes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Arguments; the root must say `"type": "object"`.
    Input,
    /// A result, of any type.
    Output,
}

/// A compiled JSON Schema and the document it came from.
#[derive(Debug)]
pub struct Schema {
    document: Value,
    validator: Validator,
    expansion: Expansion,
}

impl Schema {
    /// Compiles `schema`; 2020-12 unless `$schema` names 2019-09 or draft 7. Nothing is fetched.
    ///
    /// # Errors
    /// What is refused and why, for the schema's author.
    pub fn compile(schema: &Value, role: Role) -> Result<Self, SchemaError> {
        if !schema.is_object() {
            return Err(SchemaError::NotAnObject);
        }
        if role == Role::Input && schema.get("type").and_then(Value::as_str) != Some("object") {
            return Err(SchemaError::RootNotObject);
        }
        let draft = dialect(schema)?;
        let expansion = survey::survey(schema)?;
        let patterns = PatternOptions::regex()
            .size_limit(PATTERN_COMPILED_BYTES_MAX)
            .dfa_size_limit(PATTERN_CACHE_BYTES_MAX);
        let validator = jsonschema::options()
            .with_draft(draft)
            .offline()
            .should_validate_formats(false)
            .with_pattern_options(patterns)
            .build(schema)
            .map_err(|error| refused(schema, &error))?;
        Ok(Self { document: schema.clone(), validator, expansion })
    }

    /// Checks `value`.
    ///
    /// A value that fits costs one pass without building errors.
    ///
    /// # Errors
    /// Up to eight violations; one alone when the value is nested deeper than [`DEPTH_MAX`] or when checking
    /// it would take more than the limit of work.
    pub fn check(&self, value: &Value) -> Result<(), Violations> {
        let measure = Measure::of(value);
        if measure.depth > DEPTH_MAX {
            return Err(Violations::too_deep());
        }
        let bound = self.expansion.subschemas.saturating_mul(measure.nodes);
        if self.expansion.recursive || bound > VISITS_MAX {
            cost::visits(&self.document, value).ok_or_else(Violations::too_costly)?;
        }
        if self.validator.is_valid(value) {
            return Ok(());
        }
        Err(self.violations(value))
    }

    /// The document as it was given.
    pub fn document(&self) -> &Value {
        &self.document
    }

    #[cold]
    fn violations(&self, value: &Value) -> Violations {
        match cost::visits(&self.document, value) {
            Some(visits) if visits <= VISITS_EXPLAINED_MAX => {
                Violations::collect(&self.document, self.validator.iter_errors(value))
            }
            _ => Violations::unexplained(),
        }
    }
}

/// The dialect that `$schema` names, with or without an empty fragment.
fn dialect(schema: &Value) -> Result<Draft, SchemaError> {
    let Some(named) = schema.get("$schema") else {
        return Ok(Draft::Draft202012);
    };
    let named = named.as_str().unwrap_or_default();
    match named.trim_end_matches('#') {
        "https://json-schema.org/draft/2020-12/schema" => Ok(Draft::Draft202012),
        "https://json-schema.org/draft/2019-09/schema" => Ok(Draft::Draft201909),
        "http://json-schema.org/draft-07/schema" | "https://json-schema.org/draft-07/schema" => {
            Ok(Draft::Draft7)
        }
        _ => Err(SchemaError::UnknownDialect { dialect: words::quoted(named) }),
    }
}

/// Why `jsonschema` refuses `schema`, in our words.
fn refused(schema: &Value, error: &ValidationError<'_>) -> SchemaError {
    let path = explain::path(error.instance_path().as_str());
    if matches!(error.kind(), ValidationErrorKind::Format { format } if format == "regex") {
        let pattern = error.instance().as_str().unwrap_or_default().to_owned();
        return SchemaError::Pattern { path, problem: survey::problem_of(&pattern) };
    }
    SchemaError::Invalid { path, expected: explain::expected(schema, error) }
}
