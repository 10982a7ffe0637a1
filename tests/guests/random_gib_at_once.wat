;; A gibibyte of random bytes in one request.
(module
  (import "wasi:random/random@0.2.0" "get-random-bytes" (func $random (param i64 i32)))
  (func (export "call") (param i32 i32 i32 i32) (result i32)
    (call $random (i64.const 0x40000000) (i32.const 3300))
    (call $number (i64.const 1))))
