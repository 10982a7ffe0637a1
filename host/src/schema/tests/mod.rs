//! Tests of the room, and the values they share.

mod check;
mod compile;
mod strict;

use proptest::prelude::*;
use serde_json::Value;

/// JSON values without integers of 54 to 64 bits.
pub(super) fn any_json() -> impl Strategy<Value = Value> {
    let two_to = |exponent| 2_f64.powi(exponent);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-(1_i64 << 53)..(1_i64 << 53)).prop_map(Value::from),
        any::<f64>()
            .prop_filter("a whole number of 54 to 64 bits", move |number| {
                number.fract() != 0.0 || !(two_to(53)..two_to(64)).contains(&number.abs())
            })
            .prop_map(Value::from),
        "[a-c\\PC\\x00-\\x1f\"\\\\]{0,6}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec(("[ab\\PC]{0,3}", inner), 0..5)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Runs `work` on a thread with the 2 MiB stack of a runtime's worker.
fn on_a_worker_stack<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(2 * 1024 * 1024);
        thread.spawn_scoped(scope, work).unwrap().join().unwrap()
    })
}
