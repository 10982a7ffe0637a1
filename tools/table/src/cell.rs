//! One cell, and how cells compare. Not formats: dates are text in ISO 8601, which sorts as time does.
//!
//! Invariant: a number is an exact decimal; text is a number only when writing it out gives the same digits.

use rust_decimal::Decimal;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::Value;
use std::borrow::Cow;
use std::cmp::Ordering;
use std::str::FromStr;

/// Digits that every reader of JSON keeps (IEEE 754 double precision): a number with more is given as text.
const DIGITS_MAX: usize = 15;

/// What a table holds in one place.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Cell {
    Empty,
    Bool(bool),
    Number(Decimal),
    Text(String),
}

impl Cell {
    /// A cell of a text format. `007`, `+1`, `1e5` and `1,5` stay text: they may be codes.
    pub(crate) fn read(text: &str) -> Self {
        match number(text.trim()) {
            Some(number) => Self::Number(number),
            None if text.trim().is_empty() => Self::Empty,
            None => Self::Text(text.to_owned()),
        }
    }

    /// A binary floating-point number, by its shortest decimal form.
    pub(crate) fn float(number: f64) -> Self {
        let text = number.to_string();
        Decimal::from_str(&text).map_or(Self::Text(text), Self::Number)
    }

    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::Empty
    }

    /// As a person would write it; empty for an empty cell.
    pub(crate) fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Empty => Cow::Borrowed(""),
            Self::Bool(true) => Cow::Borrowed("true"),
            Self::Bool(false) => Cow::Borrowed("false"),
            Self::Number(number) => Cow::Owned(number.normalize().to_string()),
            Self::Text(text) => Cow::Borrowed(text),
        }
    }

    /// What kind it is, for sentences.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Empty => "nothing",
            Self::Bool(_) => "a truth value",
            Self::Number(_) => "a number",
            Self::Text(_) => "text",
        }
    }

    /// The same value, or written the same.
    pub(crate) fn same(&self, other: &Self) -> bool {
        self == other || (!self.is_empty() && !other.is_empty() && self.text() == other.text())
    }

    /// Order between cells of one kind; none between kinds, or with an empty cell.
    pub(crate) fn compare(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Number(a), Self::Number(b)) => Some(a.cmp(b)),
            (Self::Text(a), Self::Text(b)) => Some(a.cmp(b)),
            (Self::Bool(a), Self::Bool(b)) => Some(a.cmp(b)),
            _ => None,
        }
    }

    /// Order for sorting, where every two cells have one: numbers, then text, then truth values.
    pub(crate) fn sort(&self, other: &Self) -> Ordering {
        let rank = |cell: &Self| match cell {
            Self::Number(_) => 0_u8,
            Self::Text(_) => 1,
            Self::Bool(_) => 2,
            Self::Empty => 3,
        };
        self.compare(other).unwrap_or_else(|| rank(self).cmp(&rank(other)))
    }
}

/// Digits with at most one dot and a minus, without leading zeros.
fn number(text: &str) -> Option<Decimal> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let leading_zero = whole.len() > 1 && whole.starts_with('0');
    if !all_digits(whole) || !all_digits(fraction) || leading_zero {
        return None;
    }
    Decimal::from_str_exact(text).ok()
}

impl Serialize for Cell {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Empty => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Number(number) => {
                let text = number.normalize().to_string();
                let digits = text.bytes().filter(u8::is_ascii_digit).count();
                match (text.parse::<i64>(), text.parse::<f64>()) {
                    (Ok(integer), _) if digits <= DIGITS_MAX => serializer.serialize_i64(integer),
                    (_, Ok(float)) if digits <= DIGITS_MAX => serializer.serialize_f64(float),
                    _ => serializer.serialize_str(&text),
                }
            }
        }
    }
}

impl JsonSchema for Cell {
    fn schema_name() -> Cow<'static, str> {
        "Cell".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["string", "number", "boolean", "null"] })
    }
}

impl<'de> Deserialize<'de> for Cell {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::Null => Ok(Self::Empty),
            Value::Bool(value) => Ok(Self::Bool(value)),
            Value::String(text) => Ok(Self::read(&text)),
            Value::Number(number) => match number.as_i64() {
                Some(integer) => Ok(Self::Number(integer.into())),
                None => Ok(number.as_f64().map_or(Self::Empty, Self::float)),
            },
            Value::Array(_) | Value::Object(_) => {
                Err(de::Error::custom("expected text, a number, true, false or null"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn digits_are_numbers_and_codes_stay_text() {
        for text in ["0", "-1", "19.90", "0.5", " 7 ", "79228162514264337593543950335"] {
            assert!(matches!(Cell::read(text), Cell::Number(_)), "{text}");
        }
        for text in
            ["007", "+1", "1e5", "1,5", ".5", "1.", "-", "1.2.3", "٣", "99999999999999999999999999999999"]
        {
            assert!(matches!(Cell::read(text), Cell::Text(_)), "{text}");
        }
        assert!(Cell::read(" \t").is_empty());
    }

    #[test]
    fn a_number_of_many_digits_is_given_as_text_so_that_no_reader_rounds_it() {
        let json = |text: &str| serde_json::to_string(&Cell::read(text)).expect("JSON");
        assert_eq!(json("19.90"), "19.9");
        assert_eq!(json("123456789012345"), "123456789012345");
        assert_eq!(json("1234567890123456"), "\"1234567890123456\"");
        assert_eq!(json("0.1234567890123456"), "\"0.1234567890123456\"");
    }

    #[test]
    fn the_same_is_by_value_or_as_written() {
        assert!(Cell::read("1.50").same(&Cell::float(1.5)));
        assert!(Cell::Text("5".to_owned()).same(&Cell::read("5")));
        assert!(!Cell::Empty.same(&Cell::Text(String::new())));
    }

    proptest! {
        #[test]
        fn a_number_of_few_digits_survives_json(whole in -99_999_999_i64..99_999_999, cents in 0_u32..100) {
            let text = format!("{whole}.{cents:02}");
            let json = serde_json::to_string(&Cell::read(&text)).expect("JSON");
            let back: Cell = serde_json::from_str(&json).expect("a cell");
            prop_assert_eq!(back, Cell::read(&text));
        }

        #[test]
        fn sorting_is_an_order(texts in proptest::collection::vec("[0-9a-c.]{0,4}", 3)) {
            let cells: Vec<_> = texts.iter().map(|text| Cell::read(text)).collect();
            if cells[0].sort(&cells[1]).is_le() && cells[1].sort(&cells[2]).is_le() {
                prop_assert!(cells[0].sort(&cells[2]).is_le());
            }
        }
    }
}
