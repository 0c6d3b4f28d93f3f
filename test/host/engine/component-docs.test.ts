/** What is said of a component's functions is read from its custom sections, within bounds, and believed in nothing else. */
import * as fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { encodeU32 } from '../../../host/engine/byte-reader.ts'
import { docsLimits, withDocs, type InterfaceDocs } from '../../../host/engine/component-docs.ts'
import { functionsOf, type ComponentFunctions } from '../../../host/engine/component-functions.ts'
import { componentOf } from './wit-component.ts'

const source = `
package acme:app@1.2.0;
interface api {
  record point { x: s32, y: option<s32> }
  move: func(by: list<point>) -> point;
  stay: func();
}
world app {
  export api;
  export inline: interface { peek: func() -> u32; }
  export twice: func(n: u64) -> u64;
}`

let bare: Uint8Array

beforeAll(async () => {
  bare = await componentOf(source, 'app')
})

function withSection(name: string, body: Uint8Array): Uint8Array {
  const text = Buffer.from(name)
  const content = Buffer.concat([encodeU32(text.length), text, body])
  return new Uint8Array(Buffer.concat([bare, Buffer.from([0]), encodeU32(content.length), content]))
}

const packageDocs = (docs: unknown, version = 1): Uint8Array =>
  withSection('package-docs', Buffer.concat([Buffer.from([version]), Buffer.from(JSON.stringify(docs))]))

/** What is said, by interface and function. */
function said(component: Uint8Array): Record<string, string> {
  return toldBy(functionsOf(component))
}

function toldBy({ exports }: ComponentFunctions): Record<string, string> {
  const all = exports.flatMap(({ id, docs, functions }) => [
    [id, docs],
    ...functions.map((one) => [`${id}#${one.name}`, one.docs]),
  ])
  return Object.fromEntries(all.filter(([, docs]) => docs !== undefined)) as Record<string, string>
}

describe('the docs of a component', () => {
  it('are none where it has no section of them', () => {
    expect(said(bare)).toEqual({})
  })

  it('are those that a build put behind it, by the full names of interfaces', () => {
    const docs = new Map<string, InterfaceDocs>([
      [
        'acme:app/api@1.2.0',
        { docs: 'Ways to move.', funcs: { move: { docs: 'By some points.\nAt once.' } } },
      ],
      ['', { funcs: { twice: { docs: 'Twice as much.' } } }],
      ['acme:app/api@1.3.0', { docs: 'Of another version.', funcs: {} }],
    ])
    const component = withDocs(bare, docs)
    expect(said(component)).toEqual({
      'acme:app/api@1.2.0': 'Ways to move.',
      'acme:app/api@1.2.0#move': 'By some points.\nAt once.',
      '#twice': 'Twice as much.',
    })
    expect(functionsOf(component).exports.map(({ functions }) => functions.length)).toEqual(
      functionsOf(bare).exports.map(({ functions }) => functions.length),
    )
  })

  it('take the place of those that were there before, and leave with the last of them', () => {
    const once = withDocs(bare, new Map([['', { funcs: { twice: { docs: 'Before.' } } }]]))
    const again = withDocs(once, new Map([['', { funcs: { twice: { docs: 'After.' } } }]]))
    expect(said(again)).toEqual({ '#twice': 'After.' })
    expect(again.length).toBe(once.length - 1)
    expect(Buffer.from(withDocs(again, new Map())).equals(bare)).toBe(true)
  })

  it.each([0, 1])(
    'are those of the section package-docs, version %i, where tools of others wrote one',
    (version) => {
      const docs = {
        docs: 'The package.',
        interfaces: { api: { docs: 'Ways.', funcs: { move: { docs: 'Moves.', stability: 'unknown' } } } },
        worlds: {
          app: {
            interface_exports: { inline: { funcs: { peek: { docs: 'Looks.' } } } },
            funcs: { twice: { docs: 'Doubles.' } },
          },
        },
      }
      expect(said(packageDocs(docs, version))).toEqual({
        'acme:app/api@1.2.0': 'Ways.',
        'acme:app/api@1.2.0#move': 'Moves.',
        'inline#peek': 'Looks.',
        '#twice': 'Doubles.',
      })
    },
  )

  it('are none where they are of a later version, too large, no JSON, or of another shape', () => {
    const large = { interfaces: { api: { docs: 'x'.repeat(docsLimits.sectionBytes), funcs: {} } } }
    for (const component of [
      packageDocs({ interfaces: { api: { docs: 'x' } } }, 2),
      packageDocs(large),
      packageDocs({ interfaces: { api: { docs: 7 } } }),
      packageDocs([]),
      packageDocs({ interfaces: { api: { funcs: { move: 'x' } } } }),
      withSection('package-docs', Buffer.from('\u0001{')),
      withSection('package-docs', Buffer.from(`\u0001${'['.repeat(100_000)}`)),
      withSection('package-docs', Buffer.alloc(0)),
    ]) {
      expect(said(component)).toEqual({})
    }
  })

  it('cannot steer a terminal, and are cut where they are long', () => {
    const long = 'ä'.repeat(docsLimits.chars + 5)
    const docs = { docs: '\u001b[2J\u202eWays.\nMore.', funcs: { move: { docs: long } } }
    expect(said(packageDocs({ interfaces: { api: docs } }))).toEqual({
      'acme:app/api@1.2.0': '\ufffd[2J\ufffdWays.\nMore.',
      'acme:app/api@1.2.0#move': 'ä'.repeat(docsLimits.chars),
    })
  })

  it('of names that every object has are not made up', () => {
    expect(said(packageDocs({ interfaces: { __proto__: { docs: 'x' }, toString: { docs: 'y' } } }))).toEqual(
      {},
    )
  })

  it('whatever the section holds, leave the functions as they are', () => {
    const plain = functionsOf(bare)
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 200 }),
        fc.constantFrom('package-docs', 'selvedge-wit-docs'),
        (body, name) => {
          const { exports } = functionsOf(withSection(name, body))
          expect(exports.map(({ id }) => id)).toEqual(plain.exports.map(({ id }) => id))
        },
      ),
      { numRuns: 200 },
    )
  })

  it('stand beside types with the names that their interface gives them', () => {
    const api = functionsOf(bare).exports.find(({ id }) => id === 'acme:app/api@1.2.0')
    expect(api?.functions.find(({ name }) => name === 'move')?.signature).toMatchObject({
      parameters: [{ type: { kind: 'list', item: { kind: 'record', name: 'point' } } }],
      result: { kind: 'record', name: 'point' },
    })
  })
})
