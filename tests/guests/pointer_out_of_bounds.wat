;; The record of the answer lies outside the memory.
(module
  (func (export "call") (param i32 i32 i32 i32) (result i32)
    (i32.const 0x7ffffff8)))
