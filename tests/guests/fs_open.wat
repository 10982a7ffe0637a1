;; Opens the path in the arguments and gives the number of the error, or 100.
(module
  (import "wasi:filesystem/preopens@0.2.0" "get-directories" (func $preopens (param i32)))
  (import "wasi:filesystem/types@0.2.0" "[method]descriptor.open-at"
    (func $open (param i32 i32 i32 i32 i32 i32 i32)))
  (func $root (result i32)
    (call $preopens (i32.const 3300))
    (i32.load (i32.load (i32.const 3300))))
  (func (export "call") (param i32 i32 i32 i32) (result i32)
    (call $open (call $root) (i32.const 1) (call $path (local.get 2)) (call $path_len (local.get 3))
      (i32.const 0) (i32.const 1) (i32.const 3400))
    (if (i32.load8_u (i32.const 3400)) (then (return (call $number (i64.load8_u (i32.const 3404))))))
    (call $number (i64.const 100))))
