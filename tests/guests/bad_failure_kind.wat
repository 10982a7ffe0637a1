;; A failure of a kind that the contract does not know.
(module
  (func (export "call") (param i32 i32 i32 i32) (result i32)
    (i32.store8 (i32.const 4096) (i32.const 1))
    (i32.store8 (i32.const 4104) (i32.const 200))
    (i32.const 4096)))
