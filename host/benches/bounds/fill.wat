;; The worst guest to stop: one instruction writes all the memory that a call may have by default, over and over.
(component
  (import "toolgate:tool/types@0.1.0" (instance $types
    (type $capability' (enum "fs" "http" "env" "secret" "clock" "random" "log"))
    (export "capability" (type $capability (eq $capability')))
    (type $definition' (record (field "name" string) (field "description" string) (field "input-schema" string)
      (field "output-schema" string) (field "needs" (list $capability))))
    (export "definition" (type (eq $definition')))
    (type $kind' (enum "invalid-input" "not-found" "capability-denied" "unavailable" "rate-limited" "conflict" "internal"))
    (export "failure-kind" (type $kind (eq $kind')))
    (type $failure' (record (field "kind" $kind) (field "message" string) (field "retry-after-ms" (option u64))
      (field "request-sent" bool)))
    (export "failure" (type (eq $failure')))))
  (alias export $types "definition" (type $definition))
  (alias export $types "failure" (type $failure))

  (core module $Tool
    (memory (export "memory") 1)
    ;; Room for the two texts of a call, one over the other.
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 4096))
    (data (i32.const 1024) "fill_forever")
    (data (i32.const 1152) "{\"type\":\"object\"}")
    (func (export "definitions") (result i32)
      (i32.store (i32.const 2048) (i32.const 2056))
      (i32.store (i32.const 2052) (i32.const 1))
      (i32.store (i32.const 2056) (i32.const 1024))
      (i32.store (i32.const 2060) (i32.const 12))
      (i32.store (i32.const 2064) (i32.const 1024))
      (i32.store (i32.const 2068) (i32.const 12))
      (i32.store (i32.const 2072) (i32.const 1152))
      (i32.store (i32.const 2076) (i32.const 17))
      (i32.store (i32.const 2080) (i32.const 1152))
      (i32.store (i32.const 2084) (i32.const 17))
      (i32.const 2048))
    ;; 1,024 pages are 64 MiB; all but the first are filled.
    (func (export "call") (param i32 i32 i32 i32) (result i32)
      (if (i32.eq (memory.grow (i32.const 1023)) (i32.const -1)) (then (unreachable)))
      (loop $again
        (memory.fill (i32.const 65536) (i32.const 7) (i32.const 67043328))
        (br $again))
      (unreachable)))
  (core instance $tool (instantiate $Tool))
  (alias core export $tool "memory" (core memory $memory))
  (alias core export $tool "realloc" (core func $realloc))

  (func (export "definitions") (result (list $definition))
    (canon lift (core func $tool "definitions") (memory $memory) (realloc $realloc)))
  (func (export "call") (param "name" string) (param "arguments-json" string) (result (result string (error $failure)))
    (canon lift (core func $tool "call") (memory $memory) (realloc $realloc))))
