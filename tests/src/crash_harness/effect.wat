;; Makes one new, empty file in the granted folder, named TEXT.CALL.KEY after its argument, its call and the call's
;; idempotency key. One system call makes it, and only where it is not there yet: an execution leaves one trace or none,
;; and a second execution of one call traps.
(module
  (import "wasi:filesystem/preopens@0.2.0" "get-directories" (func $preopens (param i32)))
  (import "wasi:filesystem/types@0.2.0" "[method]descriptor.open-at"
    (func $open (param i32 i32 i32 i32 i32 i32 i32)))
  (import "toolgate:tool/call-context@0.1.0" "call-id" (func $call_id (param i32)))
  (import "toolgate:tool/call-context@0.1.0" "idempotency-key" (func $key (param i32)))
  (global $end (mut i32) (i32.const 4096))
  (func $root (result i32)
    (call $preopens (i32.const 3300))
    (i32.load (i32.load (i32.const 3300))))
  (func $put (param $from i32) (param $bytes i32)
    (memory.copy (global.get $end) (local.get $from) (local.get $bytes))
    (global.set $end (i32.add (global.get $end) (local.get $bytes))))
  (func $dot
    (i32.store8 (global.get $end) (i32.const 46))
    (global.set $end (i32.add (global.get $end) (i32.const 1))))
  (func (export "call") (param i32 i32 i32 i32) (result i32)
    (call $put (call $path (local.get 2)) (call $path_len (local.get 3)))
    (call $dot)
    (call $call_id (i32.const 3400))
    (call $put (i32.load (i32.const 3400)) (i32.load (i32.const 3404)))
    (call $dot)
    (call $key (i32.const 3400))
    (if (i32.load8_u (i32.const 3400))
      (then (call $put (i32.load (i32.const 3404)) (i32.load (i32.const 3408)))))
    (call $open (call $root) (i32.const 0) (i32.const 4096) (i32.sub (global.get $end) (i32.const 4096))
      (i32.const 5) (i32.const 2) (i32.const 3400))
    (if (i32.load8_u (i32.const 3400)) (then (unreachable)))
    (call $number (i64.const 1))))
