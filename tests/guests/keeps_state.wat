;; Counts its calls in a global, in its memory, and in its table; gives the sum.
(module
  (global $calls (mut i64) (i64.const 0))
  (table $t 1 funcref)
  (func (export "call") (param i32 i32 i32 i32) (result i32)
    (global.set $calls (i64.add (global.get $calls) (i64.const 1)))
    (i64.store (i32.const 4096) (i64.add (i64.load (i32.const 4096)) (i64.const 1)))
    (drop (table.grow $t (ref.null func) (i32.const 1)))
    (call $number (i64.add (i64.add (global.get $calls) (i64.load (i32.const 4096)))
      (i64.extend_i32_u (table.size $t))))))
