//! Components that are small to write and long to compile. Made here rather than stored.
//!
//! Each is refused by a structural cap, or compiles within a bound on time and memory.

use super::room::{Tool, completes, refused};
use crate::support::guest::Guest;
use serde_json::Value;
use std::fmt::Write;
use std::time::Duration;

fn with(item: &str) -> Tool {
    Tool::of("guest", Guest::answering("{}").item(item).build())
}

#[test]
fn a_huge_function_is_refused() {
    let body = "(drop (i32.const 1000000))".repeat(300_000);
    refused("bytes in one function").run_tool(with(&format!("(func {body})")));
}

#[test]
fn a_function_just_under_the_cap_compiles_in_bounds() {
    let body = "(global.set $x (i32.add (global.get $x) (i32.const 77)))".repeat(60_000);
    let item = format!("(global $x (mut i32) (i32.const 0)) (func {body})");
    completes(Value::is_object).within(Duration::from_secs(5)).run_tool(with(&item));
}

#[test]
fn fifty_thousand_functions_compile_in_bounds() {
    let functions = "(func (param i32) (result i32) (local.get 0))".repeat(50_000);
    completes(Value::is_object).run_tool(with(&functions));
}

#[test]
fn more_functions_than_the_cap_are_refused() {
    refused("functions").run_tool(with(&"(func)".repeat(100_001)));
}

#[test]
fn a_million_locals_are_refused() {
    // The text format would need a million words; the binary one needs one group.
    let component = Guest::answering("{}").item(&format!("(func (local {}))", "i64 ".repeat(20_001))).build();
    refused("locals").run_tool(Tool::of("guest", component));
}

#[test]
fn a_million_locals_in_one_group_are_refused() {
    let module = b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x02\x01\0\x0a\x08\x01\x06\x01\xc0\x84\x3d\x7e\x0b";
    let mut component = b"\0asm\x0d\0\x01\0".to_vec();
    component.extend([1, module.len() as u8]);
    component.extend(module);
    refused("locals").run_tool(Tool::of("guest", component));
}

#[test]
fn deep_nesting_of_blocks_is_no_stack_overflow() {
    let depth = 50_000;
    // In flat form, so that the text's parser does not have to recurse.
    let body = "block ".repeat(depth) + &"end ".repeat(depth);
    completes(Value::is_object).run_tool(with(&format!("(func {body})")));
}

#[test]
fn deep_nesting_of_ifs_and_loops_is_no_stack_overflow() {
    let depth = 6_000;
    let body = "loop i32.const 1 if ".repeat(depth) + &"end end ".repeat(depth);
    completes(Value::is_object).run_tool(with(&format!("(func {body})")));
}

#[test]
fn a_thousand_components_side_by_side_are_refused() {
    let parts = "(component)".repeat(1_000);
    refused("nested components")
        .run_tool(Tool::of("guest", Guest::answering("{}").component_item(&parts).build()));
}

#[test]
fn a_thousand_components_within_each_other_are_refused() {
    let mut component = b"\0asm\x0d\0\x01\0".to_vec();
    for _ in 0..1_000 {
        let mut outer = b"\0asm\x0d\0\x01\0\x04".to_vec();
        let mut size = component.len();
        while size >= 0x80 {
            outer.push((size & 0x7f) as u8 | 0x80);
            size >>= 7;
        }
        outer.push(size as u8);
        outer.extend(&component);
        component = outer;
    }
    refused("nesting").run_tool(Tool::of("guest", component));
}

#[test]
fn huge_names_do_not_fill_the_operators_screen() {
    let name = "x".repeat(90_000);
    let import = format!("(import \"{name}:a/b\" (instance))");
    refused("imports").run_tool(Tool::of("guest", Guest::answering("{}").component_item(&import).build()));
}

#[test]
fn ten_thousand_forbidden_imports_do_not_fill_the_operators_screen() {
    let mut imports = String::new();
    for n in 0..10_000 {
        let _ = write!(imports, "(import \"evil:corp{n}/a\" (instance))");
    }
    refused("evil:corp0/a")
        .run_tool(Tool::of("guest", Guest::answering("{}").component_item(&imports).build()));
}

#[test]
fn a_branch_table_of_sixty_thousand_arms_compiles_in_bounds_and_a_longer_one_is_refused() {
    let table =
        |arms| with(&format!("(func (param i32) (block (br_table {} (local.get 0))))", "0 ".repeat(arms)));
    completes(Value::is_object).run_tool(table(60_000));
    refused("cannot be compiled").run_tool(table(100_000));
}

#[test]
fn many_types_and_globals_compile_in_bounds_or_are_refused() {
    let mut items = String::new();
    for n in 0..20_000 {
        let _ = write!(items, "(global (mut i64) (i64.const {n}))");
    }
    completes(Value::is_object).run_tool(with(&items));
}

#[test]
fn component_types_that_double_are_no_bomb() {
    let mut types = String::from("(type $t0 (tuple u8 u8))");
    for n in 1..40 {
        let _ = write!(types, "(type $t{n} (tuple $t{m} $t{m}))", m = n - 1);
    }
    refused("compiled").run_tool(Tool::of("guest", Guest::answering("{}").component_item(&types).build()));
}
