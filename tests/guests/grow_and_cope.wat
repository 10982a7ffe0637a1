;; Is refused memory and lives with it: that is no fault. Gives the pages that it got.
(module
  (func (export "call") (param i32 i32 i32 i32) (result i32)
    (loop $more
      (br_if $more (i32.ne (memory.grow (i32.const 16)) (i32.const -1))))
    (call $number (i64.extend_i32_u (memory.size)))))
