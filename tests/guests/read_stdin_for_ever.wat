;; Stdin is at its end; reads it again and again.
(module
  (import "wasi:cli/stdin@0.2.0" "get-stdin" (func $stdin (result i32)))
  (import "wasi:io/streams@0.2.0" "[method]input-stream.blocking-read" (func $read (param i32 i64 i32)))
  (func (export "call") (param i32 i32 i32 i32) (result i32)
    (local $in i32)
    (local.set $in (call $stdin))
    (loop $again
      (call $read (local.get $in) (i64.const 4096) (i32.const 3300))
      (br $again))
    (unreachable)))
