;; One log line of nearly all its memory.
(module
  (import "toolgate:tool/call-context@0.1.0" "log" (func $log (param i32 i32 i32)))
  (func (export "call") (param i32 i32 i32 i32) (result i32)
    (drop (memory.grow (i32.const 960)))
    (call $log (i32.const 3) (i32.const 4096) (i32.const 60000000))
    (call $number (i64.const 1))))
