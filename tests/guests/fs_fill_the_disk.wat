;; Writes until it is refused, and gives the number of the error.
(module
  (import "wasi:filesystem/preopens@0.2.0" "get-directories" (func $preopens (param i32)))
  (import "wasi:filesystem/types@0.2.0" "[method]descriptor.open-at"
    (func $open (param i32 i32 i32 i32 i32 i32 i32)))
  (import "wasi:filesystem/types@0.2.0" "[method]descriptor.write" (func $write (param i32 i32 i32 i64 i32)))
  (data (i32.const 4096) "big")
  (func $root (result i32)
    (call $preopens (i32.const 3300))
    (i32.load (i32.load (i32.const 3300))))
  (func (export "call") (param i32 i32 i32 i32) (result i32)
    (local $file i32) (local $at i64)
    (call $open (call $root) (i32.const 0) (i32.const 4096) (i32.const 3) (i32.const 1) (i32.const 2) (i32.const 3400))
    (if (i32.load8_u (i32.const 3400)) (then (unreachable)))
    (local.set $file (i32.load (i32.const 3404)))
    (loop $more
      (call $write (local.get $file) (i32.const 65536) (i32.const 65536) (local.get $at) (i32.const 3400))
      (local.set $at (i64.add (local.get $at) (i64.const 65536)))
      (br_if $more (i32.eqz (i32.load8_u (i32.const 3400)))))
    (call $number (i64.load8_u (i32.const 3408)))))
