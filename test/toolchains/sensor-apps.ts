/** Components that export selvedge:edge/sensor-handler. */
import { copyFile, mkdir, rename, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { buildApp } from '../../host/build/index.ts'
import { here, root, run, type Recipe } from './recipe.ts'
import { probeClang, probeCrates, probePackage, probePython, probeRust, wrap } from './tools.ts'

const world = 'sensor-app'
const script = ['test/toolchains/javascript', 'wit', 'host/build/typescript-bundle.ts']
const crate = join(here, 'rust', 'Cargo.toml')

export const sensorApps: readonly Recipe[] = [
  {
    language: 'C',
    sources: ['test/toolchains/c/sensor-app.c', 'wit'],
    probe: probeClang,
    build: async (out, scratch) => {
      const core = join(scratch, 'core.wasm')
      const options = ['--target=wasm32-wasi', '-mexec-model=reactor', '-Oz', '-Wall', '-Wextra', '-Werror']
      await run('clang', [...options, '-Wl,--strip-all', '-o', core, 'c/sensor-app.c'])
      await writeFile(out, await wrap(core, world))
    },
  },
  {
    language: 'Rust',
    sources: ['test/toolchains/rust', 'wit'],
    probe: async () => {
      const version = await probeRust('wasm32-wasip2')
      await probeCrates(crate)
      return version
    },
    build: async (out) => {
      // Shared between builds: what takes long are the crates behind the bindings.
      const target = join(tmpdir(), 'selvedge-toolchains', 'cargo')
      const args = ['build', '--release', '--offline', '--locked', '--target', 'wasm32-wasip2', '-j', '2']
      await run('cargo', [...args, '--manifest-path', crate], { env: { CARGO_TARGET_DIR: target } })
      await copyFile(join(target, 'wasm32-wasip2/release/sensor_app.wasm'), out)
    },
  },
  {
    language: 'Python',
    sources: ['test/toolchains/python/sensor_app.py', 'wit'],
    probe: probePython,
    build: async (out) => {
      const args = [
        '-q',
        '-d',
        join(root, 'wit'),
        '-w',
        world,
        'componentize',
        '-p',
        join(here, 'python'),
        'sensor_app',
      ]
      await run('componentize-py', [...args, '-o', out], { env: { PYTHONDONTWRITEBYTECODE: '1' } })
    },
  },
  {
    language: 'JavaScript, QuickJS',
    sources: [...script, 'host/build/typescript-quickjs.ts', 'host/build/typescript-init-export.ts'],
    probe: () => probePackage('componentize-qjs'),
    build: (out, scratch) => javascript('quickjs', out, scratch),
  },
  {
    language: 'JavaScript, StarlingMonkey',
    sources: [...script, 'host/build/typescript-starlingmonkey.ts'],
    probe: () => probePackage('@bytecodealliance/componentize-js'),
    build: (out, scratch) => javascript('starlingmonkey', out, scratch),
  },
]

async function javascript(engine: string, out: string, scratch: string): Promise<void> {
  const folder = join(scratch, 'app')
  await mkdir(folder)
  const source = 'sensor-app.js'
  await copyFile(join(here, 'javascript', source), join(folder, source))
  const component = `language = "typescript"\nengine = "${engine}"\nsource = "${source}"\nworld = "${world}"`
  await writeFile(
    join(folder, 'selvedge.toml'),
    `[app]\nname = "app"\nversion = "1.0.0"\n[component]\n${component}\n`,
  )
  const { file } = await buildApp(folder)
  await mkdir(dirname(out), { recursive: true })
  await rename(file, out)
}
