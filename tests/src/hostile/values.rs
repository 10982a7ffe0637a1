//! Guests that break the canonical ABI on the way out, or the runtime's rules about when to call.

use super::hostile;
use super::room::{Room, Tool, alone, completes, ends_with};
use serde_json::json;
use toolgate::call::Reason;

hostile! {
    string_256_mib => ends_with("trap").because("out of bounds");
    string_of_all_its_memory => ends_with("output_too_large").because("not even read");
    output_1_mib => ends_with("output_too_large");
    pointer_overflow => ends_with("trap").because("out of bounds");
    pointer_out_of_bounds => ends_with("trap").because("out of bounds");
    pointer_misaligned => ends_with("trap").because("aligned");
    realloc_out_of_bounds => ends_with("trap").because("beyond end of memory");
    invalid_utf8 => ends_with("trap").because("utf-8");
    bad_discriminant => ends_with("trap").because("discriminant");
    bad_failure_kind => ends_with("trap").because("discriminant");
    foreign_handle => ends_with("trap").because("handle");
    call_out_of_realloc => ends_with("trap").because("cannot leave");
    call_out_of_post_return => ends_with("trap").because("cannot leave");
    exit_well => ends_with("trap").because("exit(0)");
    exit => |name| alone(each(name, "status", &[(0, "exit(0)"), (1, "exit(1)"), (255, "exit(255)")]));
    every_trap => |name| alone(each(name, "kind", TRAPS));
    echo => completes(|output| output.is_object());
}

const TRAPS: &[(u32, &str)] = &[
    (0, "unreachable"),
    (1, "divide by zero"),
    (2, "overflow"),
    (3, "invalid conversion"),
    (4, "out of bounds memory access"),
    (5, "uninitialized element"),
    (6, "indirect call type mismatch"),
    (7, "undefined element"),
];

async fn each(name: &str, argument: &str, values: &[(u32, &str)]) {
    let room = Room::open(&[Tool::guest(name)]).await.expect("the gate opens");
    for (value, why) in values {
        let outcome = room.run.call(name, json!({argument: value})).await;
        assert_eq!(outcome.reason.map(Reason::as_str), Some("trap"), "{value}: {outcome:?}");
        assert!(outcome.operator.as_deref().unwrap_or_default().contains(why), "{value}: {outcome:?}");
        room.good_call().await;
    }
}
