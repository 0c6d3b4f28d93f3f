import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { spawnSync } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { componentWit } from '@bytecodealliance/jco-transpile/wasm-tools'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { buildApp } from '../../../host/build/index.ts'
import { plain } from '../../../host/build/typescript-types.ts'
import { parseManifest } from '../../../host/manifest/index.ts'

const lightAlarm = fileURLToPath(new URL('../../../components/light-alarm-ts', import.meta.url))
const root = fileURLToPath(new URL('../../..', import.meta.url))

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'selvedge-typescript-'))
  await cp(lightAlarm, folder, { recursive: true, filter: (path) => !path.includes('/build') })
})

afterEach(() => rm(folder, { recursive: true, force: true }))

async function edit(file: string, from: string, to: string): Promise<void> {
  const text = await readFile(join(folder, file), 'utf8')
  expect(text).toContain(from)
  await writeFile(join(folder, file), text.replace(from, to))
}

describe('an app in TypeScript', () => {
  it('becomes a component that exports what its world says, and not the way into its engine', async () => {
    const { file } = await buildApp(folder)
    const wit = await componentWit(new Uint8Array(await readFile(file)))
    const exports = [...wit.matchAll(/^ {2}export (.+);$/gm)].map((match) => match[1])
    expect(exports).toEqual(['selvedge:edge/sensor-handler@0.1.0'])
  })

  it('has the types of its world beside it, with which it passes the compiler, and a wrong call does not', async () => {
    // Whatever becomes of the build itself, an editor has what it needs.
    await edit('src/index.ts', 'export const', 'const')
    await expect(buildApp(folder)).rejects.toMatchObject({ code: 'ERR_BUILD_FAILED' })
    await edit('src/index.ts', 'const sensorHandler', 'export const sensorHandler')
    await symlink(join(root, 'node_modules'), join(folder, 'node_modules'))
    const check = (): { status: number | null; stdout: string } =>
      spawnSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', folder], {
        encoding: 'utf8',
      })
    expect(check()).toMatchObject({ status: 0, stdout: '' })
    await edit('src/handler.ts', "write('led', lit)", "write('led', 'lit')")
    expect(check().stdout).toContain(
      "Argument of type 'string' is not assignable to parameter of type 'boolean'",
    )
  })

  it('that does not compile is answered with file, line and column, and keeps the component it had', async () => {
    await mkdir(join(folder, 'build'))
    await writeFile(join(folder, 'build/light-alarm-ts.wasm'), 'the last good one')
    await edit('src/rule.ts', 'return value < threshold', 'return value <')
    await expect(buildApp(folder)).rejects.toMatchObject({
      code: 'ERR_BUILD_FAILED',
      message: 'light-alarm-ts does not compile:\nsrc/rule.ts:4:1: Unexpected "}"',
    })
    expect(await readFile(join(folder, 'build/light-alarm-ts.wasm'), 'utf8')).toBe('the last good one')
  })

  it('that imports what only Node has is told so', async () => {
    await edit('src/rule.ts', 'export', "import 'node:fs/promises'\nexport")
    await expect(buildApp(folder)).rejects.toMatchObject({
      code: 'ERR_BUILD_FAILED',
      message: expect.stringMatching(
        /^light-alarm-ts does not compile:\nsrc\/rule\.ts:2:8: .*node:fs\/promises/,
      ),
    })
  })

  it('that lacks an export of its world is told which, and where its type is', async () => {
    await edit('src/index.ts', 'export const sensorHandler', 'export const handler')
    await expect(buildApp(folder)).rejects.toMatchObject({
      code: 'ERR_BUILD_FAILED',
      message: 'src/index.ts does not export sensorHandler, which world sensor-app needs',
      hint: expect.stringContaining("build/types, module 'selvedge:edge/sensor-handler@0.1.0'"),
    })
  })

  it.each([
    ['throws', "throw new Error('not at the top')", 'not at the top'],
    ['calls the node', "import { read } from 'selvedge:device/sensor@0.1.0'\nread('light')", ''],
  ])('whose top level %s is answered with what runs when', async (_, statement, said) => {
    await edit('src/index.ts', 'export const', `${statement}\nexport const`)
    await expect(buildApp(folder)).rejects.toMatchObject({
      code: 'ERR_BUILD_FAILED',
      message: expect.stringMatching(new RegExp(`^src/index.ts does not start in QuickJS: [^]*${said}`)),
      hint: expect.stringContaining('runs at build time'),
    })
  })

  it('of an unknown world is told which worlds there are', async () => {
    await edit('selvedge.toml', '"sensor-app"', '"sensor-ap"')
    await expect(buildApp(folder)).rejects.toMatchObject({
      code: 'ERR_WORLD',
      message: expect.stringMatching(/^there is no world sensor-ap \(there is: .*sensor-app/),
    })
  })
})

describe('the types for QuickJS', () => {
  it('say what it passes: numbers for 64 bits, null for none, arrays for lists', () => {
    expect(plain('  export function f(a: bigint, b: Uint8Array): string | undefined;')).toBe(
      '  export function f(a: number, b: Uint8Array): string | null;',
    )
    expect(plain('    items: Array<BigUint64Array | Float64Array>,')).toBe(
      '    items: Array<number[] | number[]>,',
    )
    expect(plain('    limit?: bigint,')).toBe('    limit: number | null,')
  })

  it('leave comments as they are', () => {
    const comment = '   * A bigint | undefined'
    expect(plain(comment)).toBe(comment)
  })
})

describe('the engine in a manifest', () => {
  const manifest = (component: string): string =>
    `[app]\nname = "app"\nversion = "1.0.0"\n[component]\n${component}\n`

  it.each(['quickjs', 'starlingmonkey'])('may be %s', (engine) => {
    const { component } = parseManifest(manifest(`language = "typescript"\nengine = "${engine}"`))
    expect(component.engine).toBe(engine)
  })

  it.each([
    ['engine = "quickjs"', 'component.engine'],
    ['language = "assemblyscript"\nengine = "quickjs"', 'component.engine'],
    ['language = "typescript"\nengine = "v8"', '"v8"'],
  ])('is refused in %j', (component, named) => {
    expect(() => parseManifest(manifest(component))).toThrow(named)
  })
})
