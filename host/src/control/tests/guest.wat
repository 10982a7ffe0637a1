;; A guest to be killed. What `call` does is @body@: it may `$report` (one call into the host) and use `memory`.
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
  (import "toolgate:tool/call-context@0.1.0" (instance $context
    (export "progress" (func (param "done" f64) (param "total" (option f64)) (param "message" (option string))))))

  ;; One page, and room in it for the two texts of a call, one over the other.
  (core module $Heap
    (memory (export "memory") 1)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024)))
  (core instance $heap (instantiate $Heap))
  (alias core export $heap "memory" (core memory $memory))
  (alias core export $heap "realloc" (core func $realloc))
  (core func $progress (canon lower (func $context "progress") (memory $memory)))

  (core module $Tool
    (import "heap" "memory" (memory 1))
    (import "host" "progress" (func $progress (param f64 i32 f64 i32 i32 i32)))
    (func $report
      (call $progress (f64.const 1) (i32.const 0) (f64.const 0) (i32.const 0) (i32.const 0) (i32.const 0)))
    (func (export "definitions") (result i32) (unreachable))
    (func (export "call") (param i32 i32 i32 i32) (result i32)
      @body@
      (unreachable)))
  (core instance $host (export "progress" (func $progress)))
  (core instance $tool (instantiate $Tool (with "heap" (instance $heap)) (with "host" (instance $host))))

  (func (export "definitions") (result (list $definition))
    (canon lift (core func $tool "definitions") (memory $memory) (realloc $realloc)))
  (func (export "call") (param "name" string) (param "arguments-json" string) (result (result string (error $failure)))
    (canon lift (core func $tool "call") (memory $memory) (realloc $realloc))))
