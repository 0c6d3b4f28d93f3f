/** What leaves the glue because nothing in it asks for it. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { prune } from '../../../host/engine/glue-pruning.ts'
import { generatedOf } from './glue-kit.ts'

function glue(library: string, component = ''): string {
  return `export function instantiate(get, imports = () => {}) {\n${library}\n  let gen = (function* _initGenerator() {\n${component}\n  })()\n}\n`
}

describe('a declaration', () => {
  test('goes where nothing names it, whatever it names itself', () => {
    const { text, removed } = prune(
      glue('  function a() {\n    return b();\n  }\n  class b {\n    #c = {};\n  }'),
    )
    expect(removed).toEqual(['a', 'b'])
    expect(text).toBe(glue('\n'))
  })

  test('stays with all that it names', () => {
    const library =
      '  async function a() {\n    new b();\n  }\n  class b extends c {\n  }\n  function* c() {\n  }'
    expect(prune(glue(library, 'a();'))).toEqual({ text: glue(library, 'a();'), removed: [] })
  })

  test.each(["'a'", '// a', '/* a */', '`${a}`', 'x.a', 'this.#a'])('stays where %s stands', (mention) => {
    expect(prune(glue('  function a() {\n  }', mention)).removed).toEqual([])
  })

  test('stays where it is that of another declaration', () => {
    const library = '  function outer() {\n    {\n  function inner() {\n  }\n    }\n  }'
    expect(prune(glue(library, 'outer();')).removed).toEqual([])
  })

  test('of the component stays, as nothing behind its beginning is looked through', () => {
    expect(prune(glue('', '  function a() {\n  }')).removed).toEqual([])
  })

  test('ends where its brackets do, whatever stands in literals and comments', () => {
    const noise = fc.string({ unit: fc.constantFrom('{', '}', '(', ')', 'x', '"', '/', ' '), maxLength: 20 })
    fc.assert(
      fc.property(noise, noise, noise, (first, second, third) => {
        const body = `    '${first}';\n    \`${second}\${ { x: '}' } }\`;\n    // ${third}\n`
        const { text, removed } = prune(glue(`  function a() {\n${body}  }\n  function b() {\n  }`, 'b();'))
        expect(removed).toEqual(['a'])
        expect(text).toBe(glue('\n  function b() {\n  }', 'b();'))
      }),
    )
  })
})

test.each([
  '  function a() {',
  '  }\n  function a() {\n  }\n{',
  "  function a() {\n 'x\n  }",
  '  /* function a() {\n  }',
])('text in which brackets do not add up is left as it is: %s', (library) => {
  expect(prune(glue(library))).toEqual({ text: glue(library), removed: [] })
})

test.each(['echo', 'hello-http', 'wasi'] as const)(
  'what left the glue of %s is named nowhere in it, and was most of it',
  async (name) => {
    const { original, tight } = await generatedOf(name)
    const { removed } = prune(original)
    expect(tight.text.length).toBeLessThan(original.length / 2)
    const words = new Set(tight.text.match(/[A-Za-z_$][\w$]*/g))
    expect(words.has('AsyncTask')).toBe(false)
    expect(removed.filter((gone) => words.has(gone))).toEqual([])
  },
)
