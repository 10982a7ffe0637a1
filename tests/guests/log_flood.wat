;; A hundred thousand log lines of 60 KB each.
(module
  (import "toolgate:tool/call-context@0.1.0" "log" (func $log (param i32 i32 i32)))
  (func (export "call") (param i32 i32 i32 i32) (result i32)
    (local $n i32)
    (loop $more
      (call $log (i32.const 3) (i32.const 4096) (i32.const 60000))
      (local.set $n (i32.add (local.get $n) (i32.const 1)))
      (br_if $more (i32.lt_u (local.get $n) (i32.const 100000))))
    (call $number (i64.extend_i32_u (local.get $n)))))
