;; The start function is guest code too. While `definitions()` is asked for, the clock stands at zero, and it
;; behaves; in a real call it spins before the call has begun.
(module
  (import "wasi:clocks/monotonic-clock@0.2.0" "now" (func $now (result i64)))
  (func $start
    (block $behave
      (br_if $behave (i64.eqz (call $now)))
      (loop $again (br $again))))
  (start $start)
  (func (export "call") (param i32 i32 i32 i32) (result i32)
    (call $ok (local.get 2) (local.get 3))))
