;; The same gibibyte and more, 64 KiB at a time, always into the same memory.
(module
  (import "wasi:random/random@0.2.0" "get-random-bytes" (func $random (param i64 i32)))
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (i32.const 65536))
  (func (export "call") (param i32 i32 i32 i32) (result i32)
    (loop $again
      (call $random (i64.const 65536) (i32.const 3300))
      (br $again))
    (unreachable)))
