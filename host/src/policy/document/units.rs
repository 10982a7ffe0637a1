//! Values with units: durations (`250ms`, `3s`), sizes (`64MiB`, `10KB`) and fuel (`500M`, `1G`).
//!
//! Whole numbers only, and never a bare number where a unit decides what it means. Not here: which
//! values are too small or too large for their use. Invariant: a value that fits is exact; one that
//! would overflow is an error.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserialize, Deserializer, Unexpected, Visitor};
use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

/// A span of time: a whole number and `ms`, `s`, `m` or `h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::policy) struct Period(pub(in crate::policy) Duration);

/// A size: a whole number and `B`, `KB`, `MB`, `GB` (powers of 1000) or `KiB`, `MiB`, `GiB` (of 1024).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::policy) struct Bytes(pub(in crate::policy) u64);

/// Guest work: a whole number, alone or with `K`, `M` or `G` (powers of 1000).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::policy) struct Fuel(pub(in crate::policy) u64);

/// A unit of measure: what it reads, and how it is said.
trait Unit: Sized {
    const NAME: &'static str;
    const EXPECTED: &'static str;
    const PATTERN: &'static str;
    const SCALES: &'static [(&'static str, u64)];
    fn of(amount: u64) -> Self;

    /// Reads a number and its unit.
    fn parse(text: &str) -> Option<Self> {
        let digits_end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (digits, unit) = text.split_at_checked(digits_end)?;
        let (_, scale) = Self::SCALES.iter().find(|(name, _)| *name == unit)?;
        digits.parse::<u64>().ok()?.checked_mul(*scale).map(Self::of)
    }

    /// Reads a number without a unit, where that means something.
    fn bare(_: u64) -> Option<Self> {
        None
    }
}

impl Unit for Period {
    const NAME: &'static str = "Duration";
    const EXPECTED: &'static str = "a whole number with `ms`, `s`, `m` or `h`, such as \"3s\"";
    const PATTERN: &'static str = "^[0-9]+(ms|s|m|h)$";
    const SCALES: &'static [(&'static str, u64)] =
        &[("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000)];
    fn of(amount: u64) -> Self {
        Self(Duration::from_millis(amount))
    }
}

impl Unit for Bytes {
    const NAME: &'static str = "Size";
    const EXPECTED: &'static str =
        "a whole number with `B`, `KB`, `MB`, `GB`, `KiB`, `MiB` or `GiB`, such as \"64MiB\"";
    const PATTERN: &'static str = "^[0-9]+(B|KB|MB|GB|KiB|MiB|GiB)$";
    const SCALES: &'static [(&'static str, u64)] = &[
        ("B", 1),
        ("KB", 1_000),
        ("MB", 1_000_000),
        ("GB", 1_000_000_000),
        ("KiB", 1 << 10),
        ("MiB", 1 << 20),
        ("GiB", 1 << 30),
    ];
    fn of(amount: u64) -> Self {
        Self(amount)
    }
}

impl Unit for Fuel {
    const NAME: &'static str = "Fuel";
    const EXPECTED: &'static str = "a whole number, alone or with `K`, `M` or `G`, such as \"500M\"";
    const PATTERN: &'static str = "^[0-9]+[KMG]?$";
    const SCALES: &'static [(&'static str, u64)] =
        &[("", 1), ("K", 1_000), ("M", 1_000_000), ("G", 1_000_000_000)];
    fn of(amount: u64) -> Self {
        Self(amount)
    }
    fn bare(amount: u64) -> Option<Self> {
        Some(Self(amount))
    }
}

struct UnitVisitor<U>(std::marker::PhantomData<U>);

impl<U: Unit> Visitor<'_> for UnitVisitor<U> {
    type Value = U;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(U::EXPECTED)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<U, E> {
        U::parse(text).ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
    }

    fn visit_u64<E: de::Error>(self, amount: u64) -> Result<U, E> {
        U::bare(amount).ok_or_else(|| E::invalid_type(Unexpected::Unsigned(amount), &self))
    }
}

macro_rules! readable {
    ($($unit:ident, $bare:expr;)+) => { $(
        impl<'de> Deserialize<'de> for $unit {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_any(UnitVisitor(std::marker::PhantomData))
            }
        }

        impl JsonSchema for $unit {
            fn schema_name() -> Cow<'static, str> {
                $unit::NAME.into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({
                    "description": $unit::EXPECTED,
                    "type": $bare,
                    "pattern": $unit::PATTERN,
                })
            }
        }
    )+ };
}

readable! {
    Period, "string";
    Bytes, "string";
    Fuel, ["integer", "string"];
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = self.0.as_millis();
        let whole = |(_, scale): &&(&str, u64)| ms != 0 && ms.is_multiple_of(u128::from(*scale));
        let (name, scale) = Self::SCALES.iter().rev().find(whole).copied().unwrap_or(("s", 1_000));
        write!(f, "{}{name}", ms / u128::from(scale))
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = |(_, scale): &&(&str, u64)| self.0 != 0 && self.0.is_multiple_of(*scale);
        let binary = Self::SCALES.iter().filter(|(_, scale)| scale.is_power_of_two());
        let (name, scale) = binary.rev().find(whole).copied().unwrap_or(("B", 1));
        write!(f, "{}{name}", self.0 / scale)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn durations_sizes_and_fuel_carry_their_units() {
        assert_eq!(Period::parse("250ms"), Some(Period(Duration::from_millis(250))));
        assert_eq!(Period::parse("2h"), Some(Period(Duration::from_secs(7_200))));
        assert_eq!(Bytes::parse("64MiB"), Some(Bytes(67_108_864)));
        assert_eq!(Bytes::parse("10KB"), Some(Bytes(10_000)));
        assert_eq!(Fuel::parse("1G"), Some(Fuel(1_000_000_000)));
        assert_eq!(Fuel::parse("7"), Some(Fuel(7)));
    }

    #[test]
    fn a_number_without_its_unit_or_its_digits_is_refused() {
        for text in ["", "5", "s", "-5s", "1.5s", "5 s", "5S", "5sec", "٥s", "+5s", "1_000s"] {
            assert_eq!(Period::parse(text), None, "{text}");
        }
        for text in ["5", "5mb", "5M", "5MIB", "0x5B"] {
            assert_eq!(Bytes::parse(text), None, "{text}");
        }
    }

    #[test]
    fn the_largest_value_fits_and_one_more_is_refused() {
        assert_eq!(Bytes::parse("18446744073709551615B"), Some(Bytes(u64::MAX)));
        assert_eq!(Bytes::parse("18446744073709551616B"), None);
        assert_eq!(Bytes::parse("17179869184GiB"), None);
        assert_eq!(Fuel::parse("18446744074G"), None);
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[0-9]{0,24}[A-Za-z]{0,3}|.{0,16}") {
            let _ = (Period::parse(&text), Bytes::parse(&text), Fuel::parse(&text));
        }

        #[test]
        fn what_is_printed_reads_back(amount in any::<u64>()) {
            prop_assert_eq!(Bytes::parse(&Bytes(amount).to_string()), Some(Bytes(amount)));
            let period = Period::of(amount / 1_000);
            prop_assert_eq!(Period::parse(&period.to_string()), Some(period));
        }
    }
}
