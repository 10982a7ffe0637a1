//! `"off"`, or the settings of what is on.
//!
//! Not serde's `untagged`, which would say only that nothing fitted. Invariant: a table is read as the
//! settings alone, so that its errors are theirs.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserialize, Deserializer, MapAccess, Unexpected, Visitor};
use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

/// Something that can be switched off.
#[derive(Debug, Clone)]
pub(in crate::policy) enum Switch<T> {
    /// `"off"`.
    Off,
    /// On, with these settings.
    On(T),
}

struct SwitchVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for SwitchVisitor<T> {
    type Value = Switch<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("`\"off\"` or a table")
    }

    fn visit_str<E: de::Error>(self, word: &str) -> Result<Switch<T>, E> {
        match word {
            "off" => Ok(Switch::Off),
            _ => Err(E::invalid_value(Unexpected::Str(word), &self)),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Switch<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(members)).map(Switch::On)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Switch<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SwitchVisitor(PhantomData))
    }
}

impl<T: JsonSchema> JsonSchema for Switch<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("{}OrOff", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let on = generator.subschema_for::<T>();
        json_schema!({ "anyOf": [{ "const": "off" }, on] })
    }
}
