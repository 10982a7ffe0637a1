//! What a schema becomes when its references are expanded: that it ends, how large and how deep it is.
//!
//! Nothing is expanded to tell: each subschema is computed once and its size added wherever it is referred to.

use super::applicators::{self, Reach};
use super::error::SchemaError;
use super::limits::{EXPANDED_DEPTH_MAX, EXPANDED_MAX};
use super::survey::path_of;
use serde_json::Value;
use std::collections::{HashMap, HashSet};

/// How large a schema is with all references expanded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Expansion {
    /// Subschemas, those that recur counted once and those beside `unevaluated…` three times, and the options
    /// of enums of mixed types.
    pub(super) subschemas: u64,
    /// Some reference recurs, so that the work of a check depends on the depth of the value.
    pub(super) recursive: bool,
}

/// Identity of a subschema: its address within the borrowed document.
pub(super) fn identity(schema: &Value) -> usize {
    std::ptr::from_ref(schema).addr()
}

/// The work of `schema` itself: one visit, and one for each option of an `enum` of mixed types, which
/// `jsonschema` compares in turn (strings and integers it finds by hash or order).
pub(super) fn own(schema: &Value) -> u64 {
    let options = schema.get("enum").and_then(Value::as_array).map(Vec::as_slice);
    let options = options.unwrap_or_default();
    let strings = |option: &Value| option.is_string() || option.is_null();
    if options.iter().all(strings) || options.iter().all(Value::is_i64) {
        return 1;
    }
    u64::try_from(options.len()).map_or(u64::MAX, |options| options.saturating_add(1))
}

/// How often what stands in `schema` runs for one visit: `unevaluated…` runs it again, once for its verdict
/// and once for what it evaluated.
pub(super) fn weight(schema: &Value) -> u64 {
    let again =
        ["unevaluatedProperties", "unevaluatedItems"].iter().any(|keyword| schema.get(keyword).is_some());
    if again { 3 } else { 1 }
}

/// Calls `visit` with what `schema` applies: its subschemas but for definitions, and the target of its `$ref`.
pub(super) fn each_applied<'s>(
    root: &'s Value,
    schema: &'s Value,
    mut visit: impl FnMut(Reach<'s>, &'s Value),
) {
    applicators::each(schema, |reach, subschema| {
        if reach != Reach::Nowhere {
            visit(reach, subschema);
        }
    });
    // The survey has refused every reference that does not resolve.
    if let Ok(Some(target)) = applicators::target(root, schema) {
        visit(Reach::Here, target);
    }
}

/// Checks that no chain of references leads back to a subschema on the same value.
pub(super) fn ends(root: &Value, subschemas: &[&Value]) -> Result<(), SchemaError> {
    let mut ended = HashSet::new();
    for schema in subschemas {
        ends_from(root, schema, &mut Vec::new(), &mut ended)?;
    }
    Ok(())
}

fn ends_from(
    root: &Value,
    schema: &Value,
    open: &mut Vec<usize>,
    ended: &mut HashSet<usize>,
) -> Result<(), SchemaError> {
    if ended.contains(&identity(schema)) {
        return Ok(());
    }
    if open.contains(&identity(schema)) {
        return Err(SchemaError::EndlessReference { path: path_of(root, schema) });
    }
    if open.len() >= EXPANDED_DEPTH_MAX {
        return Err(SchemaError::ReferencesTooDeep);
    }
    open.push(identity(schema));
    let mut here = Vec::new();
    each_applied(root, schema, |reach, subschema| {
        if reach == Reach::Here {
            here.push(subschema);
        }
    });
    for subschema in here {
        ends_from(root, subschema, open, ended)?;
    }
    open.pop();
    ended.insert(identity(schema));
    Ok(())
}

/// Computes the size of `root`.
pub(super) fn expand(root: &Value) -> Result<Expansion, SchemaError> {
    let mut sizing = Sizing { root, sizes: HashMap::new(), recursive: false };
    let size = sizing.size(root, 1)?;
    if size.subschemas > EXPANDED_MAX {
        return Err(SchemaError::TooManyReferences);
    }
    Ok(Expansion { subschemas: size.subschemas, recursive: sizing.recursive })
}

#[derive(Clone, Copy)]
struct Size {
    subschemas: u64,
    depth: usize,
}

struct Sizing<'s> {
    root: &'s Value,
    /// None while a subschema is being sized: meeting it then is recursion.
    sizes: HashMap<usize, Option<Size>>,
    recursive: bool,
}

impl<'s> Sizing<'s> {
    fn size(&mut self, schema: &'s Value, depth: usize) -> Result<Size, SchemaError> {
        let known = self.sizes.get(&identity(schema)).copied();
        if matches!(known, Some(None)) {
            self.recursive = true;
            return Ok(Size { subschemas: 1, depth: 1 });
        }
        let size = match known.flatten() {
            Some(size) => size,
            None if depth > EXPANDED_DEPTH_MAX => return Err(SchemaError::ReferencesTooDeep),
            None => self.compute(schema, depth)?,
        };
        if depth + size.depth > EXPANDED_DEPTH_MAX + 1 {
            return Err(SchemaError::ReferencesTooDeep);
        }
        Ok(size)
    }

    fn compute(&mut self, schema: &'s Value, depth: usize) -> Result<Size, SchemaError> {
        self.sizes.insert(identity(schema), None);
        let mut applied = Vec::new();
        each_applied(self.root, schema, |_, subschema| applied.push(subschema));
        let mut size = Size { subschemas: 0, depth: 0 };
        for subschema in applied {
            let inner = self.size(subschema, depth + 1)?;
            size.subschemas = size.subschemas.saturating_add(inner.subschemas);
            size.depth = size.depth.max(inner.depth);
        }
        size.subschemas = size.subschemas.saturating_mul(weight(schema)).saturating_add(own(schema));
        size.depth += 1;
        self.sizes.insert(identity(schema), Some(size));
        Ok(size)
    }
}
