;; Spins when the host wants memory for the arguments.
(module
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (loop $again (br $again))
    (unreachable))
  (func (export "call") (param i32 i32 i32 i32) (result i32)
    (unreachable)))
