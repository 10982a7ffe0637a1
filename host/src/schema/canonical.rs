//! Canonical JSON: one byte string for all ways to write the same value, and its digest.
//!
//! What "equal arguments" means, wherever calls are compared (idempotency keys, repetition, the ledger): their
//! canonical bytes are equal. The order of names, white space and escapes do not count; `1`, `1.0` and `1e0`
//! are equal; `-0` is `0`; the order of an array counts; strings are compared as they are, not normalized.
//!
//! The bytes are RFC 8785's with one difference: an integer of 54 to 64 bits, however written, keeps all its
//! digits, where RFC 8785 rounds it to the shortest digits of a double and makes two different ids equal.
//! Invariant: two values have the same bytes exactly when they are mathematically equal.

use serde_json::{Map, Number, Value};
use sha2::{Digest, Sha256};

/// The canonical bytes of `value`.
///
/// Recurses as deep as `value` is nested; a value from [`strict`](super::strict) is bounded.
pub fn bytes(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    write(value, &mut out);
    out
}

/// SHA-256 of the canonical bytes of `value`.
pub fn digest(value: &Value) -> [u8; 32] {
    Sha256::digest(bytes(value)).into()
}

fn write(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Number(number) => write_number(number, out),
        Value::String(text) => write_string(text, out),
        Value::Array(items) => {
            out.push(b'[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write(item, out);
            }
            out.push(b']');
        }
        Value::Object(members) => write_object(members, out),
    }
}

/// Members by name in UTF-16 order (RFC 8785, 3.2.3).
fn write_object(members: &Map<String, Value>, out: &mut Vec<u8>) {
    let mut sorted: Vec<(&String, &Value)> = members.iter().collect();
    sorted.sort_unstable_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
    out.push(b'{');
    for (index, (name, member)) in sorted.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write_string(name, out);
        out.push(b':');
        write(member, out);
    }
    out.push(b'}');
}

/// Integers in full; other numbers as ECMAScript writes doubles (RFC 8785, 3.2.2.3).
fn write_number(number: &Number, out: &mut Vec<u8>) {
    match number.as_f64().filter(|_| number.is_f64()) {
        None => out.extend_from_slice(number.to_string().as_bytes()),
        Some(double) => match whole(double) {
            Some(integer) => out.extend_from_slice(integer.to_string().as_bytes()),
            None => to_vec(serde_json_canonicalizer::to_writer(&double, out)),
        },
    }
}

/// The integer that `double` is, when it is one and in the range where integers are kept in full.
fn whole(double: f64) -> Option<i128> {
    let range = -9_223_372_036_854_775_808.0..18_446_744_073_709_551_616.0;
    (double.fract() == 0.0 && range.contains(&double)).then_some(double as i128)
}

/// `serde_json` escapes as RFC 8785, 3.2.2.2 does: only what must be, in its shortest form, in lower case.
fn write_string(text: &str, out: &mut Vec<u8>) {
    to_vec(serde_json::to_writer(out, text));
}

/// Writing a string or a finite double to memory cannot fail, and no other is in a [`Value`].
fn to_vec(written: serde_json::Result<()>) {
    debug_assert!(written.is_ok());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::tests::any_json;
    use proptest::prelude::*;
    use serde_json::json;

    fn text(value: &Value) -> String {
        String::from_utf8(bytes(value)).unwrap()
    }

    fn read(text: &str) -> Value {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn the_examples_of_rfc_8785_come_out_as_printed_there() {
        let numbers = read("[333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001]");
        assert_eq!(text(&numbers), "[333333333.3333333,1e+30,4.5,0.002,1e-27]");
        let names = read(
            "{\"\\u20ac\":1,\"\\r\":2,\"\\ufb33\":3,\"1\":4,\"\\ud83d\\ude00\":5,\"\\u0080\":6,\"\\u00f6\":7}",
        );
        assert_eq!(text(&names), "{\"\\r\":2,\"1\":4,\"\u{80}\":6,\"ö\":7,\"€\":1,\"😀\":5,\"\u{fb33}\":3}");
    }

    #[test]
    fn one_written_three_ways_is_one() {
        for other in ["1.0", "1e0", "10e-1"] {
            assert_eq!(digest(&read("1")), digest(&read(other)), "{other}");
        }
        assert_eq!(text(&read("-0")), "0");
        assert_eq!(text(&read("-0.0")), "0");
    }

    #[test]
    fn two_ids_beyond_53_bits_are_different_arguments() {
        assert_ne!(digest(&json!(9_007_199_254_740_993_u64)), digest(&json!(9_007_199_254_740_992_u64)));
        assert_ne!(digest(&json!(u64::MAX)), digest(&json!(u64::MAX - 1)));
        assert_eq!(text(&json!(u64::MAX)), "18446744073709551615");
        assert_eq!(text(&json!(i64::MIN)), "-9223372036854775808");
    }

    #[test]
    fn a_double_equals_the_integer_it_is_and_no_other() {
        let double = json!(9_223_372_036_854_775_808.0_f64);
        assert_eq!(digest(&double), digest(&json!(9_223_372_036_854_775_808_u64)));
        assert_ne!(digest(&double), digest(&json!(9_223_372_036_854_776_000_u64)));
        assert_eq!(text(&json!(1e21)), "1e+21");
    }

    proptest! {
        #[test]
        fn the_order_of_names_does_not_count(members in prop::collection::vec((".{0,4}", any::<i32>()), 0..8)) {
            let forward: Map<String, Value> = members.iter().map(|(k, v)| (k.clone(), json!(v))).collect();
            let backward: Map<String, Value> = forward.iter().rev().map(|(k, v)| (k.clone(), v.clone())).collect();
            prop_assert_eq!(bytes(&Value::Object(forward)), bytes(&Value::Object(backward)));
        }

        #[test]
        fn canonical_bytes_read_back_to_the_same_canonical_bytes(value in any_json()) {
            let once = bytes(&value);
            prop_assert_eq!(bytes(&serde_json::from_slice(&once).unwrap()), once);
        }

        #[test]
        fn within_53_bits_the_bytes_are_those_of_an_independent_rfc_8785_writer(value in any_json()) {
            prop_assert_eq!(bytes(&value), serde_json_canonicalizer::to_vec(&value).unwrap());
        }

        #[test]
        fn integers_have_equal_bytes_only_when_equal(a in any::<u64>(), near in 0_u64..3) {
            let b = a.wrapping_add(near);
            prop_assert_eq!(bytes(&json!(a)) == bytes(&json!(b)), a == b);
        }
    }
}
