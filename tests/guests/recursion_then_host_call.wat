;; Goes down as deep as the arguments say, {"depth":123456}, and calls the host from there.
(module
  (import "toolgate:tool/call-context@0.1.0" "log" (func $log (param i32 i32 i32)))
  (func $down (param $left i32)
    (if (local.get $left)
      (then (call $down (i32.sub (local.get $left) (i32.const 1))))
      (else (call $log (i32.const 0) (i32.const 4096) (i32.const 60000)))))
  (func (export "call") (param i32 i32 i32 i32) (result i32)
    (local $depth i32) (local $at i32)
    (local.set $at (i32.add (local.get 2) (i32.const 9)))
    (loop $digit
      (local.set $depth (i32.add (i32.mul (local.get $depth) (i32.const 10))
        (i32.sub (i32.load8_u (local.get $at)) (i32.const 48))))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br_if $digit (i32.ne (i32.load8_u (local.get $at)) (i32.const 125))))
    (call $down (local.get $depth))
    (call $number (i64.const 1))))
