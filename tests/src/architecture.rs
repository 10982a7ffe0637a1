//! The structure of the host as rules: who may name what. Each rule says why it stands.
//!
//! The scanner (`support/source.rs`) sees code alone: no comments, strings or test items. Invariant: a rule
//! cannot pass by seeing nothing; there is a floor on the files seen.

use super::support::source::{Source, shipped};
use std::collections::BTreeSet;
use std::sync::OnceLock;

/// Fewer files than this means that the scanner looks in the wrong place.
const HOST_FILES_MIN: usize = 150;
/// All `#[expect(…)]` of the host, the SDK and the tools; lower it when one goes.
const EXPECTATIONS: usize = 7;

fn host() -> &'static [Source] {
    static HOST: OnceLock<Vec<Source>> = OnceLock::new();
    let sources = HOST.get_or_init(|| shipped("host/src"));
    assert!(sources.len() >= HOST_FILES_MIN, "only {} files seen", sources.len());
    sources
}

/// Every place where a word stands outside the files that may name it.
fn named(words: &[&str], may: impl Fn(&str) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    for source in host().iter().filter(|source| !may(&source.name)) {
        for word in words {
            found.extend(
                source.places(word).map(|at| format!("{}:{} names {word}", source.name, source.line(at))),
            );
        }
    }
    found
}

fn built(name: &str, may: &[&str]) -> Vec<String> {
    let builders = host().iter().filter(|source| source.builds(name)).map(|source| source.name.clone());
    builders.filter(|builder| !may.contains(&builder.as_str())).collect()
}

#[track_caller]
fn assert_none(found: Vec<String>) {
    assert!(found.is_empty(), "{found:#?}");
}

fn in_room(name: &str, rooms: &[&str]) -> bool {
    rooms.iter().any(|room| name.strip_prefix(room).is_some_and(|rest| rest.starts_with('/')))
}

/// The folder or the file of `host/src` that a source belongs to.
fn room_of(name: &str) -> &str {
    name.split('/').next().unwrap_or(name).trim_end_matches(".rs")
}

#[test]
fn only_the_sandbox_names_the_runtime() {
    let words = ["wasmtime", "wasmtime_wasi", "wasmtime_wasi_io"];
    assert_none(named(&words, |name| in_room(name, &["sandbox"])));
    assert!(host().iter().any(|source| in_room(&source.name, &["sandbox"]) && source.has("wasmtime")));
}

/// Whoever holds a module's text knows all it can do: the same input gives the same output.
#[test]
fn policy_schema_sanitizer_and_call_are_pure() {
    let impure = [
        "std::fs",
        "fs::File",
        "std::net",
        "std::io",
        "std::env",
        "std::process",
        "std::thread",
        "Instant",
        "SystemTime",
        "UNIX_EPOCH",
        "tokio",
        "getrandom",
        "rusqlite",
        "cap_std",
        "rustix",
        "tracing",
        "Seams",
    ];
    let pure = ["policy", "schema", "sanitizer", "call", "guard"];
    assert_none(named(&impure, |name| !in_room(name, &pure)));
    for room in pure {
        assert!(host().iter().any(|source| in_room(&source.name, &[room])), "the room {room} was not seen");
    }
}

#[test]
fn the_words_of_a_call_import_no_other_room() {
    let rooms: BTreeSet<&str> = host().iter().map(|source| room_of(&source.name)).collect();
    assert!(["guard", "control", "run", "seams"].iter().all(|room| rooms.contains(room)), "{rooms:?}");
    let others = rooms.into_iter().filter(|room| *room != "call");
    let words: Vec<String> = others.map(|room| format!("crate::{room}")).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).chain(["crate::{"]).collect();
    assert_none(named(&words, |name| !in_room(name, &["call"])));
}

#[test]
fn nouns_do_not_import_the_pipeline() {
    let may = |name: &str| in_room(name, &["pipeline"]) || matches!(name, "gate.rs" | "run.rs" | "lib.rs");
    assert_none(named(&["pipeline"], may));
}

/// The order of the stages is unbreakable because each stage's type is made in one place.
#[test]
fn each_type_of_the_way_is_made_by_its_stage_alone() {
    let makers = [
        ("Proposal", "pipeline/propose.rs"),
        ("ValidCall", "pipeline/validate.rs"),
        ("Permit", "pipeline/decide.rs"),
        ("Begun", "pipeline/intent.rs"),
        ("RawOutput", "pipeline/execute.rs"),
        ("CheckedOutput", "pipeline/check.rs"),
        ("SafeResult", "pipeline/sanitize.rs"),
        ("SafeText", "pipeline/sanitize.rs"),
        ("Outcome", "pipeline/outcome.rs"),
    ];
    for (name, maker) in makers {
        assert_none(built(name, &[maker]).into_iter().map(|file| format!("{file} builds {name}")).collect());
        assert!(
            host().iter().any(|source| source.name == maker && source.builds(name)),
            "{maker} builds no {name}"
        );
    }
}

#[test]
fn a_permit_cannot_be_copied() {
    let sources = host();
    let decide = sources.iter().find(|source| source.name == "pipeline/decide.rs").expect("the stage");
    let at = decide.places("struct Permit").next().expect("the type");
    let attributes = decide.code[..at].trim_end_matches("pub(super) ").trim_end();
    let attributes = &attributes[attributes.rfind(['}', ';']).map_or(0, |end| end + 1)..];
    assert!(!attributes.contains("Clone") && !decide.has("Clone for Permit"), "{attributes}");
}

/// A job is what the entry takes, so whoever could call it would name a job.
#[test]
fn only_execute_names_the_entry_of_the_sandbox() {
    let may = |name: &str| in_room(name, &["sandbox"]) || name == "pipeline/execute.rs";
    assert_none(named(&["Job", "sandbox.execute", "Sandbox::execute", "sandbox().execute"], may));
    assert!(
        host()
            .iter()
            .any(|source| source.name == "pipeline/execute.rs" && source.count("sandbox.execute") == 1)
    );
}

/// Standard output belongs to the answer and to MCP: a stray line would break a client.
#[test]
fn only_main_prints_or_exits() {
    let words = [
        "print!",
        "println!",
        "eprint!",
        "eprintln!",
        "dbg!",
        "process::exit",
        "process::abort",
        "std::process::ExitCode",
        "stdout",
        "stderr",
    ];
    let reasoned = [
        // The transport of MCP over stdio owns the two streams.
        ("mcp/stdio.rs", "stdout"),
        // Logs of the program, and whether a person reads them.
        ("cli/mod.rs", "stderr"),
        // Without entropy no id, envelope or key is safe.
        ("seams.rs", "process::abort"),
    ];
    // Streams of other processes and of guests have the same names.
    let foreign = ["catalog/compile.rs", "cli/guest.rs", "cli/wasm_target.rs", "pipeline/execute.rs"];
    let streams = |name: &str, word: &str| {
        matches!(word, "stdout" | "stderr") && (in_room(name, &["sandbox"]) || foreign.contains(&name))
    };
    let mut found = Vec::new();
    for source in host().iter().filter(|source| source.name != "main.rs") {
        for word in words {
            let known = reasoned.contains(&(source.name.as_str(), word)) || streams(&source.name, word);
            if !known && source.has(word) {
                found.push(format!("{} has {word}", source.name));
            }
        }
    }
    assert_none(found);
    for (file, word) in reasoned {
        let used = host().iter().any(|source| source.name == file && source.has(word));
        assert!(used, "{file} has no {word} any more: take it off the list");
    }
}

/// The stock filesystem has no place for a policy, and the stock wiring links it.
#[test]
fn the_stock_filesystem_and_the_stock_wiring_are_never_linked() {
    let words = [
        "p2::add_to_linker",
        "p2::add_to_linker_async",
        "p2::add_to_linker_sync",
        "p2::add_to_linker_with_options",
        "add_to_linker_proxy_interfaces",
        "preopened_dir",
        "filesystem::WasiFilesystem",
        "WasiFilesystemView",
        "inherit_stdio",
        "inherit_env",
        "inherit_network",
        "inherit_args",
        "allow_blocking_current_thread",
    ];
    assert_none(named(&words, |_| false));
    // Its bindings' `add_to_linker` is called in one place only: with our own implementation behind them.
    let linkers: Vec<_> = host()
        .iter()
        .filter(|source| source.has("filesystem::types::add_to_linker") || source.has("types::add_to_linker"))
        .collect();
    assert!(linkers.iter().all(|source| in_room(&source.name, &["sandbox/grants/fs"])), "{linkers:#?}");
}

/// Every public way in is in the library; the program is a thin caller of it.
#[test]
fn the_command_line_uses_the_library_alone() {
    let words = ["rusqlite", "rmcp", "wasmparser", "wasm_encoder", "jsonschema", "hmac", "sha2"];
    assert_none(named(&words, |name| !in_room(name, &["cli"]) && name != "main.rs"));
}

#[test]
fn there_is_one_unsafe_block_and_its_exception_has_a_reason() {
    let sources = host();
    let unsafe_blocks: Vec<_> =
        sources.iter().filter(|source| source.has("unsafe")).map(|source| &source.name).collect();
    assert_eq!(unsafe_blocks, ["sandbox/mod.rs"]);
    let exceptions: usize = sources.iter().map(|source| source.count("unsafe_code")).sum();
    assert_eq!(exceptions, 1);
}

#[test]
fn exceptions_from_lints_only_become_fewer() {
    let sources: Vec<_> = ["host/src", "sdk", "tools"].into_iter().flat_map(shipped).collect();
    let attributes = |code: &str| code.matches("#[expect(").count() + code.matches("#![expect(").count();
    let expectations: usize = sources.iter().map(|source| attributes(&source.code)).sum();
    assert!(expectations <= EXPECTATIONS, "{expectations} exceptions; {EXPECTATIONS} are allowed");
    assert!(expectations >= EXPECTATIONS, "{expectations} exceptions are left: lower the constant");
    let allowed: Vec<_> =
        sources.iter().filter(|source| source.code.contains("[allow(")).map(|source| &source.name).collect();
    assert!(allowed.is_empty(), "{allowed:?} allow what they should expect");
}

#[test]
fn a_trait_earns_its_place() {
    let traits: Vec<_> = host()
        .iter()
        .flat_map(|source| source.places("pub trait").map(|_| source.name.clone()).collect::<Vec<_>>())
        .collect();
    assert!(traits.len() <= 5, "{traits:?}");
}

#[test]
fn the_crate_root_exports_at_most_twenty_names() {
    let sources = host();
    let root = sources.iter().find(|source| source.name == "lib.rs").expect("the root");
    let modules = root.count("pub mod");
    let used = root.code.split("pub use ").skip(1).map(|rest| {
        let item = rest.split(';').next().unwrap_or_default();
        item.split_once('{').map_or(1, |(_, names)| {
            names.trim_end().trim_end_matches('}').split(',').filter(|name| !name.trim().is_empty()).count()
        })
    });
    let total = modules + used.sum::<usize>();
    assert!((10..=20).contains(&total), "{total} names");
}

/// Time and entropy come in through one door, so that a simulator can stand in it.
#[test]
fn time_and_entropy_come_through_the_seams() {
    let words = ["SystemTime", "getrandom"];
    let reasoned = ["seams.rs", "catalog/cache.rs", "sandbox/grants/random.rs", "sandbox/grants/clock.rs"];
    let files_have_times = ["sandbox/grants/fs"];
    assert_none(named(&words, |name| reasoned.contains(&name) || in_room(name, &files_have_times)));
}
