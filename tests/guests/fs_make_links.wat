;; Makes a symlink and a hard link to the path in the arguments; gives both errors, as 1000 x one + the other.
(module
  (import "wasi:filesystem/preopens@0.2.0" "get-directories" (func $preopens (param i32)))
  (import "wasi:filesystem/types@0.2.0" "[method]descriptor.open-at"
    (func $open (param i32 i32 i32 i32 i32 i32 i32)))
  (import "wasi:filesystem/types@0.2.0" "[method]descriptor.symlink-at" (func $symlink (param i32 i32 i32 i32 i32 i32)))
  (import "wasi:filesystem/types@0.2.0" "[method]descriptor.link-at"
    (func $link (param i32 i32 i32 i32 i32 i32 i32 i32)))
  (data (i32.const 4096) "link")
  (func $root (result i32)
    (call $preopens (i32.const 3300))
    (i32.load (i32.load (i32.const 3300))))
  (func (export "call") (param i32 i32 i32 i32) (result i32)
    (local $root i32) (local $error i64) (local $path i32) (local $len i32)
    (local.set $root (call $root))
    (local.set $path (call $path (local.get 2)))
    (local.set $len (call $path_len (local.get 3)))
    (call $symlink (local.get $root) (local.get $path) (local.get $len) (i32.const 4096) (i32.const 4) (i32.const 3400))
    (if (i32.eqz (i32.load8_u (i32.const 3400))) (then (unreachable)))
    (local.set $error (i64.mul (i64.const 1000) (i64.load8_u (i32.const 3401))))
    (call $link (local.get $root) (i32.const 1) (local.get $path) (local.get $len) (local.get $root)
      (i32.const 4096) (i32.const 4) (i32.const 3400))
    (if (i32.eqz (i32.load8_u (i32.const 3400))) (then (unreachable)))
    (call $number (i64.add (local.get $error) (i64.load8_u (i32.const 3401))))))
