import { cp, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { componentEmbed } from '@bytecodealliance/jco-transpile/wasm-tools'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { generateBindings } from '../../../host/build/bindings/index.ts'
import { buildApp, writeBindings } from '../../../host/build/index.ts'
import { readWitSource } from '../../../host/build/wit-source.ts'
import { readWorld } from '../../../host/build/wit/index.ts'
import { transpiled } from './transpiled.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const wit = join(root, 'wit')

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'selvedge-bindings-'))
})

afterEach(() => rm(folder, { recursive: true, force: true }))

async function writeWorld(text: string): Promise<string> {
  await cp(join(root, 'components/light-alarm/asconfig.json'), join(folder, 'asconfig.json'))
  await writeFile(
    join(folder, 'selvedge.toml'),
    `[app]\nname = "app"\nversion = "1.0.0"\n[component]\nlanguage = "assemblyscript"\nworld = "app"\nsource = "index.ts"\n`,
  )
  await cp(join(root, 'components/hello-http/wit'), join(folder, 'wit'), { recursive: true })
  await writeFile(join(folder, 'wit/world.wit'), text)
  return readWitSource(join(folder, 'wit'), wit)
}

/** What the component tools' own dummy module of a world imports and exports. */
async function coreNamesOf(
  witSource: string,
  world: string,
): Promise<{ imports: string[]; exports: string[] }> {
  const dummy = await componentEmbed({ dummy: true, witSource, world })
  const module = await WebAssembly.compile(dummy as Uint8Array<ArrayBuffer>)
  return {
    imports: WebAssembly.Module.imports(module).map(({ module, name }) => `${module} ${name}`),
    exports: WebAssembly.Module.exports(module)
      .map(({ name }) => name)
      .filter((name) => name !== 'cm32p2_initialize'),
  }
}

describe('the bindings of a world', () => {
  it.each([
    ['ours for sensors', 'sensor-app', null],
    ['wasi:http, both ways', 'app', 'include wasi:http/proxy@0.2.12;'],
    ['a command, with files and sockets', 'app', 'include wasi:cli/command@0.2.12;'],
    [
      'a resource that is imported and exported',
      'app',
      'import wasi:io/streams@0.2.12; export wasi:io/error@0.2.12;',
    ],
    [
      'types, functions and interfaces of its own',
      'app',
      `use wasi:clocks/wall-clock@0.2.12.{datetime};
       record span { begin: datetime, end: datetime }
       resource alarm { constructor(at: span); stop: func(); }
       import wake: func(at: span) -> alarm;
       import tools: interface { use wasi:io/poll@0.2.12.{pollable}; wait: func(on: borrow<pollable>); }
       export now: func() -> datetime;
       export checks: interface { use wasi:clocks/wall-clock@0.2.12.{datetime as time}; at: func(t: time) -> bool; }`,
    ],
  ])('import and export what the component tools expect: %s', async (_, name, world) => {
    const witSource =
      world === null
        ? await readWitSource(wit)
        : await writeWorld(`package my:app@0.0.7;\nworld app { ${world} }`)
    const { files, exports } = generateBindings(readWorld(witSource, name), '../index')
    const core = await coreNamesOf(witSource, name)
    const text = [...files.values()].join('\n')
    const imports = [...text.matchAll(/@external\("([^"]+)", "([^"]+)"\)/g)].map(
      (match) => `${match[1]} ${match[2]}`,
    )
    expect(imports.sort()).toEqual(core.imports.sort())
    const own = exports.map(({ canonical }) => canonical)
    // Only answers that lie in memory need a post-return.
    expect(core.exports.filter((one) => !one.endsWith('_post') && !own.includes(one))).toEqual([])
    expect(own.filter((one) => !core.exports.includes(one))).toEqual([])
  })

  it('carry the comments of the WIT to where an editor shows them', async () => {
    const { files } = generateBindings(readWorld(await readWitSource(wit), 'sensor-app'), '../index')
    expect(files.get('selvedge-device-pins.ts')).toContain(
      '/** Sets the level. Returns when the driver has taken it. */\nexport function write(',
    )
    expect(files.get('selvedge-device-sensor.ts')).toContain('// Reading sensors.')
  })

  it('make a component that serves wasi:http and reads clocks and streams', async () => {
    await writeWorld(`package my:app;
      world app {
        import wasi:io/streams@0.2.12;
        import wasi:clocks/monotonic-clock@0.2.12;
        import wasi:clocks/wall-clock@0.2.12;
        export wasi:http/incoming-handler@0.2.12;
      }`)
    await writeFile(
      join(folder, 'index.ts'),
      `import { Fields, IncomingRequest, OutgoingResponse, ResponseOutparam, ErrorCode } from './bindings/wasi-http-types'
       import { now as ticks } from './bindings/wasi-clocks-monotonic-clock'
       import { now } from './bindings/wasi-clocks-wall-clock'
       import { err } from './bindings/values'
       export namespace incomingHandler {
         export function handle(request: IncomingRequest, out: ResponseOutparam): void {
           const why = now().seconds.toString() + ' ' + ticks().toString()
           ResponseOutparam.set(out, err<OutgoingResponse, ErrorCode>(ErrorCode.internalError(why)))
           request.drop()
         }
       }`,
    )
    const { file } = await buildApp(folder)
    const instantiate = await transpiled(new Uint8Array(await readFile(file)), join(folder, 'glue.mjs'))
    let answer: unknown
    class Resource {
      readonly isFake = true
    }
    class IncomingRequest extends Resource {}
    class OutgoingResponse extends Resource {}
    class Fields extends Resource {}
    class ResponseOutparam extends Resource {
      static set(_: unknown, response: unknown): void {
        answer = response
      }
    }
    const { incomingHandler } = instantiate({
      'wasi:clocks/monotonic-clock': { now: () => 77n },
      'wasi:clocks/wall-clock': { now: () => ({ seconds: 1234n, nanoseconds: 5 }) },
      'wasi:http/types': { Fields, IncomingRequest, OutgoingResponse, ResponseOutparam },
    }) as { incomingHandler: { handle(request: object, out: object): void } }
    incomingHandler.handle(new IncomingRequest(), new ResponseOutparam())
    expect(answer).toEqual({ tag: 'err', val: { tag: 'internal-error', val: '1234 77' } })
  }, 120_000)

  it.each(['stub', 'minimal', 'incremental'])(
    'keep memory flat and what the app made at its start, with the runtime %s',
    async (runtime) => {
      await writeWorld(
        'package my:app;\nworld app { export greet: func(names: list<string>) -> list<string>; }',
      )
      await writeFile(
        join(folder, 'asconfig.json'),
        JSON.stringify({ options: { runtime, optimizeLevel: 1 } }),
      )
      await writeFile(
        join(folder, 'index.ts'),
        `const greeting = ['Good', 'morning'].join(' ')
         export function greet(names: Array<string>): Array<string> {
           const all = new Array<string>()
           for (let i = 0; i < names.length; i++) all.push(greeting + ' ' + names[i])
           return all
         }`,
      )
      const { file } = await buildApp(folder)
      const instantiate = await transpiled(new Uint8Array(await readFile(file)), join(folder, 'glue.mjs'))
      const memories: WebAssembly.Memory[] = []
      const { greet } = instantiate({}, memories) as { greet(names: string[]): string[] }
      const sizes = (): number[] => memories.map((memory) => memory.buffer.byteLength)
      const names = Array.from({ length: 20 }, (_, index) => `number ${index} `.repeat(8))
      const greetings = names.map((name) => `Good morning ${name}`)
      for (let round = 0; round < 100; round++) greet(names)
      const before = sizes()
      for (let round = 0; round < 3000; round++) greet(names)
      expect(sizes()).toEqual(before)
      expect(greet(names)).toEqual(greetings)
    },
    120_000,
  )

  it.each([
    ['stream<u8>', 'a stream'],
    ['future<u8>', 'a future'],
  ])('cannot be made of %s, which is said with its line', async (type, what) => {
    const witSource = await writeWorld(`package my:app;\nworld app {\n  import f: func(v: ${type});\n}`)
    expect(() => readWorld(witSource, 'app')).toThrow(
      `line 3 of the WIT has ${what}, which has no binding here`,
    )
  })

  it.each([
    ['import f: fnc();', 'line 3 of the WIT has "(" where "/" is expected'],
    ['import f: func(v: nothing);', 'the WIT uses a type nothing, which is not there'],
    ['import other:package/x;', 'the WIT names other:package/x, but there is no such package'],
    ['include wasi:http/proxi@0.2.12;', 'there is no such world'],
    ['type a = b; type b = a;', 'uses one that is not there'],
    ['import f: func(v: "x");', 'line 3 of the WIT has "\\"", which WIT does not know'],
  ])('are refused for a world with a mistake: %s', async (item, message) => {
    const witSource = await writeWorld(`package my:app;\nworld app {\n  ${item}\n}`)
    expect(() => readWorld(witSource, 'app')).toThrow(expect.objectContaining({ code: 'ERR_WORLD' }) as Error)
    expect(() => readWorld(witSource, 'app')).toThrow(message)
  })
})

describe('the folder of bindings', () => {
  it('is written without a build, stays out of version control, and loses what an earlier world left', async () => {
    await writeWorld(
      'package my:app;\nworld app { import wasi:clocks/wall-clock@0.2.12; export run: func(); }',
    )
    await writeFile(join(folder, 'index.ts'), '')
    const first = await writeBindings(folder)
    expect(first).toMatchObject({ folder: join(folder, 'bindings'), world: 'app' })
    expect(first.files).toContain('wasi-clocks-wall-clock.ts')
    expect(await readFile(join(folder, 'bindings/.gitignore'), 'utf8')).toBe('*\n')
    await writeFile(join(folder, 'bindings/mine.ts'), '// not generated')
    await writeWorld('package my:app;\nworld app { export run: func(); }')
    await writeBindings(folder)
    const names = await readdir(join(folder, 'bindings'))
    expect(names).not.toContain('wasi-clocks-wall-clock.ts')
    expect(names).toContain('mine.ts')
  })

  it('keeps the times of files that did not change, so that nothing is built for nothing', async () => {
    await writeWorld('package my:app;\nworld app { export run: func(); }')
    await writeBindings(folder)
    const file = join(folder, 'bindings/exports.ts')
    const before = (await stat(file)).mtimeMs
    await writeBindings(folder)
    expect((await stat(file)).mtimeMs).toBe(before)
  })

  it('is not there for apps that a command builds', async () => {
    await writeFile(
      join(folder, 'selvedge.toml'),
      '[app]\nname = "app"\nversion = "1.0.0"\n[component]\ncommand = "make"\n',
    )
    await expect(writeBindings(folder)).rejects.toMatchObject({ code: 'ERR_BUILD_LANGUAGE' })
  })
})
