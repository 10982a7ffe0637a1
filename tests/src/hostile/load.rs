//! What is refused before any call: files that are no component of ours, and imports that no grant can serve.
//!
//! Not here: empty files, texts and core modules, and what a changed byte makes of a component (`bad_input`).

use super::hostile;
use super::room::{Room, Tool, alone, refused};
use super::wat;
use crate::support::guest::answering;
use toolgate::GateError;
use toolgate::sandbox::compile;

/// The id of a section that means nothing to the one who runs it.
const CUSTOM_SECTION: u8 = 0;

hostile! {
    forbidden_import => refused("wasi:http/outgoing-handler");
}

fn refused_bytes(bytes: &[u8], why: &'static str) {
    refused(why).run_tool(Tool::of("guest", bytes.to_vec()));
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

/// Cut after each byte it is an error, and never a panic. What lacks only names at its end is another component, and
/// the digest in the policy tells it from this one.
#[test]
fn a_component_cut_after_each_byte_is_refused_and_never_a_panic() {
    let whole = answering("{}");
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
            let refused = matches!(opened, Err(GateError::Catalog(_)));
            let names_are_missing = whole[length] == CUSTOM_SECTION;
            assert!(
                refused || names_are_missing,
                "cut to {length} of {} bytes it still has its tool",
                whole.len()
            );
        }
    });
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
