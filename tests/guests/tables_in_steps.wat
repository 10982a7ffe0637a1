;; Many tables, each grown in small steps: their sum is what counts.
(module
  (table $a 1 funcref) (table $b 1 funcref) (table $c 1 funcref)
  (func (export "call") (param i32 i32 i32 i32) (result i32)
    (loop $more
      (drop (table.grow $a (ref.null func) (i32.const 100)))
      (drop (table.grow $b (ref.null func) (i32.const 100)))
      (br_if $more (i32.ne (table.grow $c (ref.null func) (i32.const 100)) (i32.const -1))))
    (unreachable)))
