;; Re-enters the host: after its answer was read, it calls the host.
(module
  (import "toolgate:tool/call-context@0.1.0" "charge" (func $charge (param i64)))
  (func (export "call") (param i32 i32 i32 i32) (result i32)
    (call $ok (local.get 2) (local.get 3)))
  (func (export "cabi_post_call") (param i32)
    (call $charge (i64.const 1))))
