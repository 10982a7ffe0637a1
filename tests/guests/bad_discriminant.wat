;; Neither ok nor err: the third case of two.
(module
  (func (export "call") (param i32 i32 i32 i32) (result i32)
    (i32.store8 (i32.const 4096) (i32.const 2))
    (i32.const 4096)))
