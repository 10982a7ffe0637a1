;; Fills more memory than it has.
(module
  (func (export "call") (param i32 i32 i32 i32) (result i32)
    (memory.fill (i32.const 65536) (i32.const 7) (i32.const 0x100000))
    (unreachable)))
