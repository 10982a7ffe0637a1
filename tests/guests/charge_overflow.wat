;; Charges more money than there is, twice.
(module
  (import "toolgate:tool/call-context@0.1.0" "charge" (func $charge (param i64)))
  (func (export "call") (param i32 i32 i32 i32) (result i32)
    (call $charge (i64.const -1))
    (call $charge (i64.const -1))
    (call $number (i64.const 1))))
