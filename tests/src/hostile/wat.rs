//! Makes a component of one file in `tests/guests`: core WebAssembly text, written to the canonical ABI.
//!
//! A guest writes only what is hostile about it. What it does not export itself it gets from the prelude:
//!
//! | name | is |
//! |---|---|
//! | memory | two pages; 4096 to 65535 are the guest's own |
//! | `cabi_realloc` | gives fresh memory from 65536 on |
//! | `definitions` | one tool of the guest's own name, with any object as arguments and any result |
//! | `$ok (ptr, len)` | the result of `call`: these bytes |
//! | `$number (i64)` | the result of `call`: this number as JSON |
//! | `$path (args)`, `$path_len (args_len)` | the text in the arguments `{"path":"…"}` |
//!
//! Invariant: imports are named as the canonical ABI names them and typed by `guests/wasi.wit`.

use std::path::{Path, PathBuf};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// The folder of the guests.
pub(super) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("guests")
}

/// The component of the guest `name`.
pub(super) fn component(name: &str) -> Vec<u8> {
    let text =
        std::fs::read_to_string(folder().join(format!("{name}.wat"))).expect("the guest's file is readable");
    component_of(name, &text)
}

/// The component of a guest's text, with one tool `name`.
pub(crate) fn component_of(name: &str, text: &str) -> Vec<u8> {
    let module = with_prelude(name, text);
    let mut module = wat::parse_str(&module).unwrap_or_else(|error| panic!("{name}.wat: {error}"));
    let mut resolve = Resolve::default();
    resolve.push_path(Path::new(env!("CARGO_MANIFEST_DIR")).join("../sdk/wit")).expect("the contract parses");
    let package = resolve.push_file(folder().join("wasi.wit")).expect("wasi.wit parses");
    let world = resolve.select_world(&[package], Some("guest")).expect("wasi.wit has the world");
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)
        .expect("the world can be embedded");
    let encoder = ComponentEncoder::default().validate(true).module(&module);
    encoder.and_then(|mut encoder| encoder.encode()).unwrap_or_else(|error| panic!("{name}.wat: {error:#}"))
}

fn with_prelude(name: &str, text: &str) -> String {
    let (body, _) = text.rsplit_once(')').expect("the guest is a module");
    let mut module = body.to_owned();
    for (export, part) in
        [("\"memory\"", MEMORY), ("\"cabi_realloc\"", REALLOC), ("\"definitions\"", DEFINITIONS)]
    {
        if !text.contains(&format!("(export {export})")) {
            module.push_str(part);
        }
    }
    module.push_str(RESULTS);
    module.push(')');
    module.replace("@name@", name).replace("@name_len@", &name.len().to_string())
}

const MEMORY: &str = r#"(memory (export "memory") 2)"#;

const REALLOC: &str = r#"
  (global $heap (mut i32) (i32.const 65536))
  (func (export "cabi_realloc") (param i32 i32 i32) (param $bytes i32) (result i32)
    (local $at i32)
    (local.set $at (i32.and (i32.add (global.get $heap) (i32.const 7)) (i32.const -8)))
    (global.set $heap (i32.add (local.get $at) (local.get $bytes)))
    (block $fits
      (br_if $fits (i32.le_u (global.get $heap) (i32.shl (memory.size) (i32.const 16))))
      (drop (memory.grow (i32.add (i32.shr_u (local.get $bytes) (i32.const 16)) (i32.const 1)))))
    (local.get $at))
"#;

const DEFINITIONS: &str = r#"
  (data (i32.const 1024) "@name@")
  (data (i32.const 1152) "{\"type\":\"object\"}")
  (data (i32.const 1184) "{}")
  (func (export "definitions") (result i32)
    (i32.store (i32.const 2048) (i32.const 2056))
    (i32.store (i32.const 2052) (i32.const 1))
    (i32.store (i32.const 2056) (i32.const 1024))
    (i32.store (i32.const 2060) (i32.const @name_len@))
    (i32.store (i32.const 2064) (i32.const 1024))
    (i32.store (i32.const 2068) (i32.const @name_len@))
    (i32.store (i32.const 2072) (i32.const 1152))
    (i32.store (i32.const 2076) (i32.const 17))
    (i32.store (i32.const 2080) (i32.const 1184))
    (i32.store (i32.const 2084) (i32.const 2))
    (i32.const 2048))
"#;

const RESULTS: &str = r#"
  (func $ok (param $at i32) (param $len i32) (result i32)
    (i32.store (i32.const 3072) (i32.const 0))
    (i32.store (i32.const 3080) (local.get $at))
    (i32.store (i32.const 3084) (local.get $len))
    (i32.const 3072))
  (func $number (param $value i64) (result i32)
    (local $at i32)
    (local.set $at (i32.const 3200))
    (loop $digit
      (local.set $at (i32.sub (local.get $at) (i32.const 1)))
      (i32.store8 (local.get $at)
        (i32.add (i32.const 48) (i32.wrap_i64 (i64.rem_u (local.get $value) (i64.const 10)))))
      (local.set $value (i64.div_u (local.get $value) (i64.const 10)))
      (br_if $digit (i64.ne (local.get $value) (i64.const 0))))
    (call $ok (local.get $at) (i32.sub (i32.const 3200) (local.get $at))))
  (func $path (param $args i32) (result i32) (i32.add (local.get $args) (i32.const 9)))
  (func $path_len (param $args_len i32) (result i32) (i32.sub (local.get $args_len) (i32.const 11)))
"#;
