import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { buildApp } from '../../../host/build/index.ts'
import { importTools } from '../../../host/build/toolchain.ts'

const lightAlarm = fileURLToPath(new URL('../../../components/light-alarm', import.meta.url))
const root = fileURLToPath(new URL('../../..', import.meta.url))

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'selvedge-build-'))
})

afterEach(() => rm(folder, { recursive: true, force: true }))

async function edit(file: string, from: string, to: string): Promise<void> {
  const text = await readFile(join(folder, file), 'utf8')
  expect(text).toContain(from)
  await writeFile(join(folder, file), text.replace(from, to))
}

async function writeManifest(component: string): Promise<void> {
  await writeFile(
    join(folder, 'selvedge.toml'),
    `[app]\nname = "app"\nversion = "1.0.0"\n[component]\nfile = "build/app.wasm"\n${component}`,
  )
}

/** Leaves a file in build/ that is a component as far as the first bytes tell. */
const writeComponent = `mkdir -p build && printf '\\000asm\\015\\000\\001\\000' > build/app.wasm`

describe('an app that a command builds', () => {
  it('has the command run in its folder, and its output passed on line by line', async () => {
    const said: string[] = []
    await writeManifest(`command = """echo hello; pwd >&2; ${writeComponent.replaceAll('\\', '\\\\')}"""`)
    const result = await buildApp(folder, { progress: (step) => said.push(step) })
    expect(result).toMatchObject({ file: join(folder, 'build/app.wasm'), sizeBytes: 8 })
    expect(said).toContain('hello')
    expect(said).toContain(folder)
  })

  it.each([
    ['echo no such tool; exit 3', /failed: exit code 3\n {2}no such tool$/],
    ['true', /ended well, but there is no .*build\/app\.wasm$/],
    ['mkdir -p build; echo text > build/app.wasm', /made no WebAssembly component$/],
    [
      "mkdir -p build; printf '\\\\000asm\\\\001\\\\000\\\\000\\\\000' > build/app.wasm",
      /made no WebAssembly component$/,
    ],
  ])('is not built by %j', async (command, message) => {
    await writeManifest(`command = "${command}"`)
    await expect(buildApp(folder)).rejects.toMatchObject({
      code: 'ERR_BUILD_FAILED',
      message: expect.stringMatching(message),
    })
  })

  it('keeps what its WIT says of what it exports, and is built without where that cannot be read', async () => {
    await writeManifest(`command = """${writeComponent.replaceAll('\\', '\\\\')}"""`)
    await mkdir(join(folder, 'wit'))
    const world = (item: string): Promise<void> =>
      writeFile(join(folder, 'wit', 'world.wit'), `package a:b;\nworld own {\n${item}\n}\n`)
    await world('  /// Twice as much.\n  export twice: func(n: u64) -> u64;')
    await buildApp(folder)
    const built = await readFile(join(folder, 'build/app.wasm'), 'utf8')
    expect(built).toContain('{"interfaces":{"":{"funcs":{"twice":{"docs":"Twice as much."}}}}}')
    await world('  /// Later.\n  export twice: async func(n: u64) -> u64;')
    expect((await buildApp(folder)).sizeBytes).toBe(8)
  })

  it('is given up, with everything the command started, when the caller says so', async () => {
    await writeManifest(`command = "echo started; sleep 600 & sleep 600"`)
    const controller = new AbortController()
    const progress = (step: string): void => {
      if (step === 'started') controller.abort(new Error('enough'))
    }
    // The build ends only when both sleeps are gone: they hold its output open.
    await expect(buildApp(folder, { progress, signal: controller.signal })).rejects.toThrow('enough')
  })
})

describe('an app whose manifest does not say how it is built', () => {
  it('is answered with the lines that would', async () => {
    await writeManifest('')
    await expect(buildApp(folder)).rejects.toMatchObject({
      code: 'ERR_BUILD_LANGUAGE',
      hint: expect.stringMatching(/language = "assemblyscript".*--no-build/),
    })
  })
})

describe('an app in AssemblyScript', () => {
  beforeEach(() => cp(lightAlarm, folder, { recursive: true, filter: (path) => !path.includes('/build') }))

  it('that does not compile is answered with file, line and column, and keeps the component it had', async () => {
    await mkdir(join(folder, 'build'))
    await writeFile(join(folder, 'build/light-alarm.wasm'), 'the last good one')
    await edit('assembly/rule.ts', 'value < threshold', 'valeu < threshold')
    await expect(buildApp(folder)).rejects.toMatchObject({
      code: 'ERR_BUILD_FAILED',
      message: expect.stringMatching(/^light-alarm does not compile:\n[^]*valeu[^]*assembly\/rule\.ts:3:10/),
    })
    expect(await readdir(join(folder, 'build'))).toEqual(['light-alarm.wasm'])
    expect(await readFile(join(folder, 'build/light-alarm.wasm'), 'utf8')).toBe('the last good one')
  })

  it('that lacks an export of its world is told what to write', async () => {
    await writeFile(join(folder, 'assembly/index.ts'), 'export function other(): void {}\n')
    await expect(buildApp(folder)).rejects.toMatchObject({
      code: 'ERR_BUILD_FAILED',
      message: expect.stringContaining("has no exported member 'sensorHandler'"),
      hint: [
        'assembly/index.ts has to export, with these types:',
        'export namespace sensorHandler {',
        '  export function handle(event: SensorEvent): Result<Unit, string>',
        '}',
      ].join('\n'),
    })
  })

  it('that lacks a function of an interface is told what to write', async () => {
    await edit('assembly/handler.ts', 'export function handle(', 'export function handel(')
    await expect(buildApp(folder)).rejects.toMatchObject({
      code: 'ERR_BUILD_FAILED',
      hint: expect.stringContaining('  export function handle(event: SensorEvent): Result<Unit, string>'),
    })
  })

  it.each([
    ['takes', 'handle(event: SensorEvent)', 'handle(event: string)'],
    [
      'returns',
      'handle(event: SensorEvent): Result<Unit, string>',
      'handle(event: SensorEvent): Result<Unit, u32>',
    ],
  ])('that %s something other than its world says is told what to write', async (_, from, to) => {
    await edit('assembly/handler.ts', from, to)
    await expect(buildApp(folder)).rejects.toMatchObject({
      code: 'ERR_BUILD_FAILED',
      hint: expect.stringContaining('  export function handle(event: SensorEvent): Result<Unit, string>'),
    })
  })

  it('of a WIT folder of its own is built against that, with our packages beside it', async () => {
    await mkdir(join(folder, 'wit'))
    await writeFile(
      join(folder, 'wit/world.wit'),
      `package my:app;
      world night-light {
        include selvedge:edge/sensor-app@0.1.0;
        export brightness: func(of: list<f64>) -> f64;
      }`,
    )
    await edit('selvedge.toml', '"sensor-app"', '"night-light"')
    await expect(buildApp(folder)).rejects.toMatchObject({
      hint: 'assembly/index.ts has to export, with these types:\nexport function brightness(of_: Array<f64>): f64',
    })
    const index = join(folder, 'assembly/index.ts')
    const text = await readFile(index, 'utf8')
    await writeFile(index, `${text}export function brightness(of_: Array<f64>): f64 { return of_[0] }\n`)
    const { sizeBytes } = await buildApp(folder)
    expect(sizeBytes).toBeGreaterThan(1000)
  })

  it('of an unknown world is told which worlds there are', async () => {
    await edit('selvedge.toml', '"sensor-app"', '"sensor-ap"')
    await expect(buildApp(folder)).rejects.toMatchObject({
      code: 'ERR_WORLD',
      message: expect.stringMatching(/^there is no world sensor-ap \(there is: .*sensor-app/),
    })
  })
})

describe('a toolchain', () => {
  it('that is missing is answered with the line that installs all of it', async () => {
    const tools = [
      { name: 'no-such-compiler', entry: '.' },
      { name: '@no-such/tools', entry: './x' },
      { name: 'no-such-compiler', entry: './y' },
      { name: 'valibot', entry: '.' },
    ]
    await expect(importTools(tools, [folder, root])).rejects.toMatchObject({
      code: 'ERR_TOOLCHAIN_MISSING',
      message: 'no-such-compiler and @no-such/tools are not installed',
      hint: `in ${folder}, run: npm i -D no-such-compiler @no-such/tools`,
    })
  })

  it("is taken from the app's own folder first", async () => {
    const own = join(folder, 'node_modules', 'valibot')
    await mkdir(own, { recursive: true })
    const description = { name: 'valibot', type: 'module', exports: { '.': { import: './own.js' } } }
    await writeFile(join(own, 'package.json'), JSON.stringify(description))
    await writeFile(join(own, 'own.js'), "export const mine = 'yes'")
    expect(await importTools([{ name: 'valibot', entry: '.' }], [folder, root])).toMatchObject([
      { mine: 'yes' },
    ])
    await expect(importTools([{ name: 'valibot', entry: './gone' }], [folder, root])).rejects.toMatchObject({
      code: 'ERR_TOOLCHAIN_MISSING',
      message: 'valibot cannot be loaded: this version has no ./gone',
    })
  })
})
