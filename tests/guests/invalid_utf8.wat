;; A text that is none: an overlong slash, a lone continuation byte, a surrogate.
(module
  (data (i32.const 4096) "\22\c0\af\80\ed\a0\80\22")
  (func (export "call") (param i32 i32 i32 i32) (result i32)
    (call $ok (i32.const 4096) (i32.const 8))))
