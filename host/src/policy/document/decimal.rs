//! Money (`"0.50"`), shares (`0.6`) and scores (`70`), read digit by digit.
//!
//! A float of the text is taken by the shortest decimal that reads back as it, which is what was written.
//! Not here: which values are too small or too large for their use. Invariant: what is taken is exact;
//! nothing is ever rounded, and one digit too many is an error.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserialize, Deserializer, Unexpected, Visitor};
use std::borrow::Cow;
use std::fmt;

/// US dollars, held in micro-USD.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::policy) struct Money(pub(in crate::policy) u64);

/// A share of one, held in percent: `0.6` is 60.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::policy) struct Share(pub(in crate::policy) u8);

/// A whole number from 0 to 100: a risk, or percent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::policy) struct Score(pub(in crate::policy) u8);

impl Money {
    const DECIMALS: usize = 6;
    const EXPECTED: &'static str = "US dollars with at most six decimals, such as \"0.50\"";

    fn parse(text: &str) -> Option<Self> {
        scaled(text, Self::DECIMALS).map(Self)
    }
}

impl Share {
    const EXPECTED: &'static str = "a number from 0 to 1 with at most two decimals, such as 0.6";

    fn parse(text: &str) -> Option<Self> {
        let percent = u8::try_from(scaled(text, 2)?).ok()?;
        (percent <= 100).then_some(Self(percent))
    }
}

impl Score {
    const EXPECTED: &'static str = "a whole number from 0 to 100";

    fn of(number: u64) -> Option<Self> {
        u8::try_from(number).ok().filter(|score| *score <= 100).map(Self)
    }
}

/// `DIGITS` or `DIGITS.DIGITS` times 10 to the power of `decimals`; `None` for any other text, for more
/// decimals than that, and for what does not fit.
fn scaled(text: &str, decimals: usize) -> Option<u64> {
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_digits(whole) || !is_digits(part) || part.len() > decimals {
        return None;
    }
    let part: u64 = format!("{part:0<decimals$}").parse().ok()?;
    let scale = 10_u64.checked_pow(u32::try_from(decimals).ok()?)?;
    whole.parse::<u64>().ok()?.checked_mul(scale)?.checked_add(part)
}

struct MoneyVisitor;

impl Visitor<'_> for MoneyVisitor {
    type Value = Money;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Money::EXPECTED)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Money, E> {
        Money::parse(text).ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
    }

    fn visit_u64<E: de::Error>(self, dollars: u64) -> Result<Money, E> {
        Money::parse(&dollars.to_string())
            .ok_or_else(|| E::invalid_value(Unexpected::Unsigned(dollars), &self))
    }

    fn visit_i64<E: de::Error>(self, dollars: i64) -> Result<Money, E> {
        Err(E::invalid_value(Unexpected::Signed(dollars), &self))
    }

    fn visit_f64<E: de::Error>(self, dollars: f64) -> Result<Money, E> {
        Money::parse(&dollars.to_string()).ok_or_else(|| E::invalid_value(Unexpected::Float(dollars), &self))
    }
}

struct ShareVisitor;

impl Visitor<'_> for ShareVisitor {
    type Value = Share;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Share::EXPECTED)
    }

    fn visit_u64<E: de::Error>(self, whole: u64) -> Result<Share, E> {
        Share::parse(&whole.to_string()).ok_or_else(|| E::invalid_value(Unexpected::Unsigned(whole), &self))
    }

    fn visit_i64<E: de::Error>(self, whole: i64) -> Result<Share, E> {
        Err(E::invalid_value(Unexpected::Signed(whole), &self))
    }

    fn visit_f64<E: de::Error>(self, share: f64) -> Result<Share, E> {
        Share::parse(&share.to_string()).ok_or_else(|| E::invalid_value(Unexpected::Float(share), &self))
    }
}

struct ScoreVisitor;

impl Visitor<'_> for ScoreVisitor {
    type Value = Score;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Score::EXPECTED)
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Score, E> {
        Score::of(number).ok_or_else(|| E::invalid_value(Unexpected::Unsigned(number), &self))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Score, E> {
        Err(E::invalid_value(Unexpected::Signed(number), &self))
    }
}

macro_rules! readable {
    ($($number:ident, $visitor:expr, $schema:tt;)+) => { $(
        impl<'de> Deserialize<'de> for $number {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_any($visitor)
            }
        }

        impl JsonSchema for $number {
            fn schema_name() -> Cow<'static, str> {
                stringify!($number).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    )+ };
}

readable! {
    Money, MoneyVisitor, {
        "description": Money::EXPECTED,
        "type": ["number", "string"],
        "pattern": r"^[0-9]+(\.[0-9]{1,6})?$",
        "minimum": 0,
    };
    Share, ShareVisitor, { "description": Share::EXPECTED, "type": "number", "minimum": 0, "maximum": 1 };
    Score, ScoreVisitor, { "description": Score::EXPECTED, "type": "integer", "minimum": 0, "maximum": 100 };
}

impl fmt::Display for Money {
    /// Two decimals, more where there are more: `0.50`, `0.0025`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (dollars, micros) = (self.0 / 1_000_000, self.0 % 1_000_000);
        let decimals = format!("{micros:06}");
        write!(f, "{dollars}.{:0<2}", decimals.trim_end_matches('0'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde::de::IntoDeserializer;
    use serde::de::value::Error;

    fn float<T: for<'de> Deserialize<'de>>(number: f64) -> Option<T> {
        let deserializer: de::value::F64Deserializer<Error> = number.into_deserializer();
        T::deserialize(deserializer).ok()
    }

    #[test]
    fn money_is_exact_to_the_micro_dollar() {
        for (text, micros) in
            [("0", 0), ("5", 5_000_000), ("0.50", 500_000), ("0.1", 100_000), ("00.000001", 1)]
        {
            assert_eq!(Money::parse(text), Some(Money(micros)), "{text}");
        }
        assert_eq!(float(0.1), Some(Money(100_000)));
        assert_eq!(float(4.35), Some(Money(4_350_000)));
        assert_eq!(float(1e-6), Some(Money(1)));
    }

    #[test]
    fn money_that_is_finer_negative_or_no_decimal_is_refused() {
        for text in ["", ".", "5.", ".5", "$5", "5 USD", "-1", "+1", "1e3", "0.0000001", "1,5", "1_0", "٥"] {
            assert_eq!(Money::parse(text), None, "{text}");
        }
        for number in [-0.5, -0.0, 1e-7, 0.000_000_1, 1e300, f64::NAN, f64::INFINITY] {
            assert_eq!(float::<Money>(number), None, "{number}");
        }
    }

    #[test]
    fn the_most_money_fits_and_a_micro_dollar_more_is_refused() {
        assert_eq!(Money::parse("18446744073709.551615"), Some(Money(u64::MAX)));
        assert_eq!(Money::parse("18446744073709.551616"), None);
        assert_eq!(Money::parse("18446744073710"), None);
    }

    #[test]
    fn a_share_is_percent_and_ends_at_one() {
        for (number, percent) in [(0.0, 0), (0.6, 60), (0.57, 57), (0.29, 29), (1.0, 100)] {
            assert_eq!(float(number), Some(Share(percent)), "{number}");
        }
        for number in [1.01, -0.1, 0.655, 60.0, 2.56] {
            assert_eq!(float::<Share>(number), None, "{number}");
        }
    }

    #[test]
    fn a_score_ends_at_a_hundred() {
        assert_eq!((Score::of(0), Score::of(100)), (Some(Score(0)), Some(Score(100))));
        assert_eq!((Score::of(101), Score::of(256 + 5)), (None, None));
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[0-9]{0,24}[.]?[0-9]{0,8}|.{0,16}") {
            let _ = (Money::parse(&text), Share::parse(&text));
        }

        #[test]
        fn printed_money_reads_back(micros in any::<u64>()) {
            prop_assert_eq!(Money::parse(&Money(micros).to_string()), Some(Money(micros)));
        }

        /// As a number of the text, and as a string: the same money, up to a billion dollars.
        #[test]
        fn a_number_and_a_string_are_the_same_money(micros in 0..1_000_000_000_000_000_u64) {
            let text = Money(micros).to_string();
            prop_assert_eq!(float(text.parse().unwrap()), Some(Money(micros)), "{}", text);
        }

        #[test]
        fn no_float_is_rounded(number in any::<f64>()) {
            if let Some(Money(micros)) = float(number) {
                prop_assert_eq!(Money(micros).to_string().parse::<f64>().unwrap(), number);
            }
        }
    }
}
