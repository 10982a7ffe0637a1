;; Opens the path in the arguments five hundred times and reads a byte. Each `i` counts a million, each `no-entry` one,
;; any other byte a million million; another error traps.
(module
  (import "wasi:filesystem/preopens@0.2.0" "get-directories" (func $preopens (param i32)))
  (import "wasi:filesystem/types@0.2.0" "[method]descriptor.open-at"
    (func $open (param i32 i32 i32 i32 i32 i32 i32)))
  (import "wasi:filesystem/types@0.2.0" "[method]descriptor.read" (func $read (param i32 i64 i64 i32)))
  (import "wasi:filesystem/types@0.2.0" "[resource-drop]descriptor" (func $close (param i32)))
  (func $try (param $root i32) (param $at i32) (param $len i32) (result i64)
    (call $open (local.get $root) (i32.const 1) (local.get $at) (local.get $len) (i32.const 0) (i32.const 1)
      (i32.const 3400))
    (if (i32.load8_u (i32.const 3400)) (then
      (if (i32.ne (i32.load8_u (i32.const 3404)) (i32.const 20)) (then (unreachable)))
      (return (i64.const 1))))
    (call $read (i32.load (i32.const 3404)) (i64.const 1) (i64.const 0) (i32.const 3416))
    (call $close (i32.load (i32.const 3404)))
    (if (i32.load8_u (i32.const 3416)) (then (unreachable)))
    (if (i32.eq (i32.load8_u (i32.load (i32.const 3420))) (i32.const 105)) (then (return (i64.const 1000000))))
    (i64.const 1000000000000))
  (func (export "call") (param i32 i32 i32 i32) (result i32)
    (local $root i32) (local $n i32) (local $sum i64)
    (call $preopens (i32.const 3300))
    (local.set $root (i32.load (i32.load (i32.const 3300))))
    (loop $again
      (local.set $sum (i64.add (local.get $sum)
        (call $try (local.get $root) (call $path (local.get 2)) (call $path_len (local.get 3)))))
      (local.set $n (i32.add (local.get $n) (i32.const 1)))
      (br_if $again (i32.lt_u (local.get $n) (i32.const 500))))
    (call $number (local.get $sum))))
