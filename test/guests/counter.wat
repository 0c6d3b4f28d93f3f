;; Remembers: a global and a byte of memory count its events. What it sees of the calls before is what it logs. An event
;; of value -1 keeps a page of memory, so that it cannot be put back as it began.
(module
  (import "wasi:logging/logging@0.1.0-draft" "log" (func $log (param i32 i32 i32 i32 i32)))
  (memory (export "memory") 1)
  (global $count (mut i32) (i32.const 48))
  (data (i32.const 64) "0-")
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 4096))
  (func (export "selvedge:edge/sensor-handler@0.1.0#handle") (param i64 i32 i32 f64 i32 i32 i64) (result i32)
    (if (f64.eq (local.get 3) (f64.const -1)) (then (drop (memory.grow (i32.const 1)))))
    (global.set $count (i32.add (global.get $count) (i32.const 1)))
    (i32.store8 (i32.const 65) (global.get $count))
    (i32.store8 (i32.const 64) (i32.add (i32.load8_u (i32.const 64)) (i32.const 1)))
    (call $log (i32.const 2) (i32.const 64) (i32.const 2) (i32.const 64) (i32.const 2))
    (i32.store8 (i32.const 128) (i32.const 0))
    (i32.const 128)))
