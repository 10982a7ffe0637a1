//! Every WebAssembly feature that the host does not need is refused, one by one.
//!
//! A new version of the runtime may turn features on; this table is how we notice.

use toolgate::sandbox::compile;

/// What a core module must not contain.
const MODULES: &[(&str, &str)] = &[
    ("memory64", "(memory i64 1)"),
    ("table64", "(table i64 1 funcref)"),
    ("multi-memory", "(memory 1) (memory 1)"),
    ("gc: structs", "(type (struct (field i32)))"),
    ("gc: arrays", "(type (array i8))"),
    ("gc: i31", "(func (drop (ref.i31 (i32.const 1))))"),
    ("gc: anyref", "(func (param anyref))"),
    ("function references", "(type $f (func)) (func (param (ref $f)) (call_ref $f (local.get 0)))"),
    ("exceptions: tags", "(tag (param i32))"),
    ("exceptions: try_table", "(func (block (try_table (catch_all 0))))"),
    ("exceptions: exnref", "(func (param exnref))"),
    ("tail calls", "(func $f (return_call $f))"),
    ("tail calls through a table", "(table 1 funcref) (func (return_call_indirect (i32.const 0)))"),
    (
        "relaxed SIMD",
        "(func (param v128 v128) (result v128) (i8x16.relaxed_swizzle (local.get 0) (local.get 1)))",
    ),
    ("shared memory", "(memory 1 1 shared)"),
    ("atomics", "(memory 1) (func (drop (i32.atomic.load (i32.const 0))))"),
    ("atomic fence", "(func (atomic.fence))"),
    ("shared functions", "(type (shared (func)))"),
    ("custom page sizes", "(memory 1 (pagesize 1))"),
    (
        "wide arithmetic",
        "(func (param i64 i64 i64 i64) (result i64 i64) (i64.add128 (local.get 0) (local.get 1) (local.get 2) (local.get 3)))",
    ),
    ("stack switching", "(type $f (func)) (type (cont $f))"),
];

/// What a component must not contain.
const COMPONENTS: &[(&str, &str)] = &[
    ("async functions", "(import \"f\" (func async))"),
    ("async lowering", "(import \"f\" (func $f)) (core func (canon lower (func $f) async))"),
    ("streams", "(type (stream u8))"),
    ("futures", "(type (future u8))"),
    ("error contexts", "(type error-context)"),
    ("tasks", "(core func (canon task.cancel))"),
    ("backpressure", "(core func (canon backpressure.inc))"),
    ("waitable sets", "(core func (canon waitable-set.new))"),
    ("threads", "(core func (canon thread.available_parallelism))"),
    ("maps", "(type (map string u8))"),
    ("fixed-length lists", "(type (list u8 4))"),
    ("values", "(import \"v\" (value u8))"),
    ("nested names", "(import \"a:b/c/d\" (instance))"),
];

/// What guests of the common toolchains contain: the table above says no for the right reason.
const ACCEPTED: &[(&str, &str)] = &[
    ("nothing", ""),
    ("bulk memory", "(memory 1) (func (memory.fill (i32.const 0) (i32.const 0) (i32.const 0)))"),
    ("sign extension", "(func (drop (i32.extend8_s (i32.const 1))))"),
    ("saturating conversion", "(func (drop (i32.trunc_sat_f64_s (f64.const 1))))"),
    ("SIMD", "(func (param v128) (result v128) (v128.not (local.get 0)))"),
    ("multiple values", "(func (result i32 i32) (i32.const 1) (i32.const 2))"),
    ("reference types", "(table 1 externref) (func (drop (table.get (i32.const 0))))"),
    ("mutable globals", "(global (export \"g\") (mut i32) (i32.const 0))"),
    ("extended constants", "(global i32 (i32.add (i32.const 1) (i32.const 2)))"),
    ("two tables", "(table 1 funcref) (table 1 funcref)"),
];

/// `None` when the text's parser does not know the feature at all.
fn compiled(text: &str) -> Option<Result<Vec<u8>, String>> {
    let bytes = wat::parse_str(text).ok()?;
    Some(compile(&bytes).map_err(|error| error.to_string()))
}

#[test]
fn every_feature_that_is_off_is_refused() {
    let modules = MODULES.iter().map(|(name, text)| (name, format!("(component (core module {text}))")));
    let components = COMPONENTS.iter().map(|(name, text)| (name, format!("(component {text})")));
    let mut wrong = Vec::new();
    for (name, text) in modules.chain(components) {
        match compiled(&text) {
            Some(Err(_)) => {}
            Some(Ok(_)) => wrong.push(format!("{name}: accepted")),
            None => wrong.push(format!(
                "{name}: not text that the parser knows: {}",
                wat::parse_str(&text).expect_err("no")
            )),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_common_toolchains_make_is_accepted() {
    for (name, text) in ACCEPTED {
        let compiled = compiled(&format!("(component (core module {text}))")).expect("it is text");
        assert!(compiled.is_ok(), "{name}: {:?}", compiled.err());
    }
}
