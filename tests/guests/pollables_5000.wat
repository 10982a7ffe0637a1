;; Wants to wait for five thousand things at once.
(module
  (import "wasi:clocks/monotonic-clock@0.2.0" "subscribe-duration" (func $timer (param i64) (result i32)))
  (import "wasi:io/poll@0.2.0" "poll" (func $poll (param i32 i32 i32)))
  (func (export "call") (param i32 i32 i32 i32) (result i32)
    (local $i i32)
    (loop $more
      (i32.store (i32.add (i32.const 4096) (i32.shl (local.get $i) (i32.const 2))) (call $timer (i64.const -1)))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $more (i32.lt_u (local.get $i) (i32.const 5000))))
    (call $poll (i32.const 4096) (i32.const 5000) (i32.const 3300))
    (call $number (i64.const 1))))
