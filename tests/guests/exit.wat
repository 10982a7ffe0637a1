;; Ends the instance with the status in the arguments, {"status":123}, instead of returning.
(module
  (import "wasi:cli/exit@0.2.12" "exit-with-code" (func $exit (param i32)))
  (func (export "call") (param i32 i32 i32 i32) (result i32)
    (local $status i32) (local $at i32)
    (local.set $at (i32.add (local.get 2) (i32.const 10)))
    (loop $digit
      (local.set $status (i32.add (i32.mul (local.get $status) (i32.const 10))
        (i32.sub (i32.load8_u (local.get $at)) (i32.const 48))))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br_if $digit (i32.ne (i32.load8_u (local.get $at)) (i32.const 125))))
    (call $exit (local.get $status))
    (unreachable)))
