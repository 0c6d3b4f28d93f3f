;; Imports two interfaces that no node has; its world is in unknown.wit.
(module
  (import "acme:radio/link@1.0.0" "send" (func $send (param i32)))
  (import "wasi:random/dice@0.2.0" "throw" (func $throw (result i32)))
  (func (export "run") (call $send (call $throw))))
