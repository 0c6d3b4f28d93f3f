import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { isSelvedgeError } from '../../../core/index.ts'
import { grantsOf, parseManifest, readManifest } from '../../../host/manifest/index.ts'

const complete = `
[app]
name = "light-alarm"
version = "1.0.0"
description = "Lights the LED when it gets dark."

[component]
language = "assemblyscript"

[grants]
sensors = ["light"]
pins = ["led", "buzzer"]
folders = ["photos"]

[[triggers]]
kind = "sensor"
sensor = "light"
every = "200ms"

[limits]
memory = "1 MiB"
deadline = "500ms"

[placement]
groups = ["lobby", "garage"]

[config]
threshold = 300
unit = "lx"
`

function refusal(text: string): { message: string; hint: string } {
  try {
    parseManifest(text)
  } catch (error) {
    if (isSelvedgeError(error, 'ERR_MANIFEST')) return error
    throw error
  }
  throw new Error('it was accepted')
}

describe('a complete manifest', () => {
  const manifest = parseManifest(complete)

  it('gives durations in milliseconds, sizes in bytes and settings as text', () => {
    expect(manifest.triggers).toEqual([{ kind: 'sensor', sensor: 'light', every: 200 }])
    expect(manifest.limits).toMatchObject({ memory: 1_048_576, deadline: 500 })
    expect(manifest.config).toEqual({ threshold: '300', unit: 'lx' })
  })

  it('asks for its grants in canonical form', () => {
    expect(grantsOf(manifest)).toEqual(['folder:photos', 'pin:buzzer', 'pin:led', 'sensor:light'])
  })

  it('builds into a file named after the app where it names none', () => {
    expect(manifest.component.file).toBe('build/light-alarm.wasm')
  })
})

describe('a manifest with only a name and a version', () => {
  it('has no grants, no triggers, and runs everywhere', () => {
    const manifest = parseManifest('[app]\nname = "a"\nversion = "1.0.0"')
    expect(grantsOf(manifest)).toEqual([])
    expect(manifest).toMatchObject({
      component: { file: 'build/a.wasm', world: 'sensor-app' },
      triggers: [],
      limits: { memory: 16 * 1024 ** 2, deadline: 1000 },
      placement: { groups: [] },
      config: {},
    })
  })
})

describe('variants', () => {
  const variants = (text: string): string => complete.replace('[grants]', `${text}\n[grants]`)

  it('have a file of their own, the best first', () => {
    const text = variants(
      '[[variants]]\nname = "wide"\nfile = "w.wasm"\n[[variants]]\nname = "simd"\nfeatures = ["simd"]',
    )
    expect(parseManifest(text).variants).toEqual([
      { name: 'wide', file: 'w.wasm' },
      { name: 'simd', features: ['simd'], file: 'build/light-alarm.simd.wasm' },
    ])
    expect(parseManifest(complete).variants).toEqual([])
  })

  it.each([
    ['name = "SIMD"', 'variants[0].name: "SIMD" is no name of a variant'],
    ['name = "simd"\nfile = "/tmp/x.wasm"', "leaves the app's folder"],
    ['name = "simd"\nfeatures = ["sse"]', 'is no feature of the compiler'],
    ['name = "simd"\ncommand = "make simd"', 'variants[0].command: is for language = "command"'],
    ['name = "simd"\nfile = "build/light-alarm.wasm"', 'two components are to lie in build/light-alarm.wasm'],
    ['name = "simd"\n[[variants]]\nname = "simd"', 'names a variant twice'],
  ])('with %j are refused', (text, message) => {
    expect(refusal(variants(`[[variants]]\n${text}`)).message).toContain(message)
  })
})

describe('a manifest that does not fit', () => {
  it.each([
    ['name = "light-alarm"', 'name = "Light"', 'app.name: "Light" is no name'],
    ['version = "1.0.0"', 'version = "1.0"', 'app.version: "1.0" is no version'],
    ['version = "1.0.0"', 'version = "1.0.0+build"', 'app.version: "1.0.0+build" is no version'],
    ['sensors =', 'sensor =', 'grants.sensor: unknown key; did you mean "sensors"?'],
    ['"photos"', '"/srv/photos"', 'grants.folders[0]: "/srv/photos" is no name'],
    ['every =', 'evry =', 'triggers[0].evry: unknown key; did you mean "every"?'],
    ['"200ms"', '"200"', 'triggers[0].every: "200" is not understood'],
    ['"200ms"', '"1ms"', 'triggers[0].every: "1ms" is out of range'],
    ['"1 MiB"', '"8 GiB"', 'limits.memory: "8 GiB" is out of range'],
    ['"assemblyscript"', '"assemblyscrpt"', '"assemblyscrpt" is not known; did you mean "assemblyscript"?'],
    ['"assemblyscript"', '"command"', 'component.language: "command" needs a command'],
    ['[component]', '[component]\ncommand = "make"', 'component.command: "make" is for language = "command"'],
    ['[component]', '[component]\nfile = "../x.wasm"', "leaves the app's folder"],
    ['[component]', '[component]\nfile = "/tmp/x.wasm"', "leaves the app's folder"],
    ['"lobby", "garage"', '"lobby", "lobby"', 'names something twice'],
    ['threshold = 300', 'threshold = [300]', 'config.threshold: expected'],
    ['threshold = 300', '"a b" = 300', 'config."a b"'],
  ])('with %j as %j is refused', (written, instead, message) => {
    expect(complete).toContain(written)
    expect(refusal(complete.replace(written, instead)).message).toContain(message)
  })

  it('says which grant a trigger lacks, and the line that gives it', () => {
    const error = refusal(complete.replace('sensors = ["light"]', 'sensors = ["door"]'))
    expect(error.message).toBe('selvedge.toml: triggers[0].sensor: "light" is not granted to the app')
    expect(error.hint).toBe('write sensors = ["door", "light"] under [grants]')
  })
})

describe('a folder', () => {
  it('is read by its selvedge.toml, and is no app without one', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'selvedge-manifest-'))
    try {
      await expect(readManifest(folder)).rejects.toMatchObject({
        code: 'ERR_MANIFEST_MISSING',
        hint: expect.stringContaining('the folder that has the app’s selvedge.toml') as string,
      })
      await writeFile(join(folder, 'selvedge.toml'), complete)
      expect((await readManifest(folder)).app.name).toBe('light-alarm')
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })
})
