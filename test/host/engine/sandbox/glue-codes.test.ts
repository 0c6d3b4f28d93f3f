/** V8's code of the glue: made beside the sandboxes, and left out where there is none. */
import { spawnSync } from 'node:child_process'
import { pathToFileURL } from 'node:url'
import { Script } from 'node:vm'
import { afterEach, describe, expect, test } from 'vitest'
import { GlueCodes } from '../../../../host/engine/sandbox/glue-codes.ts'
import type { StoredComponent } from '../../../../host/engine/cache.ts'
import { compileGlue, glueFile, glueScript } from '../../../../host/guest/index.ts'

const facts = {
  kind: 'component',
  digest: 'a'.repeat(64),
  sizeBytes: 0,
  imports: [],
  exports: [],
  features: [],
} as unknown as StoredComponent['facts']

function stored(text: string): StoredComponent {
  return { facts, glue: { text, code: null }, restore: null, modules: [] }
}

const running: GlueCodes[] = []
afterEach(() => Promise.all(running.splice(0).map((codes) => codes.stop())))

function codesWith(changes: { glueCodeChars?: number; compiler?: string } = {}): GlueCodes {
  const { glueCodeChars = 10_000, compiler = 'dist/glue-compiler.mjs' } = changes
  const made = new GlueCodes({
    limits: { glueCodeChars, bootMs: 20_000 },
    compiler: () => Promise.resolve(pathToFileURL(compiler)),
  })
  running.push(made)
  return made
}

/** What core/compat.ts sets in every process of ours. */
function flags(): string {
  const isOld = Number(process.versions.node.split('.')[0]) < 22
  return isOld ? "require('node:v8').setFlagsFromString('--experimental-wasm-extended-const');" : ''
}

const sample = glueScript(
  'export function instantiate(left) { const inner = () => left * 2; return inner() }',
)

describe('the code of a glue', () => {
  test('is taken in by V8, and does what the text does', async () => {
    const codes = codesWith()
    const component = stored(sample)
    expect(await codes.make(component)).toBe(true)
    const { glue } = codes.with(component)
    expect(glue?.text).toBe(sample)
    const cachedData = Buffer.from(glue?.code ?? [])
    expect(new Script(sample, { filename: glueFile, cachedData }).cachedDataRejected).toBe(false)
    const instantiate = (compileGlue(glue!) as () => (left: number) => number)()
    expect(instantiate(21)).toBe(42)
  })

  test('is taken in by a process whose heap has a limit, as that of a sandbox has', async () => {
    const codes = codesWith()
    const component = stored(sample)
    await codes.make(component)
    const code = Buffer.from(codes.with(component).glue?.code ?? []).toString('base64')
    const program = `
      require('node:v8').setFlagsFromString('--max-old-space-size=0')
      const [text, filename, code] = process.argv.slice(1)
      const script = new (require('node:vm').Script)(text, { filename, cachedData: Buffer.from(code, 'base64') })
      console.log(script.cachedDataRejected, require('node:v8').getHeapStatistics().heap_size_limit < 2 ** 30)`
    const args = ['--max-old-space-size=64', '-e', `${flags()}${program}`, sample, glueFile, code]
    const { stdout } = spawnSync(process.execPath, args, { encoding: 'utf8', env: {} })
    expect(stdout).toBe('false true\n')
  })

  test('holds functions that nothing has called', async () => {
    const codes = codesWith()
    const [short, long] = ['', 'x += 1;'.repeat(200)].map((body) =>
      stored(glueScript(`export function instantiate() { return () => { let x = 0; ${body} } }`)),
    )
    await codes.make(short!)
    await codes.make(long!)
    const sizeOf = (component: StoredComponent): number => codes.with(component).glue?.code?.length ?? 0
    expect(sizeOf(long!)).toBeGreaterThan(sizeOf(short!) + 400)
  })

  test('is not waited for', () => {
    const component = stored(sample)
    const codes = codesWith()
    void codes.make(component)
    expect(codes.with(component)).toBe(component)
  })

  test('is made once for all that run of the same component', async () => {
    const component = stored(sample)
    const codes = codesWith()
    await Promise.all([codes.make(component), codes.make(component)])
    const first = codes.with(component).glue?.code
    await codes.make(component)
    expect(codes.with(component).glue?.code).toBe(first)
  })

  test('of another text, or damaged in its head, is not taken in, and the text runs', async () => {
    const codes = codesWith()
    const component = stored(sample)
    await codes.make(component)
    const code = codes.with(component).glue?.code?.slice() ?? new Uint8Array()
    const other = glueScript('export function instantiate() { return 7 }')
    const run = (text: string, given: Uint8Array): unknown =>
      (compileGlue({ text, code: given }) as () => (left: number) => number)()(21)
    expect(run(other, code)).toBe(7)
    code.fill(0, 0, 8)
    expect(run(sample, code)).toBe(42)
  })

  test.each([
    ['a long text', {}, `${sample} // ${'x'.repeat(10_000)}`],
    ['a text that is no program', {}, '(function () {'],
    ['any text where its compiler is missing', { compiler: 'dist/none.mjs' }, sample],
  ] as const)('is left out for %s', async (_, changes, text) => {
    const codes = codesWith(changes)
    const component = stored(text)
    expect(await codes.make(component)).toBe(false)
    expect(codes.with(component)).toBe(component)
  })

  test('of the next is made after one that could not be', async () => {
    const codes = codesWith()
    const made = await Promise.all([codes.make(stored('(')), codes.make(stored(sample))])
    expect(made).toEqual([false, true])
  })

  test('of one after the other is made by the same thread', async () => {
    const codes = codesWith()
    const waiting = [
      codes.make(stored(sample)),
      codes.make(stored(`${sample} `)),
      codes.make(stored(`${sample}  `)),
    ]
    expect(await Promise.all(waiting)).toEqual([true, true, true])
  })

  test('is left out once all was stopped, and nobody waits for it', async () => {
    const codes = codesWith()
    const waiting = [codes.make(stored(sample)), codes.make(stored(`${sample} `))]
    await codes.stop()
    expect(await Promise.all(waiting)).toEqual([false, false])
    expect(await codes.make(stored(sample))).toBe(false)
  })
})
