;; Wants 128 MiB before it has said anything.
(module
  (memory (export "memory") 2048)
  (func (export "call") (param i32 i32 i32 i32) (result i32)
    (unreachable)))
