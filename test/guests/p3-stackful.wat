;; Functions that are asynchronous without a callback: each is one stack, which is suspended where it waits.
(component
  (import "wasi:clocks/monotonic-clock@0.3.0" (instance $clock
    (export "wait-for" (func async (param "how-long" u64)))))
  (core func $wait-for (canon lower (func $clock "wait-for")))
  (core func $return (canon task.return (result u32)))
  (core module $guest
    (import "host" "wait-for" (func $wait-for (param i64)))
    (import "host" "return" (func $return (param i32)))
    (global $finished (mut i32) (i32.const 0))
    ;; Says how many were finished before it, and goes on for as long again.
    (func (export "nap") (param $ns i64)
      (call $wait-for (local.get $ns))
      (call $return (global.get $finished))
      (call $wait-for (local.get $ns))
      (global.set $finished (i32.add (global.get $finished) (i32.const 1))))
    (func (export "trap") (param $ns i64)
      (call $wait-for (local.get $ns))
      unreachable)
    (func (export "trap-late") (param $ns i64)
      (call $return (i32.const 1))
      (call $wait-for (local.get $ns))
      unreachable)
    (func (export "forget") (param $ns i64)
      (call $wait-for (local.get $ns))))
  (core instance $g (instantiate $guest (with "host" (instance
    (export "wait-for" (func $wait-for))
    (export "return" (func $return))))))
  (func (export "nap") async (param "ns" u64) (result u32) (canon lift (core func $g "nap") async))
  (func (export "trap") async (param "ns" u64) (result u32) (canon lift (core func $g "trap") async))
  (func (export "trap-late") async (param "ns" u64) (result u32) (canon lift (core func $g "trap-late") async))
  (func (export "forget") async (param "ns" u64) (result u32) (canon lift (core func $g "forget") async)))
