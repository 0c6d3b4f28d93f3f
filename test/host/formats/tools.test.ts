/** Held against tools of others, where they are installed: skopeo, and the registry that Docker made. */
import { execFile, spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../../core/index.ts'
import {
  createRegistry,
  imageOf,
  layoutFiles,
  openLayout,
  parseReference,
  readArtifact,
  writeLayout,
} from '../../../host/formats/index.ts'
import { component } from './images.ts'

const has = (command: string, argument: string): boolean => spawnSync(command, [argument]).status === 0
const registryProgram = 'docker-registry'
const hasSkopeo = has('skopeo', '--version')
const hasRegistry = has(registryProgram, '--version')
const run = promisify(execFile)
const skopeo = (...words: string[]) => run('skopeo', ['--insecure-policy', ...words], { timeout: 30_000 })

const release = new Uint8Array(2_000).fill(7)
const image = imageOf({
  app: 'light-alarm',
  version: '2.0.0',
  signedAt: 0,
  component,
  world: { imports: [], exports: [] },
  release,
})
const wanted = { component, title: 'light-alarm', version: '2.0.0', release }

let folder: string
beforeEach(async () => (folder = await mkdtemp(join(tmpdir(), 'selvedge-tools-'))))
afterEach(() => rm(folder, { recursive: true, force: true }))

async function readLayout(path: string, tag: string | null = null) {
  const source = await openLayout(path)
  return readArtifact(source, tag).finally(() => source.close())
}

describe.skipIf(!hasSkopeo)('skopeo (skipped where it is not installed)', () => {
  it('reads the layout, and copies it with the signature to another layout and an archive', async () => {
    const from = join(folder, 'from')
    await writeLayout(from, layoutFiles(image))
    const raw = JSON.parse((await skopeo('inspect', '--raw', `oci:${from}:2.0.0`)).stdout) as {
      config: { mediaType: string }
    }
    expect(raw.config.mediaType).toBe('application/vnd.wasm.config.v0+json')
    await skopeo('copy', `oci:${from}:2.0.0`, `oci:${join(folder, 'to')}:other`)
    expect(await readLayout(join(folder, 'to'), 'other')).toEqual(wanted)
    await skopeo('copy', `oci:${from}:2.0.0`, `oci-archive:${join(folder, 'to.tar')}:other`)
    expect(await readLayout(join(folder, 'to.tar'))).toEqual(wanted)
    await skopeo('copy', `oci:${from}:2.0.0`, `dir:${join(folder, 'dir')}`)
    expect(new Uint8Array(await readFile(join(folder, 'dir', 'manifest.json')))).toEqual(image.manifest)
  })

  it('reads the archive', async () => {
    const from = join(folder, 'from.tar')
    await writeLayout(from, layoutFiles(image))
    await skopeo('copy', `oci-archive:${from}:2.0.0`, `oci:${join(folder, 'to')}:other`)
    expect(await readLayout(join(folder, 'to'))).toEqual(wanted)
  })
})

describe.skipIf(!hasRegistry)('the registry of Docker (skipped where it is not installed)', () => {
  let server: ChildProcess
  let host: string

  beforeEach(async () => {
    const config = join(folder, 'config.yml')
    await writeFile(
      config,
      `version: 0.1\nlog: {level: info}\nstorage: {filesystem: {rootdirectory: ${join(folder, 'data')}}}\nhttp: {addr: "127.0.0.1:0"}\n`,
    )
    server = spawn(registryProgram, ['serve', config], { stdio: ['ignore', 'pipe', 'pipe'] })
    server.stdout?.resume()
    host = await new Promise<string>((resolve, reject) => {
      server.once('exit', (code) => reject(new Error(`docker-registry ended with ${code}`)))
      createInterface(server.stderr!).on('line', (line) => {
        const [, address] = /listening on (127\.0\.0\.1:\d+)/.exec(line) ?? []
        if (address !== undefined) resolve(address)
      })
    })
  })
  afterEach(async () => {
    const ended = new Promise((resolve) => server.once('exit', resolve))
    server.kill()
    await ended
  })

  const registry = () => {
    const signal = new AbortController().signal
    return createRegistry({ clock: systemClock, env: {}, signal, plainHttp: false })
  }

  it('takes an image and gives it back, by tag and by digest', async () => {
    const digest = await registry().push(parseReference(`${host}/org/light-alarm:2.0.0`), image)
    for (const tail of [':2.0.0', `@${digest}`]) {
      const source = registry().image(parseReference(`${host}/org/light-alarm${tail}`))
      expect(await readArtifact(source, null)).toEqual(wanted)
    }
  })

  it.skipIf(!hasSkopeo)('gives what we pushed to skopeo, and us what skopeo pushed', async () => {
    await registry().push(parseReference(`${host}/org/ours:1`), image)
    const pulled = join(folder, 'pulled')
    await skopeo('copy', '--src-tls-verify=false', `docker://${host}/org/ours:1`, `oci:${pulled}:1`)
    expect(await readLayout(pulled)).toEqual(wanted)
    await skopeo('copy', '--dest-tls-verify=false', `oci:${pulled}:1`, `docker://${host}/org/theirs:1`)
    const source = registry().image(parseReference(`${host}/org/theirs:1`))
    expect(await readArtifact(source, null)).toEqual(wanted)
  })
})
