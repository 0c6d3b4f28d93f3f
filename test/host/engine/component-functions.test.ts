/** What the engine tells of a component's functions, so that others can call them by name and through links. */
import { beforeAll, describe, expect, it } from 'vitest'
import { functionsOf } from '../../../host/engine/component-functions.ts'
import { componentOf } from './wit-component.ts'

const caller = `
package acme:app;
interface api {
  record point { x: s32, y: option<s32> }
  variant failure { unavailable(string), other }
  move: func(by: list<point>, name: string) -> result<point, failure>;
}
interface held { resource thing { get: func() -> u32; } take: func(it: own<thing>) -> u32; }
world app {
  import api;
  import held;
  export api;
  export twice: func(n: u64) -> u64;
}`

describe('the functions of a component', () => {
  let bytes: Uint8Array
  beforeAll(async () => {
    bytes = await componentOf(caller, 'app')
  })

  it('are told with the types of an imported interface, which no export of it repeats', () => {
    const { imports } = functionsOf(bytes)
    const api = imports.find(({ id }) => id === 'acme:app/api')
    expect(api?.functions).toEqual([
      {
        name: 'move',
        signature: expect.objectContaining({
          parameters: [
            { name: 'by', type: { kind: 'list', item: expect.objectContaining({ kind: 'record' }) } },
            { name: 'name', type: { kind: 'string' } },
          ],
          result: {
            kind: 'result',
            ok: expect.objectContaining({ kind: 'record' }),
            err: expect.objectContaining({ kind: 'variant' }),
          },
        }),
      },
    ])
  })

  it('are told with those that the world itself exports', () => {
    const { exports } = functionsOf(bytes)
    expect(exports.map(({ id, functions }) => [id, functions.map(({ name }) => name)])).toEqual([
      ['', ['twice']],
      ['acme:app/api', ['move']],
    ])
  })

  it('that pass resources say so', () => {
    const held = functionsOf(bytes).imports.find(({ id }) => id === 'acme:app/held')
    expect(held?.functions.find(({ name }) => name === 'take')?.signature?.parameters[0]?.type).toEqual({
      kind: 'handle',
    })
  })
})
