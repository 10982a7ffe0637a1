;; Prints a line for the operator, then breaks.
(module
  (import "wasi:cli/stderr@0.2.0" "get-stderr" (func $stderr (result i32)))
  (import "wasi:io/streams@0.2.0" "[method]output-stream.check-write" (func $check (param i32 i32)))
  (import "wasi:io/streams@0.2.0" "[method]output-stream.write" (func $write (param i32 i32 i32 i32)))
  (data (i32.const 4096) "about to break\1b[2J\n")
  (func (export "call") (param i32 i32 i32 i32) (result i32)
    (local $err i32)
    (local.set $err (call $stderr))
    (call $check (local.get $err) (i32.const 3304))
    (call $write (local.get $err) (i32.const 4096) (i32.const 19) (i32.const 3304))
    (unreachable)))
