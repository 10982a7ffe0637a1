//! The survey of a schema before it is compiled: what is refused, and how much work a check can be.
//!
//! Invariant: it is itself bounded. It visits each subschema of the document once per question, never the
//! expansion, and recurses no deeper than the limit it enforces.

use super::applicators::{self, BadReference};
use super::error::{PatternProblem, SchemaError};
use super::expansion::{self, Expansion, identity};
use super::limits::{PATTERN_BYTES_MAX, PATTERN_BYTES_TOTAL_MAX, SCHEMA_BYTES_MAX, SCHEMA_DEPTH_MAX};
use super::measure::Measure;
use super::words;
use serde_json::Value;
use std::collections::HashSet;

/// Surveys `root`.
///
/// # Errors
/// The first thing about it that is refused, of what can be told without compiling.
pub(super) fn survey(root: &Value) -> Result<Expansion, SchemaError> {
    let measure = Measure::of(root);
    if measure.depth > SCHEMA_DEPTH_MAX {
        return Err(SchemaError::TooDeep);
    }
    if measure.bytes > SCHEMA_BYTES_MAX {
        return Err(SchemaError::TooLarge);
    }
    let subschemas = subschemas(root)?;
    let mut patterns_bytes = 0;
    for schema in &subschemas {
        keywords(root, schema)?;
        patterns(root, schema, &mut patterns_bytes)?;
    }
    expansion::ends(root, &subschemas)?;
    expansion::expand(root)
}

/// Every subschema that can take part, each once: those in their places, and what references lead to.
fn subschemas(root: &Value) -> Result<Vec<&Value>, SchemaError> {
    let mut found = vec![root];
    let mut seen = HashSet::from([identity(root)]);
    let mut next = 0;
    while let Some(schema) = found.get(next).copied() {
        next += 1;
        let mut find = |schema| {
            if seen.insert(identity(schema)) {
                found.push(schema);
            }
        };
        applicators::each(schema, |_, subschema| find(subschema));
        match applicators::target(root, schema) {
            Ok(target) => target.into_iter().for_each(find),
            Err(BadReference::Remote(reference)) => {
                let path = path_of(root, schema);
                return Err(SchemaError::RemoteReference { path, reference: words::quoted(reference) });
            }
            Err(BadReference::Unresolved(reference)) => {
                let path = path_of(root, schema);
                return Err(SchemaError::UnresolvedReference { path, reference: words::quoted(reference) });
            }
        }
    }
    Ok(found)
}

/// Refuses keywords that change what references mean.
fn keywords(root: &Value, schema: &Value) -> Result<(), SchemaError> {
    const DYNAMIC: &str = "use `$ref`";
    const INNER: &str = "it is allowed at the root only";
    let refused = [("$dynamicRef", DYNAMIC), ("$recursiveRef", DYNAMIC), ("$id", INNER), ("$schema", INNER)];
    for (keyword, instead) in refused {
        let allowed_at_root = instead == INNER && std::ptr::eq(root, schema);
        if schema.get(keyword).is_some() && !allowed_at_root {
            let path = path_of(root, schema);
            return Err(SchemaError::UnsupportedKeyword { path, keyword, instead });
        }
    }
    Ok(())
}

/// Refuses patterns that are too long, or that no linear-time engine runs. The rest shows when compiling.
fn patterns(root: &Value, schema: &Value, bytes_total: &mut usize) -> Result<(), SchemaError> {
    let own = schema.get("pattern").and_then(Value::as_str);
    let of_names = schema.get("patternProperties").and_then(Value::as_object);
    for pattern in own.into_iter().chain(of_names.into_iter().flat_map(|map| map.keys().map(String::as_str)))
    {
        *bytes_total = bytes_total.saturating_add(pattern.len());
        let problem = if pattern.len() > PATTERN_BYTES_MAX {
            PatternProblem::TooLong
        } else if *bytes_total > PATTERN_BYTES_TOTAL_MAX {
            PatternProblem::TooMany
        } else if problem_of(pattern) == PatternProblem::NotRegular {
            PatternProblem::NotRegular
        } else {
            continue;
        };
        return Err(SchemaError::Pattern { path: path_of(root, schema), problem });
    }
    Ok(())
}

/// What is wrong with `pattern`, given that something is: the parser of the `regex` crate tells.
pub(super) fn problem_of(pattern: &str) -> PatternProblem {
    // With no memory to compile to, a pattern that parses ends in `CompiledTooBig`.
    match regex::RegexBuilder::new(pattern).size_limit(0).build() {
        Err(regex::Error::Syntax(text))
            if text.contains("look-around") || text.contains("backreferences") =>
        {
            PatternProblem::NotRegular
        }
        Err(regex::Error::Syntax(_)) => PatternProblem::Malformed,
        _ => PatternProblem::TooLarge,
    }
}

/// The JSON Pointer of `part` within `whole`, its names short and in ASCII; empty for the whole.
pub(super) fn path_of(whole: &Value, part: &Value) -> String {
    fn find(whole: &Value, part: &Value) -> Option<Vec<String>> {
        if std::ptr::eq(whole, part) {
            return Some(Vec::new());
        }
        let step = |name: String, inner: &Value| {
            let mut steps = find(inner, part)?;
            steps.push(name);
            Some(steps)
        };
        match whole {
            Value::Array(items) => {
                items.iter().enumerate().find_map(|(index, item)| step(index.to_string(), item))
            }
            Value::Object(members) => members.iter().find_map(|(name, member)| {
                step(words::plain(&name.replace('~', "~0").replace('/', "~1")), member)
            }),
            _ => None,
        }
    }
    let steps = find(whole, part).unwrap_or_default();
    steps.iter().rev().fold(String::new(), |path, step| path + "/" + step)
}
