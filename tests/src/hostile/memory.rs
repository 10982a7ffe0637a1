//! Guests that take memory: in linear memories, in tables, in handles, in what the host keeps for them.

use super::hostile;
use super::room::{Tool, completes, ends_with, refused};
use crate::support::guest::Guest;
use serde_json::Value;

hostile! {
    grow_in_steps => ends_with("out_of_memory");
    grow_at_once => ends_with("out_of_memory");
    grow_and_cope => completes(|pages| pages.as_u64().is_some_and(|pages| (900..=1024).contains(&pages)));
    memory_too_large_at_load => refused("memory");
    fill_past_the_end => ends_with("trap").because("out of bounds");
    table_bomb => ends_with("out_of_memory");
    tables_in_steps => ends_with("out_of_memory");
    handle_flood => ends_with("trap").because("resource table has no free keys");
    pollables_5000 => ends_with("trap").because("resource table has no free keys");
    poll_one_many_times => ends_with("trap").because("handle limit");
    million_empty_lists => refused("too much data");
}

/// `instances` copies of one module with a memory of its own, each asked for 8 MiB when the tool is called.
fn growing_instances(instances: usize) -> Vec<u8> {
    let mut guest = Guest::new("").component_item(
        "(core module $Hoard (memory 1) (func (export \"grow\") (result i32) (memory.grow (i32.const 127))))",
    );
    let mut body = String::new();
    for n in 0..instances {
        guest = guest
            .component_item(&format!(
                "(core instance $hoard{n} (instantiate $Hoard)) (alias core export $hoard{n} \"grow\" (core func $grow{n}_lowered))"
            ))
            .host_function(&format!("grow{n}"), "(result i32)");
        body.push_str(&format!("(if (i32.eq (call $grow{n}) (i32.const -1)) (then (unreachable)))\n"));
    }
    let (start, len) = guest.data(b"{}");
    guest.body(&format!("{body} (call $ok (i32.const {start}) (i32.const {len}))")).build()
}

#[test]
fn many_instances_share_one_allowance() {
    ends_with("out_of_memory").run_tool(Tool::of("guest", growing_instances(12)));
}

#[test]
fn an_allowance_that_is_large_enough_serves_many_instances() {
    let enough = completes(Value::is_object).policy("limits = { memory = \"128MiB\" }");
    enough.run_tool(Tool::of("guest", growing_instances(12)));
}

#[test]
fn more_memories_than_a_call_may_have_are_refused_at_load() {
    refused("memories").run_tool(Tool::of("guest", growing_instances(40)));
}

#[test]
fn more_instances_than_a_call_may_have_are_refused_at_load() {
    let mut guest = Guest::answering("{}").component_item("(core module $Empty)");
    for _ in 0..200 {
        guest = guest.component_item("(core instance (instantiate $Empty))");
    }
    refused("instances").run_tool(Tool::of("guest", guest.build()));
}
