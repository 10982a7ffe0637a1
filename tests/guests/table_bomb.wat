;; Tables are memory too: asks for a hundred million elements.
(module
  (table $t 1 funcref)
  (func (export "call") (param i32 i32 i32 i32) (result i32)
    (if (i32.eq (table.grow $t (ref.null func) (i32.const 100000000)) (i32.const -1)) (then (unreachable)))
    (call $number (i64.const 1))))
