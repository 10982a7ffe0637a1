//! Any bytes as a component.

use crate::support::gate::built_component;
use crate::support::guest::answering;
use crate::support::{TestGate, assert_word, call};
use proptest::prelude::*;
use toolgate::catalog::{CatalogError, inspect, read};
use toolgate::{GateError, GateOptions};

/// The id of a section that means nothing to the one who runs it.
const CUSTOM_SECTION: u8 = 0;

/// Loads a component the way a host does. A panic or a hang fails the test; so does an error of another kind.
async fn loads_or_says_why(component: &[u8]) -> Option<String> {
    let test = TestGate::new().tool("guest", component, "");
    match test.try_open(GateOptions::default()).await {
        Ok(gate) => {
            call(&gate, "guest", "{}").await;
            None
        }
        Err(GateError::Catalog(error)) => Some(error.to_string()),
        Err(error) => panic!("{error:?}"),
    }
}

#[test]
fn a_component_cut_anywhere_is_refused_or_has_nothing_to_call() {
    let whole = std::fs::read(built_component("echo")).unwrap();
    let small = answering("{}");
    let cuts = (0..200).chain((200..whole.len()).step_by(whole.len() / 200));
    for (bytes, at) in cuts.map(|at| (&whole, at)).chain((0..small.len()).map(|at| (&small, at))) {
        let error = match inspect(&bytes[..at]) {
            Err(error) => error,
            // Between two sections the rest is a component too: without its exports, or without its names only.
            Ok(found) => {
                let whole = found.exports.iter().any(|name| name == "call");
                assert!(!whole || bytes[at] == CUSTOM_SECTION, "cut at {at} of {}, it is whole", bytes.len());
                continue;
            }
        };
        assert!(
            matches!(error, CatalogError::NotComponent(_) | CatalogError::Section(_)),
            "cut at {at}: {error:?}"
        );
        assert!(error.to_string().len() < 400, "{error}");
    }
}

/// Each byte changed in turn is at least inspected; some are loaded and called, a different bit of each.
#[tokio::test]
async fn a_component_with_any_byte_changed_is_refused_or_runs_within_its_limits() {
    let whole = answering(r#"{"a":"b"}"#);
    let changed = |at: usize, flip: u8| {
        let mut bytes = whole.clone();
        bytes[at] ^= flip;
        bytes
    };
    for at in 0..whole.len() {
        for flip in [0x01, 0x80, 0xff] {
            let _ = inspect(&changed(at, flip));
        }
    }
    for at in (0..whole.len()).step_by(11) {
        loads_or_says_why(&changed(at, 1 << (at % 8))).await;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_inspected_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), wasm in any::<bool>()) {
        let bytes = if wasm { [b"\0asm\x0d\0\x01\0".as_slice(), &bytes].concat() } else { bytes };
        let _ = inspect(&bytes);
    }

    #[test]
    fn a_real_component_with_flipped_bytes_is_inspected_without_a_panic(flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
        let mut bytes = std::fs::read(built_component("echo")).unwrap();
        for (at, byte) in flips {
            let at = at.index(bytes.len());
            bytes[at] ^= byte;
        }
        if let Ok(inspection) = inspect(&bytes) {
            prop_assert_eq!(inspection.bytes, bytes.len() as u64);
        }
    }
}

#[tokio::test]
async fn what_is_no_component_is_refused_by_what_it_is() {
    let module = wat::parse_str("(module (func (export \"call\")))").unwrap();
    let cases: [(&[u8], &str); 6] = [
        (b"", "empty"),
        (b"\x7fELF\x02\x01\x01", "native"),
        (&module, "core module; build it for wasm32-wasip2"),
        (b"{\"not\":\"wasm\"}", "does not start like WebAssembly"),
        (b"\0asm", "not a WebAssembly component"),
        (b"#!/bin/sh\n", "does not start like WebAssembly"),
    ];
    for (bytes, says) in cases {
        let why = loads_or_says_why(bytes).await.expect("refused");
        assert!(why.contains(says) && why.len() < 600, "{why}");
        let named = why.contains("/guest.wasm of tools.guest cannot be used");
        assert!(named && why.contains("correct `component`"), "{why}");
    }
}

#[test]
fn what_is_no_regular_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(read(folder.path()), Err(CatalogError::Read { .. })));
    assert!(matches!(read(&folder.path().join("missing.wasm")), Err(CatalogError::Read { .. })));
    let fifo = folder.path().join("fifo");
    rustix::fs::mkfifoat(rustix::fs::CWD, fifo.as_path(), rustix::fs::Mode::RWXU).unwrap();
    assert!(matches!(read(&fifo), Err(CatalogError::Read { .. })));
    assert!(matches!(read("/dev/zero".as_ref()), Err(CatalogError::Read { .. })));
}

#[tokio::test]
async fn a_missing_component_or_tool_names_what_there_is() {
    let test = TestGate::new().tool("other", &answering("{}"), "");
    let error = test.try_open(GateOptions::default()).await.err().unwrap().to_string();
    assert!(error.contains("no tool `other`") && error.contains("`guest`"), "{error}");
    std::fs::remove_file(test.path("other.wasm")).unwrap();
    let error = test.try_open(GateOptions::default()).await.err().unwrap().to_string();
    assert!(error.contains("toolgate build"), "{error}");
}

#[tokio::test]
async fn a_damaged_cache_means_compiling_again() {
    let cache = tempfile::tempdir().unwrap();
    let folder = cache.path().join("compiled");
    let guest = answering("{}");
    let policy = |test: &TestGate| {
        let text = test.policy_text();
        let own = format!("cache = {folder:?}");
        let (first, rest) = text.split_once('\n').unwrap();
        let (_, rest) = rest.split_once('\n').unwrap();
        std::fs::write(test.path("own.toml"), format!("{first}\n{own}\n{rest}")).unwrap();
        test.path("own.toml")
    };
    let test = TestGate::new().tool("guest", &guest, "");
    drop(toolgate::Gate::open(policy(&test)).await.unwrap());
    let entry = std::fs::read_dir(&folder).unwrap().next().expect("an entry").unwrap().path();
    let whole = std::fs::read(&entry).unwrap();
    for damaged in [
        Vec::new(),
        whole[..whole.len() / 2].to_vec(),
        whole.iter().rev().copied().collect(),
        b"\x7fELF".to_vec(),
    ] {
        std::fs::write(&entry, damaged).unwrap();
        let gate = toolgate::Gate::open(policy(&test)).await.unwrap();
        assert_word(&call(&gate, "guest", "{}").await, "completed");
        drop(gate);
        // The head names the same definitions; the native code may differ in nothing.
        assert_eq!(std::fs::read(&entry).unwrap().len(), whole.len(), "it was made anew");
    }
}
