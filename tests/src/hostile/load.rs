//! What is refused before any call: files that are no component of ours, and imports that no grant can serve.

use super::hostile;
use super::room::{Room, Tool, alone, refused};
use super::wat;
use toolgate::sandbox::compile;

hostile! {
    forbidden_import => refused("wasi:http/outgoing-handler");
}

fn refused_bytes(bytes: &[u8], why: &'static str) {
    refused(why).run_tool(Tool::of("guest", bytes.to_vec()));
}

#[test]
fn an_empty_file_is_no_component() {
    refused_bytes(b"", "empty");
}

#[test]
fn text_is_no_component() {
    refused_bytes(b"#!/bin/sh\necho hello\n", "does not start like WebAssembly");
}

#[test]
fn a_core_module_is_refused_with_a_way_out() {
    refused_bytes(&::wat::parse_str("(module)").expect("a module"), "wasm32-wasip2");
}

#[test]
fn a_precompiled_file_is_never_loaded() {
    let code = compile(&wat::component("echo")).expect("echo compiles");
    refused_bytes(&code, "precompiled");
}

#[test]
fn a_program_of_this_machine_is_never_loaded() {
    let own = std::fs::read("/proc/self/exe").expect("this program is readable");
    refused_bytes(&own[..own.len().min(1 << 20)], "precompiled");
}

/// Cut after each byte it is an error, and never a panic. What a cut leaves whole would be another component, and the
/// digest in the policy tells it from this one.
#[test]
fn a_component_cut_after_each_byte_is_refused_and_never_a_panic() {
    let whole = wat::component("echo");
    let mut accepted = Vec::new();
    for length in 0..whole.len() {
        let cut = &whole[..length];
        if toolgate::catalog::inspect(cut).is_ok() && compile(cut).is_ok() {
            accepted.push(length);
        }
    }
    alone(async {
        for length in accepted {
            let opened = Room::open(&[Tool::of("guest", whole[..length].to_vec())]).await;
            assert!(opened.is_err(), "cut to {length} of {} bytes it still has its tool", whole.len());
        }
    });
}

/// Each byte changed in turn: an error or another component, never a panic, never a hang.
#[test]
fn a_component_with_any_one_byte_changed_is_no_panic() {
    let whole = wat::component("echo");
    for at in 0..whole.len() {
        for flip in [0x01, 0x80, 0xff] {
            let mut other = whole.clone();
            other[at] ^= flip;
            let _ = toolgate::catalog::inspect(&other);
        }
    }
}

#[test]
fn a_component_over_16_mib_is_refused_unread() {
    let mut bytes = wat::component("echo");
    bytes.resize((16 << 20) + 1, 0);
    refused_bytes(&bytes, "16 MiB");
}

#[test]
fn a_component_of_another_world_is_refused() {
    refused_bytes(&::wat::parse_str("(component)").expect("a component"), "no export");
}
