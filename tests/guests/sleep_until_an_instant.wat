;; Waits for the last instant there is. The clock stands, so no instant ever comes nearer.
(module
  (import "wasi:clocks/monotonic-clock@0.2.0" "subscribe-instant" (func $timer (param i64) (result i32)))
  (import "wasi:io/poll@0.2.0" "[method]pollable.block" (func $block (param i32)))
  (func (export "call") (param i32 i32 i32 i32) (result i32)
    (call $block (call $timer (i64.const -1)))
    (call $number (i64.const 1))))
