;; Calls itself until the stack is full.
(module
  (func $down (param i64) (result i64)
    (i64.add (i64.const 1) (call $down (i64.add (local.get 0) (i64.const 1)))))
  (func (export "call") (param i32 i32 i32 i32) (result i32)
    (call $number (call $down (i64.const 0)))))
