;; The good tool: gives its arguments back.
(module
  (func (export "call") (param i32 i32 i32 i32) (result i32)
    (call $ok (local.get 2) (local.get 3))))
