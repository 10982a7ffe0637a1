//! Numbers by value: `1`, `1.0` and `10e-1` are the same number, with no rounding on the way.
//!
//! Not here: parsing. Invariant: two finite JSON numbers always compare, and the order is exact even
//! where a 64-bit integer has no exact float.

use serde_json::Number;
use std::cmp::Ordering;

/// 2^64: above every integer that JSON numbers here can hold.
const BEYOND_INTEGERS: f64 = 18_446_744_073_709_551_616.0;

/// Compares by value. `None` only for a number that is not finite, which JSON cannot write.
pub(super) fn compare(a: &Number, b: &Number) -> Option<Ordering> {
    match (integer(a), integer(b)) {
        (Some(a), Some(b)) => Some(a.cmp(&b)),
        (Some(a), None) => integer_and_float(a, b.as_f64()?),
        (None, Some(b)) => integer_and_float(b, a.as_f64()?).map(Ordering::reverse),
        (None, None) => a.as_f64()?.partial_cmp(&b.as_f64()?),
    }
}

fn integer(number: &Number) -> Option<i128> {
    let signed = number.as_i64().map(i128::from);
    signed.or_else(|| number.as_u64().map(i128::from))
}

fn integer_and_float(a: i128, b: f64) -> Option<Ordering> {
    if b.is_nan() {
        return None;
    }
    if b >= BEYOND_INTEGERS {
        return Some(Ordering::Less);
    }
    if b <= -BEYOND_INTEGERS {
        return Some(Ordering::Greater);
    }
    // In this range the whole part is exact as an i128, and so is the rest as a float.
    let whole = b.trunc() as i128;
    let rest = b.fract();
    Some(a.cmp(&whole).then_with(|| 0.0_f64.total_cmp(&(rest + 0.0))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn order(a: serde_json::Value, b: serde_json::Value) -> Ordering {
        let number = |value: serde_json::Value| value.as_number().unwrap().clone();
        compare(&number(a), &number(b)).unwrap()
    }

    #[test]
    fn one_and_one_point_zero_are_the_same_number() {
        assert_eq!(order(json!(1), json!(1.0)), Ordering::Equal);
        assert_eq!(order(json!(0), json!(-0.0)), Ordering::Equal);
    }

    #[test]
    fn an_integer_without_an_exact_float_is_not_rounded() {
        let big = 9_007_199_254_740_993_i64;
        assert_eq!(order(json!(big), json!(9_007_199_254_740_992.0)), Ordering::Greater);
        assert_eq!(order(json!(u64::MAX), json!(18_446_744_073_709_551_616.0)), Ordering::Less);
        assert_eq!(order(json!(i64::MIN), json!(-9_223_372_036_854_775_808.0)), Ordering::Equal);
    }

    #[test]
    fn a_fraction_lies_between_its_integers_on_both_sides_of_zero() {
        assert_eq!(order(json!(2), json!(2.5)), Ordering::Less);
        assert_eq!(order(json!(-2), json!(-2.5)), Ordering::Greater);
        assert_eq!(order(json!(-1e300), json!(i64::MIN)), Ordering::Less);
    }

    proptest! {
        #[test]
        fn the_order_is_the_same_from_both_sides(a in any::<i64>(), b in any::<f64>()) {
            prop_assume!(b.is_finite());
            prop_assert_eq!(order(json!(a), json!(b)), order(json!(b), json!(a)).reverse());
        }
    }
}
