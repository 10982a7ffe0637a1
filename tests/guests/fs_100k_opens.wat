;; Opens the granted folder a hundred thousand times and closes nothing; gives the first error.
(module
  (import "wasi:filesystem/preopens@0.2.0" "get-directories" (func $preopens (param i32)))
  (import "wasi:filesystem/types@0.2.0" "[method]descriptor.open-at"
    (func $open (param i32 i32 i32 i32 i32 i32 i32)))
  (data (i32.const 4096) ".")
  (func $root (result i32)
    (call $preopens (i32.const 3300))
    (i32.load (i32.load (i32.const 3300))))
  (func (export "call") (param i32 i32 i32 i32) (result i32)
    (local $root i32) (local $n i32)
    (local.set $root (call $root))
    (loop $more
      (call $open (local.get $root) (i32.const 0) (i32.const 4096) (i32.const 1) (i32.const 0) (i32.const 1)
        (i32.const 3400))
      (if (i32.load8_u (i32.const 3400)) (then (return (call $number (i64.load8_u (i32.const 3404))))))
      (local.set $n (i32.add (local.get $n) (i32.const 1)))
      (br_if $more (i32.lt_u (local.get $n) (i32.const 100000))))
    (call $number (i64.const 100))))
