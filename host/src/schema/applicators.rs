//! Where subschemas stand in a schema (JSON Schema 2020-12 core, section 10, and what earlier drafts had).
//!
//! Not here: what a keyword means. Invariant: every place where `jsonschema` compiles a subschema of the
//! accepted dialects is named here; data (`const`, `enum`, `default`, `examples`) is not.

use serde_json::Value;

/// Which values a subschema is applied to, seen from the value of the schema around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach<'s> {
    /// The same value.
    Here,
    /// The member of this name.
    Member(&'s str),
    /// Some items or members; all of them, to be safe.
    Children,
    /// None; it waits to be referred to.
    Nowhere,
}

/// How a keyword holds its subschemas.
enum Shape {
    One,
    List,
    Map,
    /// One schema, or a list of them in the older dialects.
    OneOrList,
}

/// Calls `visit` with each subschema that stands directly in `schema`; references are not followed.
pub(super) fn each<'s>(schema: &'s Value, mut visit: impl FnMut(Reach<'s>, &'s Value)) {
    let Value::Object(keywords) = schema else {
        return;
    };
    for (keyword, value) in keywords {
        let Some((shape, reach)) = place(keyword) else {
            continue;
        };
        match (shape, value) {
            (Shape::Map, Value::Object(named)) => {
                for (name, subschema) in named {
                    let reach = if keyword == "properties" { Reach::Member(name) } else { reach };
                    if is_schema(subschema) {
                        visit(reach, subschema);
                    }
                }
            }
            (Shape::List | Shape::OneOrList, Value::Array(list)) => {
                list.iter().filter(|item| is_schema(item)).for_each(|item| visit(reach, item));
            }
            (Shape::One | Shape::OneOrList, one) if is_schema(one) => visit(reach, one),
            _ => {}
        }
    }
}

fn is_schema(value: &Value) -> bool {
    matches!(value, Value::Object(_) | Value::Bool(_))
}

fn place(keyword: &str) -> Option<(Shape, Reach<'static>)> {
    Some(match keyword {
        "allOf" | "anyOf" | "oneOf" => (Shape::List, Reach::Here),
        "not" | "if" | "then" | "else" => (Shape::One, Reach::Here),
        "dependentSchemas" | "dependencies" => (Shape::Map, Reach::Here),
        "properties" | "patternProperties" => (Shape::Map, Reach::Children),
        "additionalProperties"
        | "unevaluatedProperties"
        | "propertyNames"
        | "contains"
        | "additionalItems"
        | "unevaluatedItems" => (Shape::One, Reach::Children),
        "items" => (Shape::OneOrList, Reach::Children),
        "prefixItems" => (Shape::List, Reach::Children),
        "$defs" | "definitions" => (Shape::Map, Reach::Nowhere),
        "contentSchema" => (Shape::One, Reach::Nowhere),
        _ => return None,
    })
}

/// The target of the `$ref` of `schema` within `root`: none without one, an error with the reference when it
/// leaves the document or leads nowhere.
pub(super) fn target<'s>(root: &'s Value, schema: &'s Value) -> Result<Option<&'s Value>, BadReference<'s>> {
    let Some(reference) = schema.get("$ref") else {
        return Ok(None);
    };
    let Some(reference) = reference.as_str() else {
        return Err(BadReference::Unresolved("$ref"));
    };
    let Some(fragment) = reference.strip_prefix('#') else {
        return Err(BadReference::Remote(reference));
    };
    let pointer = percent_decoded(fragment).ok_or(BadReference::Unresolved(reference))?;
    let target = root.pointer(&pointer).filter(|target| is_schema(target));
    target.map(Some).ok_or(BadReference::Unresolved(reference))
}

/// A reference that is not followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BadReference<'s> {
    /// It names another document.
    Remote(&'s str),
    /// It names nothing in this one.
    Unresolved(&'s str),
}

/// A fragment without its `%XX` escapes (RFC 3986, 2.1).
fn percent_decoded(fragment: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(fragment.len());
    let mut rest = fragment.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        if *byte != b'%' {
            bytes.push(*byte);
            continue;
        }
        let (digits, after) = rest.split_first_chunk::<2>()?;
        let [high, low] = digits.map(|digit| char::from(digit).to_digit(16));
        bytes.push(u8::try_from(high? * 16 + low?).ok()?);
        rest = after;
    }
    String::from_utf8(bytes).ok()
}
