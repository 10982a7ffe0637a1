//! Makes whole components of a few lines of core WebAssembly text, so that a test says what its guest does.
//!
//! Not a tool author's way (that is the SDK). Invariant: what comes out implements the world `tool` to the
//! canonical ABI; only what the test wrote inside `call` can be hostile.
//!
//! The body of `call` is core WAT with the parameters `$name $name_len $args $args_len`; it must leave an `i32`,
//! made by one of these functions of the module:
//!
//! | function | does |
//! |---|---|
//! | `$ok (ptr, len)` | the output is these bytes |
//! | `$fail (kind, ptr, len, request_sent)` | a failure; `kind` is its place in the WIT enum |
//! | `$fail_later (kind, ptr, len, request_sent, retry_after_ms: i64)` | the same, with a time to wait |
//! | `$alloc (bytes)` | fresh memory, aligned to 8 |

use std::fmt::Write;

/// Where static data begins; the words below it stay zero.
const DATA_START: usize = 1024;

/// A body of `call`: it computes until it is stopped.
pub const SPINS: &str = "(loop $again (br $again)) (unreachable)";

/// The schema of a tool that takes any one optional text.
const INPUT: &str =
    r#"{"type":"object","properties":{"text":{"type":"string"}},"additionalProperties":false}"#;
/// The schema of a tool that gives any object.
const OUTPUT: &str = r#"{"type":"object"}"#;

/// One guest to be made. Every part has a default that is harmless.
#[derive(Debug, Clone)]
pub struct Guest {
    /// What `definitions()` says, in order.
    definitions: Vec<Definition>,
    body: String,
    definitions_body: Option<String>,
    imports: String,
    module_items: String,
    component_items: String,
    host_functions: String,
    pages: u32,
    data: Vec<u8>,
}

/// What a guest says of one of its tools.
#[derive(Debug, Clone)]
pub struct Definition {
    /// Its name.
    pub name: String,
    /// Its description.
    pub description: String,
    /// JSON Schema of the arguments, as text.
    pub input: String,
    /// JSON Schema of the result, as text.
    pub output: String,
    /// Places of capabilities in the WIT enum `capability`.
    pub needs: Vec<u8>,
}

impl Definition {
    /// A tool with an optional text argument and any object as its result.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            description: format!("The test tool {name}."),
            input: INPUT.to_owned(),
            output: OUTPUT.to_owned(),
            needs: Vec::new(),
        }
    }
}

/// A component with one tool `guest`, whose `call` has this body.
pub fn component(call_body_wat: &str) -> Vec<u8> {
    Guest::new(call_body_wat).build()
}

/// A component with one tool `guest` that always gives this output.
pub fn answering(output: &str) -> Vec<u8> {
    Guest::answering(output).build()
}

impl Guest {
    /// A guest with one tool `guest`, whose `call` has this body.
    pub fn new(call_body_wat: &str) -> Self {
        Self {
            definitions: vec![Definition::new("guest")],
            body: call_body_wat.to_owned(),
            definitions_body: None,
            imports: String::new(),
            module_items: String::new(),
            component_items: String::new(),
            host_functions: String::new(),
            pages: 2,
            data: Vec::new(),
        }
    }

    /// A guest that always gives this output.
    pub fn answering(output: &str) -> Self {
        let mut guest = Self::new("");
        let (start, bytes) = guest.data(output.as_bytes());
        guest.body(&format!("(call $ok (i32.const {start}) (i32.const {bytes}))"))
    }

    /// A guest that always fails: `kind` is the place in the WIT enum `failure-kind`.
    pub fn failing(kind: u8, message: &str, request_sent: bool) -> Self {
        let mut guest = Self::new("");
        let (start, bytes) = guest.data(message.as_bytes());
        let sent = i32::from(request_sent);
        guest.body(&format!(
            "(call $fail (i32.const {kind}) (i32.const {start}) (i32.const {bytes}) (i32.const {sent}))"
        ))
    }

    /// Puts bytes into the module's memory; gives where they begin and how many they are.
    pub fn data(&mut self, bytes: &[u8]) -> (usize, usize) {
        let start = DATA_START + self.data.len();
        self.data.extend_from_slice(bytes);
        (start, bytes.len())
    }

    /// Another body of `call`.
    pub fn body(mut self, call_body_wat: &str) -> Self {
        self.body = call_body_wat.to_owned();
        self
    }

    /// What the guest does in `definitions()` before it says what it must; core WAT that leaves nothing.
    pub fn before_definitions(mut self, wat: &str) -> Self {
        self.definitions_body = Some(wat.to_owned());
        self
    }

    /// Other tools than the one `guest`.
    pub fn defining(mut self, definitions: Vec<Definition>) -> Self {
        self.definitions = definitions;
        self
    }

    /// Changes the first definition.
    pub fn define(mut self, change: impl FnOnce(&mut Definition)) -> Self {
        change(self.definitions.first_mut().expect("a guest has a tool"));
        self
    }

    /// More items of the core module: functions, globals, tables.
    pub fn item(mut self, wat: &str) -> Self {
        self.module_items.push_str(wat);
        self.module_items.push('\n');
        self
    }

    /// More items of the component, before its core module: instance imports, aliases, `canon lower`. The memory
    /// is `(core memory $memory)` and the allocator `(core func $realloc)`.
    pub fn component_item(mut self, wat: &str) -> Self {
        self.component_items.push_str(wat);
        self.component_items.push('\n');
        self
    }

    /// Gives the core module the component's core function `$NAME_lowered` as its own `$NAME`, of this type, such as
    /// `(param i32) (result i32)`.
    pub fn host_function(mut self, name: &str, signature: &str) -> Self {
        let _ = writeln!(self.host_functions, "(export \"{name}\" (func ${name}_lowered))");
        let _ = writeln!(self.imports, "(import \"host\" \"{name}\" (func ${name} {signature}))");
        self
    }

    /// Pages of 64 KiB that the memory starts with.
    pub fn pages(mut self, pages: u32) -> Self {
        self.pages = pages;
        self
    }

    /// The functions of `call-context`, as `$log (level, ptr, len)`, `$charge (micro_usd: i64)`, `$remaining_ms` and
    /// `$progress (done: f64, has_total, total: f64, has_message, ptr, len)`.
    pub fn with_call_context(self) -> Self {
        self.component_item(CALL_CONTEXT)
            .host_function("log", "(param i32 i32 i32)")
            .host_function("charge", "(param i64)")
            .host_function("remaining_ms", "(result i64)")
            .host_function("progress", "(param f64 i32 f64 i32 i32 i32)")
    }

    /// The function `$sleep (nanoseconds: i64)`: waits through WASI, without doing any work.
    pub fn with_sleep(self) -> Self {
        self.component_item(SLEEP)
            .host_function("subscribe", "(param i64) (result i32)")
            .host_function("block", "(param i32)")
            .host_function("drop", "(param i32)")
            .item(SLEEP_FUNCTION)
    }

    /// The text of the whole component.
    pub fn wat(&self) -> String {
        let (data, list, end) = self.laid_out();
        let definitions =
            format!("{}\n(i32.const {list})", self.definitions_body.as_deref().unwrap_or_default());
        TEMPLATE
            .replace("@pages@", &self.pages.to_string())
            .replace("@heap@", &end.next_multiple_of(16).to_string())
            .replace("@component_items@", &self.component_items)
            .replace("@host_functions@", &self.host_functions)
            .replace("@imports@", &self.imports)
            .replace("@module_items@", &self.module_items)
            .replace("@data@", &quoted(&data))
            .replace("@data_start@", &DATA_START.to_string())
            .replace("@definitions@", &definitions)
            .replace("@call@", &self.body)
    }

    /// The component.
    pub fn build(&self) -> Vec<u8> {
        let text = self.wat();
        wat::parse_str(&text).unwrap_or_else(|error| panic!("the guest is no component: {error}\n{text}"))
    }

    /// The module's data with the definitions behind the test's own: the bytes, where the list stands, the end.
    fn laid_out(&self) -> (Vec<u8>, usize, usize) {
        let mut data = self.data.clone();
        let mut put = |bytes: &[u8], align: usize| {
            data.resize((DATA_START + data.len()).next_multiple_of(align) - DATA_START, 0);
            let start = DATA_START + data.len();
            data.extend_from_slice(bytes);
            start
        };
        let mut records = Vec::new();
        for definition in &self.definitions {
            for part in [&definition.name, &definition.description, &definition.input, &definition.output] {
                let start = put(part.as_bytes(), 1);
                records.extend(word(start).into_iter().chain(word(part.len())));
            }
            let start = put(&definition.needs, 1);
            records.extend(word(start).into_iter().chain(word(definition.needs.len())));
        }
        let records = put(&records, 4);
        let list = [word(records), word(self.definitions.len())].concat();
        let list = put(&list, 4);
        let end = DATA_START + data.len();
        assert!(end < 65_536 * self.pages as usize, "the guest's data needs more pages");
        (data, list, end)
    }
}

fn word(value: usize) -> [u8; 4] {
    u32::try_from(value).expect("a guest is small").to_le_bytes()
}

fn quoted(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 3), |mut text, byte| {
        let _ = write!(text, "\\{byte:02x}");
        text
    })
}

const TEMPLATE: &str = r#"
(component
  (import "toolgate:tool/types@0.1.0" (instance $types
    (type $capability' (enum "fs" "http" "env" "secret" "clock" "random" "log"))
    (export "capability" (type $capability (eq $capability')))
    (type $definition' (record (field "name" string) (field "description" string) (field "input-schema" string)
      (field "output-schema" string) (field "needs" (list $capability))))
    (export "definition" (type (eq $definition')))
    (type $kind' (enum "invalid-input" "not-found" "capability-denied" "unavailable" "rate-limited" "conflict" "internal"))
    (export "failure-kind" (type $kind (eq $kind')))
    (type $failure' (record (field "kind" $kind) (field "message" string) (field "retry-after-ms" (option u64))
      (field "request-sent" bool)))
    (export "failure" (type (eq $failure')))))
  (alias export $types "definition" (type $definition))
  (alias export $types "failure" (type $failure))

  (core module $Heap
    (memory (export "memory") @pages@)
    (global $next (mut i32) (i32.const @heap@))
    (func (export "realloc") (param $old i32) (param $old_bytes i32) (param $align i32) (param $bytes i32) (result i32)
      (local $start i32)
      (local.set $start (i32.and (i32.add (global.get $next) (i32.sub (local.get $align) (i32.const 1)))
        (i32.sub (i32.const 0) (local.get $align))))
      (global.set $next (i32.add (local.get $start) (local.get $bytes)))
      (block $fits
        (br_if $fits (i32.le_u (global.get $next) (i32.mul (memory.size) (i32.const 65536))))
        (br_if $fits (i32.ne (i32.const -1) (memory.grow (i32.add (i32.const 1) (i32.shr_u (local.get $bytes) (i32.const 16))))))
        (unreachable))
      (memory.copy (local.get $start) (local.get $old) (local.get $old_bytes))
      (local.get $start)))
  (core instance $heap (instantiate $Heap))
  (alias core export $heap "memory" (core memory $memory))
  (alias core export $heap "realloc" (core func $realloc))

  @component_items@

  (core module $Tool
    (import "heap" "memory" (memory 1))
    (import "heap" "realloc" (func $realloc (param i32 i32 i32 i32) (result i32)))
    @imports@
    @module_items@
    (data (i32.const @data_start@) "@data@")
    (func $alloc (param $bytes i32) (result i32)
      (call $realloc (i32.const 0) (i32.const 0) (i32.const 8) (local.get $bytes)))
    (func $ok (param $start i32) (param $bytes i32) (result i32)
      (local $to i32)
      (local.set $to (call $alloc (i32.const 48)))
      (i32.store (local.get $to) (i32.const 0))
      (i32.store offset=8 (local.get $to) (local.get $start))
      (i32.store offset=12 (local.get $to) (local.get $bytes))
      (local.get $to))
    (func $fail (param $kind i32) (param $start i32) (param $bytes i32) (param $sent i32) (result i32)
      (local $to i32)
      (local.set $to (call $alloc (i32.const 48)))
      (i32.store (local.get $to) (i32.const 1))
      (i32.store offset=8 (local.get $to) (local.get $kind))
      (i32.store offset=12 (local.get $to) (local.get $start))
      (i32.store offset=16 (local.get $to) (local.get $bytes))
      (i32.store offset=24 (local.get $to) (i32.const 0))
      (i32.store offset=40 (local.get $to) (local.get $sent))
      (local.get $to))
    (func $fail_later (param $kind i32) (param $start i32) (param $bytes i32) (param $sent i32) (param $ms i64) (result i32)
      (local $to i32)
      (local.set $to (call $fail (local.get $kind) (local.get $start) (local.get $bytes) (local.get $sent)))
      (i32.store offset=24 (local.get $to) (i32.const 1))
      (i64.store offset=32 (local.get $to) (local.get $ms))
      (local.get $to))
    (func (export "definitions") (result i32)
      @definitions@)
    (func (export "call") (param $name i32) (param $name_len i32) (param $args i32) (param $args_len i32) (result i32)
      @call@))
  (core instance $host
    @host_functions@)
  (core instance $tool (instantiate $Tool (with "heap" (instance $heap)) (with "host" (instance $host))))

  (func (export "definitions") (result (list $definition))
    (canon lift (core func $tool "definitions") (memory $memory) (realloc $realloc)))
  (func (export "call") (param "name" string) (param "arguments-json" string) (result (result string (error $failure)))
    (canon lift (core func $tool "call") (memory $memory) (realloc $realloc))))
"#;

const CALL_CONTEXT: &str = r#"
  (import "toolgate:tool/call-context@0.1.0" (instance $context
    (type $level' (enum "debug" "info" "warn" "error"))
    (export "level" (type $level (eq $level')))
    (export "log" (func (param "level" $level) (param "message" string)))
    (export "charge" (func (param "micro-usd" u64)))
    (export "remaining-ms" (func (result u64)))
    (export "progress" (func (param "done" f64) (param "total" (option f64)) (param "message" (option string))))))
  (core func $log_lowered (canon lower (func $context "log") (memory $memory)))
  (core func $charge_lowered (canon lower (func $context "charge")))
  (core func $remaining_ms_lowered (canon lower (func $context "remaining-ms")))
  (core func $progress_lowered (canon lower (func $context "progress") (memory $memory)))
"#;

const SLEEP: &str = r#"
  (import "wasi:io/poll@0.2.0" (instance $poll
    (export "pollable" (type $pollable (sub resource)))
    (export "[method]pollable.block" (func (param "self" (borrow $pollable))))))
  (alias export $poll "pollable" (type $pollable))
  (import "wasi:clocks/monotonic-clock@0.2.0" (instance $clock
    (alias outer 1 $pollable (type $pollable'))
    (export "pollable" (type $pollable (eq $pollable')))
    (export "subscribe-duration" (func (param "when" u64) (result (own $pollable))))))
  (core func $subscribe_lowered (canon lower (func $clock "subscribe-duration")))
  (core func $block_lowered (canon lower (func $poll "[method]pollable.block")))
  (core func $drop_lowered (canon resource.drop $pollable))
"#;

const SLEEP_FUNCTION: &str = r#"
    (func $sleep (param $nanoseconds i64)
      (local $pollable i32)
      (local.set $pollable (call $subscribe (local.get $nanoseconds)))
      (call $block (local.get $pollable))
      (call $drop (local.get $pollable)))
"#;
