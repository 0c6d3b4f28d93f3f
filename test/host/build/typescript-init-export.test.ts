import { componentWit, parse } from '@bytecodealliance/jco-transpile/wasm-tools'
import * as fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { withoutExport } from '../../../host/build/typescript-init-export.ts'

let component: Uint8Array

/** As componentize-qjs links it: everything comes from one inner instance, and the exports stand at the end. */
const linked = `(component
  (component $inner
    (core module $m (func (export "f")))
    (core instance $i (instantiate $m))
    (func $f (canon lift (core func $i "f")))
    (instance $n (export "g" (func $f)))
    (export "init" (func $f))
    (export "f" (func $f))
    (export "a:b/i" (instance $n)))
  (instance $a (instantiate $inner))
  (alias export $a "init" (func $init))
  (alias export $a "f" (func $f))
  (alias export $a "a:b/i" (instance $n))
  (export "init" (func $init))
  (export "f" (func $f))
  (export "a:b/i" (instance $n)))`

beforeAll(async () => {
  component = new Uint8Array(await parse(linked))
})

async function exportsOf(bytes: Uint8Array): Promise<(string | undefined)[]> {
  return [...(await componentWit(bytes)).matchAll(/^ {2}export (\S+?)[:;]( |$)/gm)].map((match) => match[1])
}

describe('taking an export off a component', () => {
  it('leaves all others and a valid component', async () => {
    for (const name of ['init', 'f']) {
      const left = await exportsOf(withoutExport(component, name))
      expect(left).toHaveLength((await exportsOf(component)).length - 1)
      expect(left).not.toContain(name)
    }
  })

  it('leaves a component without that export as it is', () => {
    expect(withoutExport(component, 'other')).toBe(component)
  })

  it('is refused where something behind it would lose its index', async () => {
    const wat = `(component
      (core module $m (func (export "f")))
      (core instance $i (instantiate $m))
      (func $f (canon lift (core func $i "f")))
      (export $e "init" (func $f))
      (instance $n (export "again" (func $e)))
      (export "n" (instance $n)))`
    const bytes = new Uint8Array(await parse(wat))
    expect(() => withoutExport(bytes, 'init')).toThrow('stands where it cannot be taken away')
  })

  it('ends with an error or a result for any damage', () => {
    fc.assert(
      fc.property(fc.nat(component.length - 1), fc.nat(255), (at, byte) => {
        const damaged = new Uint8Array(component)
        damaged[at] = byte
        try {
          withoutExport(damaged, 'init')
        } catch (error) {
          expect(error).toMatchObject({ code: 'ERR_BUILD_FAILED' })
        }
      }),
    )
  })
})
