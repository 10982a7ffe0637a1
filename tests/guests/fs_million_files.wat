;; Makes a file for each number up to a million, closing each; gives the number of the first error.
(module
  (import "wasi:filesystem/preopens@0.2.0" "get-directories" (func $preopens (param i32)))
  (import "wasi:filesystem/types@0.2.0" "[method]descriptor.open-at"
    (func $open (param i32 i32 i32 i32 i32 i32 i32)))
  (import "wasi:filesystem/types@0.2.0" "[resource-drop]descriptor" (func $close (param i32)))
  (func $root (result i32)
    (call $preopens (i32.const 3300))
    (i32.load (i32.load (i32.const 3300))))
  (func (export "call") (param i32 i32 i32 i32) (result i32)
    (local $root i32) (local $n i64)
    (local.set $root (call $root))
    (loop $more
      (drop (call $number (i64.add (i64.const 1000000) (local.get $n))))
      (call $open (local.get $root) (i32.const 0) (i32.load (i32.const 3080)) (i32.load (i32.const 3084))
        (i32.const 1) (i32.const 2) (i32.const 3400))
      (if (i32.load8_u (i32.const 3400)) (then (return (call $number (i64.load8_u (i32.const 3404))))))
      (call $close (i32.load (i32.const 3404)))
      (local.set $n (i64.add (local.get $n) (i64.const 1)))
      (br_if $more (i64.lt_u (local.get $n) (i64.const 1000000))))
    (call $number (i64.const 100))))
