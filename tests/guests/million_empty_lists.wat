;; A million definitions, each of five empty lists: 40 MB here, and many times that for a host that believes it.
(module
  (func (export "definitions") (result i32)
    (drop (memory.grow (i32.const 640)))
    (i32.store (i32.const 2048) (i32.const 131072))
    (i32.store (i32.const 2052) (i32.const 1000000))
    (i32.const 2048))
  (func (export "call") (param i32 i32 i32 i32) (result i32)
    (unreachable)))
