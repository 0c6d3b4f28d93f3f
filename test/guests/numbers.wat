;; Gives lists back as they came, and tells the first number of one, as a core module reads it.
(module
  (memory (export "memory") 1)
  ;; Where a list that is given back is described: address and length.
  (global $result i32 (i32.const 8))
  (global $next (mut i32) (i32.const 64))

  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (local $at i32)
    ;; Aligned to 8, which is enough for all of them.
    (local.set $at (i32.and (i32.add (global.get $next) (i32.const 7)) (i32.const -8)))
    (global.set $next (i32.add (local.get $at) (local.get 3)))
    (local.get $at))

  (func $echo (param i32 i32) (result i32)
    (i32.store (global.get $result) (local.get 0))
    (i32.store offset=4 (global.get $result) (local.get 1))
    (global.get $result))

  (export "test:numbers/lists#echo-u16" (func $echo))
  (export "test:numbers/lists#echo-u32" (func $echo))
  (export "test:numbers/lists#echo-s64" (func $echo))
  (export "test:numbers/lists#echo-f64" (func $echo))
  (func (export "test:numbers/lists#first-u16") (param i32 i32) (result i32) (i32.load16_u (local.get 0)))
  (func (export "test:numbers/lists#first-u32") (param i32 i32) (result i32) (i32.load (local.get 0)))
  (func (export "test:numbers/lists#first-s64") (param i32 i32) (result i64) (i64.load (local.get 0)))
  (func (export "test:numbers/lists#first-f64") (param i32 i32) (result f64) (f64.load (local.get 0))))
