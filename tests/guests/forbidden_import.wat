;; Wants the network of a host that has none to give.
(module
  (import "wasi:http/outgoing-handler@0.2.0" "handle" (func $handle (param i32) (result i32)))
  (func (export "call") (param i32 i32 i32 i32) (result i32)
    (call $number (i64.extend_i32_u (call $handle (i32.const 0))))))
