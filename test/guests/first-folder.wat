;; A command that says the name of the first folder it was given, and fails where there is none. Its world is in
;; first-folder.wit.
(module
  (import "wasi:cli/stdout@0.2.3" "get-stdout" (func $stdout (result i32)))
  (import "wasi:io/streams@0.2.3" "[method]output-stream.blocking-write-and-flush"
    (func $write (param i32 i32 i32 i32)))
  (import "wasi:filesystem/preopens@0.2.3" "get-directories" (func $directories (param i32)))
  (memory (export "memory") 1)
  (global $next (mut i32) (i32.const 1024))
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (local $at i32)
    (local.set $at (i32.and (i32.add (global.get $next) (i32.const 7)) (i32.const -8)))
    (global.set $next (i32.add (local.get $at) (local.get 3)))
    (local.get $at))
  (func (export "wasi:cli/run@0.2.3#run") (result i32)
    (local $first i32)
    (call $directories (i32.const 128))
    (if (i32.eqz (i32.load (i32.const 132))) (then (return (i32.const 1))))
    ;; Each is a handle, then its name's place and length.
    (local.set $first (i32.load (i32.const 128)))
    (call $write (call $stdout)
      (i32.load (i32.add (local.get $first) (i32.const 4)))
      (i32.load (i32.add (local.get $first) (i32.const 8)))
      (i32.const 256))
    (i32.const 0)))
