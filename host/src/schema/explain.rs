//! From an error of `jsonschema` to what must hold, in words.
//!
//! `jsonschema`'s own texts echo the instance; none of them is used. Words of the schema are shown, short and in
//! ASCII: the agent has read the schema. Of the instance only names of members are shown, and the type.

use super::words::{plain, quoted};
use crate::call::nearest;
use jsonschema::ValidationError;
use jsonschema::error::{TypeKind, ValidationErrorKind as Kind};
use serde_json::Value;

/// Names or values listed before "or one of N more".
const LISTED_MAX: usize = 12;
/// Unexpected names listed of one object.
const UNEXPECTED_MAX: usize = 3;
/// Steps of a path that are shown.
const STEPS_MAX: usize = 16;
/// Alternatives within alternatives that are explained.
const ALTERNATIVES_DEPTH_MAX: usize = 3;

/// A JSON Pointer for showing: each name short and in ASCII, cut after 16 steps.
pub(super) fn path(pointer: &str) -> String {
    let mut shown = String::new();
    for (index, step) in pointer.split('/').skip(1).enumerate() {
        if index == STEPS_MAX {
            shown.push_str("/...");
            break;
        }
        shown.push('/');
        shown.push_str(&plain(step));
    }
    shown
}

/// What `error` wants of the value at its path, as in "must be an integer".
pub(super) fn expected(schema: &Value, error: &ValidationError<'_>) -> String {
    Explainer { schema }.expected(error, 0)
}

struct Explainer<'a> {
    schema: &'a Value,
}

impl Explainer<'_> {
    fn expected(&self, error: &ValidationError<'_>, depth: usize) -> String {
        match error.kind() {
            Kind::Type { kind } => {
                format!("must be {}, not {}", types(kind), article(type_of(error.instance())))
            }
            Kind::Required { property } => self.required(error, property),
            Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
                self.unexpected(error, unexpected)
            }
            Kind::Enum { options } => one_of(options, error.instance()),
            Kind::AnyOf { context } | Kind::OneOfNotValid { context } => {
                self.alternatives(error, context, depth)
            }
            Kind::PropertyNames { error: name } => {
                format!("has a name that is not allowed: a name {}", self.expected(name, depth + 1))
            }
            other => of_limits(other),
        }
    }

    fn required(&self, error: &ValidationError<'_>, property: &Value) -> String {
        let name = property.as_str().unwrap_or_default();
        let wanted = format!("must have the property {}", quoted(name));
        let declared = self.declared(error);
        let given = error.instance().as_object().into_iter().flatten().map(|(given, _)| given.as_str());
        let unknown = given.filter(|given| !declared.contains(given));
        match nearest(name, unknown) {
            Some(slip) => format!("{wanted}; {} is not it", quoted(slip)),
            None => wanted,
        }
    }

    fn unexpected(&self, error: &ValidationError<'_>, unexpected: &[String]) -> String {
        let declared = self.declared(error);
        let shown = unexpected.iter().take(UNEXPECTED_MAX).map(|name| {
            match nearest(name, declared.iter().copied()) {
                Some(right) => format!("{} (did you mean {}?)", quoted(name), quoted(right)),
                None => quoted(name),
            }
        });
        let mut text = format!("must not have {}", shown.collect::<Vec<_>>().join(", "));
        if unexpected.len() > UNEXPECTED_MAX {
            text += &format!(" and {} more", unexpected.len() - UNEXPECTED_MAX);
        }
        if !declared.is_empty() {
            text +=
                &format!("; allowed: {}", listed(declared.iter().map(|name| quoted(name)), declared.len()));
        }
        text
    }

    /// The names under `properties` beside the keyword that failed.
    fn declared(&self, error: &ValidationError<'_>) -> Vec<&str> {
        let keyword = error.schema_path().as_str();
        let beside = keyword.rsplit_once('/').map_or("", |(parent, _)| parent);
        let properties = self.schema.pointer(beside).and_then(|schema| schema.get("properties"));
        properties.and_then(Value::as_object).into_iter().flatten().map(|(name, _)| name.as_str()).collect()
    }

    /// The alternative that the value comes nearest to speaks for all.
    fn alternatives(
        &self,
        error: &ValidationError<'_>,
        context: &[Vec<ValidationError<'static>>],
        depth: usize,
    ) -> String {
        let at = error.instance_path().as_str();
        let wrong_type = |error: &ValidationError<'_>| match error.kind() {
            Kind::Type { kind } if error.instance_path().as_str() == at => Some(types(kind)),
            _ => None,
        };
        let types: Option<Vec<String>> =
            context.iter().map(|branch| branch.first().and_then(wrong_type)).collect();
        if let Some(mut types) = types {
            types.dedup();
            return format!("must be {}, not {}", either(&types), article(type_of(error.instance())));
        }
        let wrong_tag =
            |error: &&ValidationError<'_>| matches!(error.kind(), Kind::Constant { .. } | Kind::Enum { .. });
        let nearest = context.iter().filter(|branch| !branch.is_empty()).min_by_key(|branch| {
            let tags = branch.iter().filter(wrong_tag).count();
            (branch.iter().any(|error| wrong_type(error).is_some()), tags, branch.len())
        });
        let count = context.len();
        match nearest.and_then(|branch| branch.first()) {
            Some(first) if depth < ALTERNATIVES_DEPTH_MAX => {
                let inner = first.instance_path().as_str();
                let place = inner.strip_prefix(at).filter(|place| !place.is_empty());
                let place = place.map(|place| format!("{} ", path(place))).unwrap_or_default();
                format!(
                    "must fit one of {count} alternatives; in the nearest, {place}{}",
                    self.expected(first, depth + 1)
                )
            }
            _ => format!("must fit one of {count} alternatives"),
        }
    }
}

fn of_limits(kind: &Kind) -> String {
    match kind {
        Kind::Maximum { limit } => format!("must be at most {}", constant(limit)),
        Kind::Minimum { limit } => format!("must be at least {}", constant(limit)),
        Kind::ExclusiveMaximum { limit } => format!("must be less than {}", constant(limit)),
        Kind::ExclusiveMinimum { limit } => format!("must be greater than {}", constant(limit)),
        Kind::MultipleOf { multiple_of } => format!("must be a multiple of {multiple_of}"),
        Kind::MaxLength { limit } => format!("must be at most {limit} characters long"),
        Kind::MinLength { limit } => format!("must be at least {limit} characters long"),
        Kind::MaxItems { limit } => format!("must have at most {limit} items"),
        Kind::MinItems { limit } => format!("must have at least {limit} items"),
        Kind::MaxProperties { limit } => format!("must have at most {limit} properties"),
        Kind::MinProperties { limit } => format!("must have at least {limit} properties"),
        Kind::AdditionalItems { limit } => format!("must have at most {limit} items"),
        Kind::UnevaluatedItems { unexpected } => {
            format!("must have {} items fewer", unexpected.len())
        }
        Kind::Constant { expected_value } => format!("must be {}", constant(expected_value)),
        Kind::Pattern { pattern } => format!("must match the pattern {}", quoted(pattern)),
        Kind::Format { format } => format!("must be in the format {}", quoted(format)),
        Kind::UniqueItems => "must not have two equal items".to_owned(),
        Kind::Contains => "must have items as `contains` asks for: see the schema".to_owned(),
        Kind::FalseSchema => "is not allowed; leave it out".to_owned(),
        Kind::Not { .. } => "must not fit the schema under `not`: see there".to_owned(),
        Kind::OneOfMultipleValid { context } => {
            format!("must fit exactly one of {} alternatives, and fits several", context.len())
        }
        Kind::ContentEncoding { content_encoding } => {
            format!("must be encoded as {}", quoted(content_encoding))
        }
        Kind::ContentMediaType { content_media_type } => {
            format!("must hold {}", quoted(content_media_type))
        }
        Kind::FromUtf8 { .. } => "must hold UTF-8 once decoded".to_owned(),
        other => format!("must satisfy `{}`: see the schema", plain(other.keyword())),
    }
}

fn one_of(options: &Value, value: &Value) -> String {
    let options = options.as_array().map(Vec::as_slice).unwrap_or_default();
    let text = format!("must be one of {}", listed(options.iter().map(constant), options.len()));
    let right = value.as_str().and_then(|given| nearest(given, options.iter().filter_map(Value::as_str)));
    match right {
        Some(right) => format!("{text}; did you mean {}?", quoted(right)),
        None => text,
    }
}

/// A constant of the schema.
fn constant(value: &Value) -> String {
    match value {
        Value::String(text) => quoted(text),
        Value::Array(_) => "an array given in the schema".to_owned(),
        Value::Object(_) => "an object given in the schema".to_owned(),
        scalar => scalar.to_string(),
    }
}

fn listed(items: impl Iterator<Item = String>, count: usize) -> String {
    let shown = items.take(LISTED_MAX).collect::<Vec<_>>().join(", ");
    match count.saturating_sub(LISTED_MAX) {
        0 => shown,
        more => format!("{shown} or one of {more} more"),
    }
}

fn types(kind: &TypeKind) -> String {
    match kind {
        TypeKind::Single(one) => article(one.as_str()).to_owned(),
        TypeKind::Multiple(set) => {
            let names: Vec<String> = set.iter().map(|one| article(one.as_str()).to_owned()).collect();
            either(&names)
        }
    }
}

fn either(names: &[String]) -> String {
    match names.split_last() {
        Some((last, before)) if !before.is_empty() => format!("{} or {last}", before.join(", ")),
        Some((only, _)) => only.clone(),
        None => String::new(),
    }
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn article(name: &str) -> &'static str {
    match name {
        "null" => "null",
        "boolean" => "true or false",
        "integer" => "an integer",
        "number" => "a number",
        "string" => "a string",
        "array" => "an array",
        _ => "an object",
    }
}
