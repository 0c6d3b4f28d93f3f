/** JavaScript is generated from a component: nothing that an attacker names in it may become code. */
import * as fc from 'fast-check'
import { describe, expect, onTestFinished, test } from 'vitest'
import { MalformedError } from '../../../host/engine/byte-reader.ts'
import { outlineOf } from '../../../host/engine/component-reader.ts'
import { transpile } from '../../../host/engine/transpiler.ts'
import { compileGlue } from '../../../host/guest/index.ts'
import { coreModule } from '../../guests/index.ts'
import { namedPlaces, placed, quoted } from './hostile.ts'
import { makeEngine } from './kit.ts'

const places = Object.keys(namedPlaces)
type Instantiate = (
  getCoreModule: (name: string) => WebAssembly.Module,
  imports: object,
  instantiateCore: (module: WebAssembly.Module, imports?: WebAssembly.Imports) => WebAssembly.Instance,
) => Promise<unknown>

/** Makes an instance of it, as a sandbox does. */
async function run(component: Uint8Array): Promise<void> {
  const { glue, modules } = await transpile(component, {
    isAsync: false,
    imports: outlineOf(component).imports,
  })
  const instantiate = (
    compileGlue({ text: Buffer.from(glue).toString('utf8'), code: null }) as () => Instantiate
  )()
  await instantiate(
    (wanted) => new WebAssembly.Module(modules.get(wanted)!),
    { f: { default: () => undefined } },
    (module, imports) => new WebAssembly.Instance(module, imports),
  )
}

describe.each(places)('the name of %s', (place) => {
  test.each([
    [`x'];globalThis.pwned=1;['`],
    [`x':globalThis.pwned=1,'`],
    [`\\'];globalThis.pwned=1;//`],
    ['\n;globalThis.pwned=1;'],
    ['\u2028globalThis.pwned=1'],
    ['`;globalThis.pwned=1;`'],
    ['";globalThis.pwned=1;"'],
    ['\u001b[31m'],
    ['\u202eevil'],
    ['x'.repeat(50_000)],
  ])('is refused where it could end its quotes or deceive a reader (%#)', async (evil) => {
    const component = await placed(place, evil)
    await expect(run(component)).rejects.toBeInstanceOf(MalformedError)
  })

  test('is a name and nothing else, whatever else is in it', async () => {
    const hostile = fc.oneof(
      fc.string({ unit: 'grapheme', maxLength: 12 }),
      fc.string({ unit: 'binary', maxLength: 12 }),
      fc
        .array(
          fc.constantFrom(
            "'",
            '"',
            '`',
            '\\',
            '${',
            '}',
            '*/',
            '//',
            '/*',
            '<!--',
            ']',
            ';',
            'globalThis.pwned=1',
            '__proto__',
            'constructor',
            'default',
            'import.meta.url',
            'export function instantiate',
            '_debugLog(',
            'exports0',
            '#',
            ' ',
          ),
          { maxLength: 6 },
        )
        .map((parts) => parts.join('')),
    )
    await fc.assert(
      fc.asyncProperty(hostile, async (evil) => {
        const component = await placed(place, evil).catch(() => null)
        if (component === null) return
        try {
          await run(component)
        } catch (error) {
          // Refused before its text was compiled, or of no use; never a fault of the text.
          expect(error).not.toBeInstanceOf(SyntaxError)
        }
        expect('pwned' in globalThis).toBe(false)
      }),
      { numRuns: 40 },
    )
  })
})

test('names that only the component uses, and those for a debugger, do not reach the glue', async () => {
  const evil = "x'];globalThis.pwned=1;['"
  const text = `(component $${quoted(`c*/${evil}/*`)}
    (import "f" (func $f (param "s" string)))
    (core module $${quoted(`m*/${evil}/*`)} (memory (export "m") 1) (func $${quoted(`f*/${evil}`)} (export "r")))
    (core instance $a (instantiate $${quoted(`m*/${evil}/*`)}))
    (alias core export $a "m" (core memory $m)) (alias core export $a "r" (core func $r))
    (core instance $x (export ${quoted(evil)} (memory $m)) (export ${quoted(`${evil}r`)} (func $r)))
    (alias core export $x ${quoted(evil)} (core memory $memory))
    (core func $l (canon lower (func $f) (memory $memory)))
    (core module $b (import "a" "b" (func (param i32 i32))))
    (core instance (instantiate $b (with "a" (instance (export "b" (func $l)))) (with ${quoted(evil)} (instance $x))))
    (func (export "run") (canon lift (core func $x ${quoted(`${evil}r`)}))))`
  const component = await coreModule(text)
  expect(Buffer.from(component).includes('pwned')).toBe(true)
  const { glue } = await transpile(component, { isAsync: false, imports: ['f'] })
  expect(Buffer.from(glue).includes('pwned')).toBe(false)
  await run(component)
})

test('a component that names code is refused before anything of it runs', async () => {
  const engine = makeEngine()
  onTestFinished(() => engine.stop())
  const refusal = await engine
    .inspect(await placed('a lifted function', "x'];y;['"))
    .catch((error: unknown) => error)
  expect(refusal).toMatchObject({
    code: 'ERR_COMPONENT_INVALID',
    message: expect.stringContaining('a quote, a backslash or a control character') as string,
  })
})

/** Lifts lists of lists and of text, as an asynchronous function does and as one between two components does. */
const asynchronous = `(component
  (import "f" (func $f async (param "x" (list (list (result)))) (param "y" (list string))))
  (core module $a (memory (export "m") 1)) (core instance $a (instantiate $a))
  (alias core export $a "m" (core memory $m))
  (core func $l (canon lower (func $f) async (memory $m)))
  (core func $return (canon task.return (result (list string)) (memory $m)))
  (core module $b (import "a" "f" (func (param i32 i32 i32 i32) (result i32))) (import "a" "r" (func $r (param i32 i32)))
    (func (export "run") (result i32) (call $r (i32.const 0) (i32.const 1)) i32.const 0)
    (func (export "back") (param i32 i32 i32) (result i32) i32.const 0))
  (core instance $i (instantiate $b (with "a" (instance (export "f" (func $l)) (export "r" (func $return))))))
  (func (export "run") async (result (list string))
    (canon lift (core func $i "run") (memory $m) async (callback (core func $i "back")))))`

test('what an asynchronous function hands over is bounded too, in the generator’s own lines', async () => {
  const { glue, plain } = await transpile(await coreModule(asynchronous), { isAsync: true, imports: ['f'] })
  const text = Buffer.from(glue).toString('utf8')
  expect(plain).toBe(false)
  expect(text).toContain('_innerList(dataPtr, len, typedArray === undefined ? elemSize32 : 0);')
  expect(text).toContain('_listDepth -= 1;')
  expect(text).toContain('if (_listDepth > 0) _charge(codeUnits);')
})
