;; An answer of 60 MiB that is really there.
(module
  (func (export "call") (param i32 i32 i32 i32) (result i32)
    (drop (memory.grow (i32.const 960)))
    (memory.fill (i32.const 131072) (i32.const 32) (i32.const 62914560))
    (call $ok (i32.const 131072) (i32.const 62914560))))
