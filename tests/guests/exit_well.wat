;; The older way out: "success", without an answer.
(module
  (import "wasi:cli/exit@0.2.12" "exit" (func $exit (param i32)))
  (func (export "call") (param i32 i32 i32 i32) (result i32)
    (call $exit (i32.const 0))
    (unreachable)))
