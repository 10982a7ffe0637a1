;; Two functions call each other until the stack is full.
(module
  (func $ping (param i64) (result i64) (i64.add (i64.const 1) (call $pong (local.get 0))))
  (func $pong (param i64) (result i64) (i64.add (i64.const 1) (call $ping (local.get 0))))
  (func (export "call") (param i32 i32 i32 i32) (result i32)
    (call $number (call $ping (i64.const 0)))))
