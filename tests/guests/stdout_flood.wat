;; Writes 100 MiB to stdout, 64 KiB at a time, and says how it went.
(module
  (import "wasi:cli/stdout@0.2.0" "get-stdout" (func $stdout (result i32)))
  (import "wasi:io/streams@0.2.0" "[method]output-stream.check-write" (func $check (param i32 i32)))
  (import "wasi:io/streams@0.2.0" "[method]output-stream.write" (func $write (param i32 i32 i32 i32)))
  (func (export "call") (param i32 i32 i32 i32) (result i32)
    (local $out i32) (local $n i32)
    (local.set $out (call $stdout))
    (memory.fill (i32.const 65536) (i32.const 120) (i32.const 65536))
    (loop $more
      (call $check (local.get $out) (i32.const 3304))
      (call $write (local.get $out) (i32.const 65536) (i32.const 65536) (i32.const 3304))
      (if (i32.load8_u (i32.const 3304)) (then (unreachable)))
      (local.set $n (i32.add (local.get $n) (i32.const 1)))
      (br_if $more (i32.lt_u (local.get $n) (i32.const 1600))))
    (call $number (i64.extend_i32_u (local.get $n)))))
