//! `calculate`: one expression to its value. Not a language: nothing is kept between calls.
//!
//! Invariant: the work is bounded by a count of steps, not by a clock, so that the same expression ends
//! the same way everywhere.

use fend_core::{Context, Interrupt, evaluate_with_interrupt};
use schemars::JsonSchema;
use serde::Serialize;
use std::sync::atomic::{AtomicU64, Ordering};
use toolgate_sdk::{Failure, tool};

/// What one expression may cost, in the calculator's own check points: a sum or a conversion takes some
/// hundreds, 1000! takes 6,000.
const STEPS_MAX: u64 = 30_000;

/// A number longer than this helps no reader.
const RESULT_CHARS_MAX: usize = 2_000;

/// How the calculator says that a result is rounded.
const APPROXIMATE: &str = "approx. ";

/// The value of an expression.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub(crate) struct Calculation {
    /// The value, with its unit if it has one.
    result: String,
    /// True when it is exact; false when it was rounded.
    exact: bool,
}

/// Calculates exactly, with decimals, fractions, percentages and units. Use it for every sum instead of
/// calculating yourself: decimals are not rounded (0.1 + 0.2 is 0.3) and units are checked and converted.
///
/// Examples: "1250 * 1.19", "15% of 80", "5 miles + 300 m to km", "90 km/h to m/s", "2^64 - 1",
/// "sqrt(2) to 10 dp", "1/3 to fraction", "68 °F to °C", "0xff to decimal", "3 GiB / (20 Mb/s) to minutes".
/// Money has no exchange rates here.
#[tool]
pub(crate) fn calculate(
    /// One expression. Put "to UNIT", "to 2 dp" (decimal places), "to 6 sf" (significant figures) or
    /// "to fraction" at its end to choose the form of the result.
    #[schemars(length(min = 1, max = 1000))]
    expression: String,
) -> Result<Calculation, Failure> {
    let steps = Steps(AtomicU64::new(0));
    let value = evaluate_with_interrupt(&expression, &mut Context::new(), &steps).map_err(|why| {
        if steps.exhausted() {
            Failure::invalid_input("this takes too long to calculate: ask for a smaller power or factorial")
        } else {
            Failure::invalid_input(format!("`{expression}` cannot be calculated: {why}"))
        }
    })?;
    let text = value.get_main_result();
    if text.is_empty() {
        return Err(Failure::invalid_input("the expression has no value: give one to calculate"));
    }
    if text.chars().count() > RESULT_CHARS_MAX {
        return Err(Failure::invalid_input(format!(
            "the result has more than {RESULT_CHARS_MAX} characters: divide it by a power of ten, as (EXPRESSION) / 10^1000 to 20 sf"
        )));
    }
    let rounded = text.strip_prefix(APPROXIMATE);
    Ok(Calculation { result: rounded.unwrap_or(text).to_owned(), exact: rounded.is_none() })
}

/// Counts the calculator's own check points.
struct Steps(AtomicU64);

impl Steps {
    fn exhausted(&self) -> bool {
        self.0.load(Ordering::Relaxed) > STEPS_MAX
    }
}

impl Interrupt for Steps {
    fn should_interrupt(&self) -> bool {
        self.0.fetch_add(1, Ordering::Relaxed) >= STEPS_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use toolgate_sdk::FailureKind;

    fn value(expression: &str) -> (String, bool) {
        let calculation = calculate(expression.to_owned()).expect(expression);
        (calculation.result, calculation.exact)
    }

    #[test]
    fn decimals_are_exact() {
        assert_eq!(value("0.1 + 0.2"), ("0.3".to_owned(), true));
        assert_eq!(value("1250 * 1.19"), ("1487.5".to_owned(), true));
        assert_eq!(value("15% of 80"), ("12".to_owned(), true));
        assert_eq!(value("2^64 - 1"), ("18446744073709551615".to_owned(), true));
    }

    #[test]
    fn what_is_rounded_says_so() {
        assert_eq!(value("sqrt(2) to 10 dp"), ("1.4142135624".to_owned(), false));
        assert!(!value("1/3 to 4 dp").1);
        assert_eq!(value("1/3 to fraction"), ("1/3".to_owned(), true));
    }

    #[test]
    fn units_are_converted_and_checked() {
        assert_eq!(value("5 miles + 300 m to km"), ("8.34672 km".to_owned(), true));
        assert_eq!(value("90 km/h to m/s"), ("25 m / s".to_owned(), true));
        assert_eq!(value("68 °F to °C"), ("20 °C".to_owned(), true));
        let refusal = calculate("3 kg + 2 m".to_owned()).expect_err("units that differ");
        assert_eq!(refusal.kind, FailureKind::InvalidInput);
    }

    #[test]
    fn every_example_of_the_description_has_a_value() {
        for example in ["0xff to decimal", "3 GiB / (20 Mb/s) to minutes"] {
            value(example);
        }
    }

    #[test]
    fn what_takes_too_long_ends_and_says_what_to_do() {
        let refusal = calculate("3^3^3^3^3".to_owned()).expect_err("a power tower");
        assert!(refusal.message.contains("smaller"), "{refusal}");
    }

    #[test]
    fn a_long_result_is_refused_with_the_way_to_shorten_it() {
        let refusal = calculate("7^5000".to_owned()).expect_err("4,226 digits");
        assert!(refusal.message.contains("10^1000 to 20 sf"), "{refusal}");
        assert_eq!(value("7^5000 / 10^4200 to 6 sf"), ("30917100000000000000000000".to_owned(), false));
    }

    #[test]
    fn nothing_to_calculate_is_invalid_input() {
        for expression in ["", "  ", "1 +", "roll d6", "x", "()"] {
            let refusal = calculate(expression.to_owned()).expect_err(expression);
            assert_eq!(refusal.kind, FailureKind::InvalidInput);
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(expression in "[0-9a-z+*/^%(). -]{0,24}") {
            let _ = calculate(expression);
        }

        #[test]
        fn sums_of_cents_are_exact(a in 0_u64..10_000_000, b in 0_u64..10_000_000) {
            let money = |cents: u64| format!("{}.{:02}", cents / 100, cents % 100);
            let (sum, exact) = value(&format!("({} + {}) * 100", money(a), money(b)));
            prop_assert!(exact);
            prop_assert_eq!(sum, (a + b).to_string());
        }
    }
}
