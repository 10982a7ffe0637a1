;; Says that its answer is 256 MiB long, far beyond its memory.
(module
  (func (export "call") (param i32 i32 i32 i32) (result i32)
    (call $ok (i32.const 0) (i32.const 0x10000000))))
