/** Hostile binaries, made by code: sections as bytes, components from text with whatever names an attacker likes. */
import { encodeU32 } from '../../../host/engine/byte-reader.ts'
import { joinBytes } from '../../../host/engine/core-module.ts'
import { coreModule } from '../../guests/index.ts'

const magic = [0x00, 0x61, 0x73, 0x6d]

export function core(...sections: readonly Uint8Array[]): Uint8Array {
  return joinBytes([Uint8Array.of(...magic, 1, 0, 0, 0), ...sections])
}

export function component(...sections: readonly Uint8Array[]): Uint8Array {
  return joinBytes([Uint8Array.of(...magic, 13, 0, 1, 0), ...sections])
}

export function section(id: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const body = joinBytes(parts)
  return joinBytes([Uint8Array.of(id), encodeU32(body.length), body])
}

/** A count and so many items. */
export function vector(count: number, item: (index: number) => Uint8Array): Uint8Array {
  return joinBytes([encodeU32(count), ...Array.from({ length: count }, (_, index) => item(index))])
}

export function name(text: string): Uint8Array {
  const bytes = new TextEncoder().encode(text)
  return joinBytes([encodeU32(bytes.length), bytes])
}

export function bytes(...values: readonly number[]): Uint8Array {
  return Uint8Array.from(values)
}

/** Signed LEB128, as the index of a type has it. */
export function signed(value: number): Uint8Array {
  const out: number[] = []
  for (let rest = value; ; rest >>= 7) {
    const part = rest & 0x7f
    const isLast = rest >> 7 === 0 && (part & 0x40) === 0
    out.push(isLast ? part : part | 0x80)
    if (isLast) return Uint8Array.from(out)
  }
}

/** Any string as a string of WebAssembly's text. */
export function quoted(text: string): string {
  const codes = [...new TextEncoder().encode(text)].map((byte) => `\\${byte.toString(16).padStart(2, '0')}`)
  return `"${codes.join('')}"`
}

/** Places where a core module's own names come to stand in the glue, each with `evil` as the name. */
export const namedPlaces: Readonly<Record<string, (evil: string) => string>> = {
  'a lifted function': (evil) => `
    (core module $m (func (export ${quoted(evil)}))) (core instance $i (instantiate $m))
    (func (export "run") (canon lift (core func $i ${quoted(evil)})))`,
  'an import': (evil) => `
    (import "f" (func $f)) (core func $l (canon lower (func $f)))
    (core module $m (import ${quoted(evil)} "f" (func)))
    (core instance $i (instantiate $m (with ${quoted(evil)} (instance (export "f" (func $l))))))`,
  'a field of an import': (evil) => `
    (import "f" (func $f)) (core func $l (canon lower (func $f)))
    (core module $m (import "m" ${quoted(evil)} (func)))
    (core instance $i (instantiate $m (with "m" (instance (export ${quoted(evil)} (func $l))))))`,
  'what one module gives another': (evil) => `
    (core module $a (func (export ${quoted(evil)}))) (core instance $ia (instantiate $a))
    (core module $m (import "m" ${quoted(evil)} (func)))
    (core instance $i (instantiate $m (with "m" (instance $ia))))`,
  'a memory': (evil) => `
    (import "f" (func $f (param "s" string)))
    (core module $a (memory (export ${quoted(evil)}) 1)) (core instance $ia (instantiate $a))
    (alias core export $ia ${quoted(evil)} (core memory $memory))
    (core func $l (canon lower (func $f) (memory $memory)))
    (core module $m (import "a" "b" (func (param i32 i32))))
    (core instance $i (instantiate $m (with "a" (instance (export "b" (func $l))))))`,
  'a realloc and a post-return': (evil) => `
    (core module $a (memory (export "m") 1)
      (func (export ${quoted(evil)}) (param i32 i32 i32 i32) (result i32) i32.const 0)
      (func (export "run") (result i32) i32.const 0) (func (export ${quoted(`${evil}p`)}) (param i32)))
    (core instance $i (instantiate $a))
    (func (export "run") (result string) (canon lift (core func $i "run") (memory (core memory $i "m"))
      (realloc (core func $i ${quoted(evil)})) (post-return (core func $i ${quoted(`${evil}p`)}))))`,
  'a table of a shim': (evil) => `
    (core module $a (table (export ${quoted(evil)}) 1 funcref)) (core instance $ia (instantiate $a))
    (core module $m (import "m" ${quoted(evil)} (table 1 funcref)))
    (core instance $i (instantiate $m (with "m" (instance $ia))))`,
  'a destructor': (evil) => `
    (core module $a (func (export ${quoted(evil)}) (param i32))) (core instance $ia (instantiate $a))
    (alias core export $ia ${quoted(evil)} (core func $drop))
    (type $r (resource (rep i32) (dtor (core func $drop))))
    (core func $n (canon resource.new $r))
    (core module $m (import "a" "n" (func $n (param i32) (result i32)))
      (func (export "c") (result i32) (call $n (i32.const 7))))
    (core instance $i (instantiate $m (with "a" (instance (export "n" (func $n))))))
    (func $make (result (own $r)) (canon lift (core func $i "c")))
    (component $face (import "r" (type $r (sub resource))) (import "make" (func $make (result (own $r))))
      (export $e "r" (type $r)) (export "make" (func $make) (func (result (own $e)))))
    (instance $face (instantiate $face (with "r" (type $r)) (with "make" (func $make))))
    (export "a:b/c" (instance $face))`,
}

export function placed(place: string, evil: string): Promise<Uint8Array> {
  const text = namedPlaces[place]
  if (text === undefined) throw new Error(`no place ${place}`)
  return coreModule(`(component ${text(evil)})`)
}
