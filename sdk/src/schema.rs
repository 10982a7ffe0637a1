//! Schemas from types: JSON Schema 2020-12 of a tool's arguments and result. Not a validator: the host
//! checks values.
//!
//! Invariant: the root is an object on both ways, because MCP's `arguments` and `structuredContent` are
//! objects; the same type gives the same bytes.

use crate::prose;
use schemars::generate::SchemaSettings;
use schemars::transform::transform_subschemas;
use schemars::{JsonSchema, Schema};
use serde::Serialize;
use serde_json::Value;

/// A result that is not an object, made one: `{"result": …}`.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Wrapped<T> {
    pub(crate) result: T,
}

/// What the model may send for `T`; `T` refuses unknown fields.
pub(crate) fn input<T: JsonSchema>() -> String {
    let settings = SchemaSettings::draft2020_12().for_deserialize();
    text(settings.into_generator().into_root_schema_for::<T>())
}

/// What a tool returning `T` gives back. The error is the sentence for the author whose `T` is not an
/// object.
pub(crate) fn output<T: JsonSchema>() -> Result<String, String> {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    if !is_object(schema.as_value(), schema.as_value()) {
        return Err(format!(
            "the result type `{}` is not always an object in JSON: return a struct with named fields",
            T::schema_name()
        ));
    }
    schema.insert("type".to_owned(), "object".into());
    Ok(text(schema))
}

/// The root's title is the Rust name of a type: noise for a model, which pays for each token.
fn text(mut schema: Schema) -> String {
    schema.remove("title");
    tidy(&mut schema);
    schema.as_value().to_string()
}

/// Unwraps descriptions, and takes off formats that only Rust knows (`uint32`), which strict validators
/// stumble over; the bounds that they stand for stay.
fn tidy(schema: &mut Schema) {
    if let Some(Value::String(description)) = schema.get_mut("description") {
        *description = prose::unwrapped(description);
    }
    let of_number = |ty: &Value| ["integer", "number"].iter().any(|number| ty == number);
    let is_number = match schema.get("type") {
        Some(Value::Array(types)) => types.iter().any(of_number),
        Some(ty) => of_number(ty),
        None => false,
    };
    if is_number {
        schema.remove("format");
    }
    transform_subschemas(&mut tidy, schema);
}

/// True when every value of `schema` is an object: said by `type`, or by every branch of a choice.
fn is_object(schema: &Value, root: &Value) -> bool {
    if schema.get("type").is_some() {
        return schema.get("type").and_then(Value::as_str) == Some("object");
    }
    if let Some(name) = schema.get("$ref").and_then(Value::as_str) {
        let target = name.strip_prefix('#').and_then(|at| root.pointer(at));
        return target.is_some_and(|target| target != root && is_object(target, root));
    }
    ["oneOf", "anyOf"]
        .iter()
        .filter_map(|choice| schema.get(choice).and_then(Value::as_array))
        .any(|branches| branches.iter().all(|branch| is_object(branch, root)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Serialize, Deserialize, JsonSchema)]
    struct Page {
        /// Where it was found.
        url: String,
        next: Option<Box<Page>>,
    }

    #[derive(Serialize, JsonSchema)]
    #[serde(tag = "kind")]
    #[expect(dead_code, reason = "only its schema is looked at")]
    enum Shape {
        Circle { radius: f64 },
        Square { side: f64 },
    }

    #[derive(Serialize, JsonSchema)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    enum Color {
        Red,
        Green,
    }

    fn parsed(schema: &str) -> Value {
        serde_json::from_str(schema).expect("a schema is JSON")
    }

    #[test]
    fn a_struct_is_an_object_with_its_doc_comments_and_no_title() {
        let schema = parsed(&output::<Page>().expect("an object"));
        assert_eq!(schema["type"], "object");
        assert_eq!(schema["properties"]["url"]["description"], "Where it was found.");
        assert_eq!(schema.get("title"), None);
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    }

    #[test]
    fn an_option_may_be_left_out_on_the_way_in_and_is_always_there_on_the_way_out() {
        assert_eq!(parsed(&input::<Page>())["required"], serde_json::json!(["url"]));
        let out = parsed(&output::<Page>().expect("an object"));
        assert_eq!(out["required"], serde_json::json!(["url", "next"]));
    }

    #[test]
    fn a_choice_of_objects_is_an_object() {
        let schema = parsed(&output::<Shape>().expect("an object"));
        assert_eq!(schema["type"], "object");
    }

    #[test]
    fn what_is_not_always_an_object_is_refused_by_its_name() {
        for refusal in [output::<Color>(), output::<Option<Page>>(), output::<Value>()] {
            assert!(refusal.is_err());
        }
        let refusal = output::<Color>().expect_err("an enum of words");
        assert!(refusal.contains("`Color`"), "{refusal}");
    }

    #[test]
    fn anything_can_be_wrapped() {
        let schema = parsed(&output::<Wrapped<Vec<Color>>>().expect("an object"));
        assert_eq!(schema["properties"]["result"]["type"], "array");
        assert_eq!(schema["required"], serde_json::json!(["result"]));
    }

    #[test]
    fn the_same_type_gives_the_same_bytes() {
        assert_eq!(output::<Shape>(), output::<Shape>());
        assert_eq!(input::<Page>(), input::<Page>());
    }
}
