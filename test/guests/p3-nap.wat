;; Naps for as many nanoseconds as it is asked to, says how often it has; or traps, or ends itself.
(component
  (import "wasi:clocks/monotonic-clock@0.3.0" (instance $clock
    (export "wait-for" (func async (param "how-long" u64)))))
  (import "wasi:cli/exit@0.3.0" (instance $exit
    (export "exit-with-code" (func (param "status-code" u8)))))
  (core func $wait-for (canon lower (func $clock "wait-for")))
  (core func $exit-with-code (canon lower (func $exit "exit-with-code")))
  (core func $return (canon task.return (result u32)))
  (core module $guest
    (import "host" "wait-for" (func $wait-for (param i64)))
    (import "host" "exit-with-code" (func $exit-with-code (param i32)))
    (import "host" "return" (func $return (param i32)))
    (global $naps (mut i32) (i32.const 0))
    (func (export "nap") (param $ns i64) (result i32)
      (call $wait-for (local.get $ns))
      (global.set $naps (i32.add (global.get $naps) (i32.const 1)))
      (call $return (global.get $naps))
      (i32.const 0)) ;; EXIT
    (func (export "trap") (param $ns i64) (result i32)
      (call $wait-for (local.get $ns))
      unreachable)
    (func (export "quit") (param $ns i64) (result i32)
      (call $wait-for (local.get $ns))
      (call $exit-with-code (i32.const 7))
      unreachable)
    (func (export "event") (param i32 i32 i32) (result i32) unreachable))
  (core instance $g (instantiate $guest (with "host" (instance
    (export "wait-for" (func $wait-for))
    (export "exit-with-code" (func $exit-with-code))
    (export "return" (func $return))))))
  (func (export "nap") async (param "ns" u64) (result u32) (canon lift (core func $g "nap") async (callback (core func $g "event"))))
  (func (export "trap") async (param "ns" u64) (result u32) (canon lift (core func $g "trap") async (callback (core func $g "event"))))
  (func (export "quit") async (param "ns" u64) (result u32) (canon lift (core func $g "quit") async (callback (core func $g "event")))))
