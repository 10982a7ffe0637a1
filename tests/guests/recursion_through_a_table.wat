;; Recursion that no call graph shows.
(module
  (type $f (func (param i64) (result i64)))
  (table 1 funcref)
  (elem (i32.const 0) $down)
  (func $down (type $f)
    (i64.add (i64.const 1) (call_indirect (type $f) (local.get 0) (i32.const 0))))
  (func (export "call") (param i32 i32 i32 i32) (result i32)
    (call $number (call $down (i64.const 0)))))
