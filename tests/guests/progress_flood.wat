;; A hundred thousand reports of progress, of nonsense.
(module
  (import "toolgate:tool/call-context@0.1.0" "progress" (func $progress (param f64 i32 f64 i32 i32 i32)))
  (func (export "call") (param i32 i32 i32 i32) (result i32)
    (local $n i32)
    (loop $more
      (call $progress (f64.const nan) (i32.const 1) (f64.const -inf) (i32.const 1) (i32.const 4096) (i32.const 60000))
      (call $progress (f64.const 1) (i32.const 0) (f64.const 0) (i32.const 1) (i32.const 4096) (i32.const 60000))
      (local.set $n (i32.add (local.get $n) (i32.const 1)))
      (br_if $more (i32.lt_u (local.get $n) (i32.const 50000))))
    (call $number (i64.extend_i32_u (local.get $n)))))
