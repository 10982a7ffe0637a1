;; One instruction that touches all its memory, over and over: much work for little fuel.
(module
  (func (export "call") (param i32 i32 i32 i32) (result i32)
    (drop (memory.grow (i32.const 1000)))
    (loop $again
      (memory.fill (i32.const 65536) (i32.const 7) (i32.const 65536000))
      (br $again))
    (unreachable)))
