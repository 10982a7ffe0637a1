;; Uses handles that it was never given.
(module
  (import "wasi:io/poll@0.2.0" "[method]pollable.block" (func $block (param i32)))
  (func (export "call") (param i32 i32 i32 i32) (result i32)
    (call $block (i32.const 1))
    (call $block (i32.const 0x7fffffff))
    (call $number (i64.const 1))))
