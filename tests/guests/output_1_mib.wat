;; An answer of 1 MiB of valid JSON, over the policy's limit of 256 KiB.
(module
  (func (export "call") (param i32 i32 i32 i32) (result i32)
    (drop (memory.grow (i32.const 32)))
    (memory.fill (i32.const 131072) (i32.const 32) (i32.const 1048576))
    (i32.store8 (i32.const 131072) (i32.const 49))
    (call $ok (i32.const 131072) (i32.const 1048576))))
