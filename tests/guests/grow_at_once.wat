;; Asks for all that 32 bits can address.
(module
  (func (export "call") (param i32 i32 i32 i32) (result i32)
    (if (i32.eq (memory.grow (i32.const 65534)) (i32.const -1)) (then (unreachable)))
    (call $number (i64.const 1))))
