//! The tree as a serde source, so that `#[derive(Deserialize)]` reads sections from it.
//!
//! Not toml's own deserializer, because that stops at the first error and gives it as prose. Invariant:
//! every error that leaves here carries the nearest member or item that can be pruned.

use super::error::{Fault, ShapeError, listed};
use super::tree::{Entry, Kind, Node, Table};
use serde::de::value::StrDeserializer;
use serde::de::{self, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

impl<'de> Deserializer<'de> for &'de Node {
    type Error = ShapeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ShapeError> {
        let value = match &self.kind {
            Kind::Text(text) => visitor.visit_borrowed_str(text),
            Kind::Bool(flag) => visitor.visit_bool(*flag),
            Kind::Number(number) => match (number.as_u64(), number.as_i64(), number.as_f64()) {
                (Some(whole), _, _) => visitor.visit_u64(whole),
                (None, Some(below_zero), _) => visitor.visit_i64(below_zero),
                (None, None, Some(float)) => visitor.visit_f64(float),
                (None, None, None) => Err(de::Error::custom("the number is out of range")),
            },
            Kind::Array(items) => visitor.visit_seq(Items(items.iter())),
            Kind::Table(table) => read_table("", table, visitor),
        };
        value.map_err(|error: ShapeError| error.at(&self.span))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ShapeError> {
        match &self.kind {
            Kind::Table(table) => read_table(name, table, visitor).map_err(|error| error.at(&self.span)),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ShapeError> {
        let Kind::Text(text) = &self.kind else {
            return self.deserialize_any(Word(variants)).and(Err(de::Error::custom("not a word")));
        };
        let word: StrDeserializer<'_, ShapeError> = text.as_str().into_deserializer();
        visitor.visit_enum(word).map_err(|error| error.at(&self.span))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ShapeError> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, ShapeError> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf
        unit unit_struct seq tuple tuple_struct map identifier ignored_any
    }
}

fn read_table<'de, V: Visitor<'de>>(
    section: &'static str,
    table: &'de Table,
    visitor: V,
) -> Result<V::Value, ShapeError> {
    let members = Members { entries: table.entries.iter(), at: None };
    visitor.visit_map(members).map_err(|mut error| {
        match &mut error.fault {
            Fault::UnknownKey { section: place, .. } if place.is_empty() => *place = section,
            Fault::MissingKey(key) if error.span.is_none() => {
                error.echo |= table.pruned.iter().any(|pruned| pruned == key);
            }
            _ => {}
        }
        error
    })
}

struct Members<'de> {
    entries: std::slice::Iter<'de, Entry>,
    at: Option<&'de Entry>,
}

impl<'de> MapAccess<'de> for Members<'de> {
    type Error = ShapeError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, ShapeError> {
        self.at = self.entries.next();
        let Some(entry) = self.at else {
            return Ok(None);
        };
        let key: StrDeserializer<'_, ShapeError> = entry.key.as_str().into_deserializer();
        seed.deserialize(key).map(Some).map_err(|error| error.inside(&entry.key_span))
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, ShapeError> {
        let entry = self.at.ok_or_else(|| <ShapeError as de::Error>::custom("a value before its key"))?;
        seed.deserialize(&entry.node).map_err(|error| error.inside(&entry.key_span))
    }
}

struct Items<'de>(std::slice::Iter<'de, Node>);

impl<'de> SeqAccess<'de> for Items<'de> {
    type Error = ShapeError;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, ShapeError> {
        let item = self.0.next();
        item.map(|node| seed.deserialize(node).map_err(|error| error.inside(&node.span))).transpose()
    }
}

/// Visits nothing; it only says which words were expected.
struct Word(&'static [&'static str]);

impl Visitor<'_> for Word {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&listed(self.0))
    }
}
