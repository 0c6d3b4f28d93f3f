/** The guests of this benchmark, built anew from their sources: nothing of an earlier run is measured. */
import { componentEmbed, componentNew, parse } from '@bytecodealliance/jco-transpile/wasm-tools'
import { _setPreopens } from '@bytecodealliance/preview2-shim/filesystem'
import { execFile } from 'node:child_process'
import { copyFile, cp, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Guests in WAT: of test/guests or of this folder, with the world they are written for. */
const sources = {
  'hello-http': { wat: 'test/guests/hello-http.wat', wit: 'test/guests/hello-http.wit' },
  'record-http': { wat: 'bench/engine/record-http.wat', wit: 'bench/engine/record-http.wit' },
  echo: { wat: 'test/guests/echo.wat', wit: 'bench/engine/echo.wit' },
  loop: { wat: 'test/guests/loop.wat', wit: null },
  grow: { wat: 'test/guests/grow.wat', wit: null },
  flood: { wat: 'test/guests/flood.wat', wit: null },
} as const

export type WatGuest = keyof typeof sources

/** @param root the checkout */
export async function watGuest(root: string, name: WatGuest): Promise<Uint8Array> {
  const { wat, wit } = sources[name]
  const binary = await parse(await readFile(join(root, wat), 'utf8'))
  if (wit !== null) {
    const witSource = await readFile(join(root, wit), 'utf8')
    return componentNew(await componentEmbed({ binary, witSource, world: 'guest' }), [])
  }
  // For the tool, which reads wit/; not for any guest. The shim's types ask for file data; Node's side takes paths.
  _setPreopens({ '/': '/' } as never)
  return componentNew(await componentEmbed({ binary, witPath: join(root, 'wit'), world: 'sensor-app' }), [])
}

/** An HTTP handler in JavaScript through StarlingMonkey, 12 MB. @returns the file it wrote into `folder` */
export async function starlingMonkeyGuest(root: string, folder: string): Promise<string> {
  const project = join(folder, 'starlingmonkey')
  await mkdir(project)
  await cp(join(root, 'wit/deps'), join(project, 'wit/deps'), { recursive: true })
  await writeFile(
    join(project, 'wit/world.wit'),
    'package bench:hello;\nworld guest { import wasi:http/types@0.2.12; export wasi:http/incoming-handler@0.2.12; }\n',
  )
  await copyFile(join(root, 'bench/engine/starlingmonkey-hello.js'), join(project, 'hello.js'))
  const file = join(folder, 'starlingmonkey.wasm')
  const jco = join(root, 'node_modules/.bin/jco')
  const args = ['componentize', 'hello.js', '--wit', 'wit', '-n', 'guest', '-d', 'all', '-o', file]
  await run(jco, args, { cwd: project, timeout: 120_000 })
  return file
}
