import { mkdir, mkdtemp, readFile, rm, truncate } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { componentRef, signTrust } from '../../../mesh/index.ts'
import { root, trustRecord } from '../../mesh/identity/harness.ts'
import { releaseRevocation } from '../../mesh/identity/revocation-harness.ts'
import { sample } from '../../mesh/blobs/samples.ts'
import { digest } from '../../mesh/releases/harness.ts'
import { component as wasm, imageWith, layoutWith } from '../formats/images.ts'
import { writeLayout } from '../../../host/formats/index.ts'
import { carryingNode, type CarryingNode } from './carrying-node.ts'
import { run } from './fake-world.ts'

let folder: string
/** Two nodes of one mesh that never meet. */
let here: CarryingNode
let there: CarryingNode
let stick: string

const component = sample(1, 90_000)

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'selvedge-carry-'))
  await mkdir(join(folder, 'here', 'data'), { recursive: true })
  await mkdir(join(folder, 'there', 'data'), { recursive: true })
  here = await carryingNode(join(folder, 'here'))
  there = await carryingNode(join(folder, 'there'))
  stick = join(folder, 'home.selvedge')
})

afterEach(async () => {
  await Promise.all([here.stop(), there.stop()])
  await rm(folder, { recursive: true, force: true })
})

const at = (node: CarryingNode, ...words: string[]): ReturnType<typeof run> =>
  run(words, { data: node.data, cwd: folder })

async function ok(node: CarryingNode, ...words: string[]): Promise<string> {
  const { code, stdout, stderr } = await at(node, ...words)
  expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' })
  return stdout
}

const headOf = (node: CarryingNode, app = 'light-alarm'): string | undefined =>
  node.releases.log.head(app)?.record.version

describe('a stick', () => {
  it('brings releases with their components to a node that no other reaches', async () => {
    const signed = await here.publish(component, { version: '2.0.0', seq: 4 })
    await here.publish(component, { app: 'uplink', grants: [], triggers: [] })
    await ok(here, 'export', '--all', '--bundle', stick)
    const answer = await ok(there, 'import', stick)
    expect(answer).toContain('light-alarm 2.0.0 (seq 4)')
    const head = there.releases.log.head('light-alarm')
    expect(head?.bytes).toEqual(signed)
    expect(await there.blobs.readComponent(head!.record.component)).toEqual(component)
    expect(headOf(there, 'uplink')).toBe('1.0.0')
  })

  it('is the same file from the same holdings, and carries each chunk once', async () => {
    await here.publish(component)
    await here.publish(component, { app: 'light-two' })
    await ok(here, 'export', '--all', '--bundle', stick)
    await ok(here, 'export', '--all', '--bundle', `${stick}.2`)
    const file = await readFile(stick)
    expect(await readFile(`${stick}.2`)).toEqual(file)
    expect(file.length).toBeLessThan(component.length * 1.1)
  })

  it('can be looked at without changing anything', async () => {
    await there.publish(sample(2, 5_000), { grants: [] })
    await here.publish(component, { version: '2.0.0', seq: 2 })
    await ok(here, 'export', 'light-alarm', '--bundle', stick)
    const answer = await ok(there, 'import', stick, '--dry-run')
    expect(answer).toMatch(/● new +light-alarm 2\.0\.0 \(seq 2\) .* here: 1\.0\.0 \(seq 1\)/)
    expect(answer).toContain('may also use: pin:led, sensor:light')
    expect(headOf(there)).toBe('1.0.0')
    expect((await there.blobs.collect([])).blobs).toBe(0)
  })

  it('brings keys and revocations, which count before its releases do', async () => {
    const bad = await here.publish(component, { version: '1.0.0', seq: 1 })
    await there.releases.log.offer(bad)
    const second = signTrust(
      trustRecord({
        mesh: here.mesh.meshId,
        version: 2,
        previous: here.mesh.trust.current!.digest,
        name: 'port',
      }),
      [root],
    )
    await here.mesh.trust.offer(second)
    const revoked = { mesh: here.mesh.meshId, app: 'light-alarm', release: digest(bad) }
    await here.mesh.trust.revocations.offer(releaseRevocation(revoked))
    await here.publish(component, { version: '1.0.1', seq: 2 })
    await ok(here, 'export', '--all', '--bundle', stick)
    await ok(there, 'import', stick)
    expect(there.mesh.trust.current?.record.name).toBe('port')
    expect(
      there.releases.log.history('light-alarm').map(({ record, role }) => [record.version, role]),
    ).toEqual([
      ['1.0.1', 'head'],
      ['1.0.0', 'revoked'],
    ])
  })

  it('says what is older and what is known, and takes neither for news', async () => {
    await here.publish(component, { version: '1.0.0', seq: 1 })
    await ok(here, 'export', 'light-alarm', '--bundle', stick)
    await there.publish(component, { version: '3.0.0', seq: 3 })
    const report = JSON.parse(await ok(there, 'import', stick, '--json')) as {
      schema: string
      records: { kind: string; outcome: string }[]
    }
    expect(report.schema).toBe('selvedge.import/1')
    expect(report.records.map(({ kind, outcome }) => `${kind} ${outcome}`)).toEqual([
      'trust known',
      'release older',
    ])
    expect(headOf(there)).toBe('3.0.0')
  })

  it('may be a pipe', async () => {
    await here.publish(component)
    await ok(here, 'export', 'light-alarm', '--bundle', stick)
    const { Readable } = await import('node:stream')
    const piped = await run(['import', '-'], {
      data: there.data,
      cwd: folder,
      stdin: Readable.from([await readFile(stick)]),
    })
    expect(piped.code).toBe(0)
    expect(headOf(there)).toBe('1.0.0')
  })

  it.skipIf(process.getuid?.() !== 0)(
    'that comes in small pieces is refused where the disk for it fills up between two (skipped without root, who mounts it)',
    async () => {
      const { execFileSync } = await import('node:child_process')
      const small = join(folder, 'small')
      await mkdir(small)
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', small])
      const before = process.env['TMPDIR']
      process.env['TMPDIR'] = small
      try {
        const { Readable } = await import('node:stream')
        const slowly = async function* (): AsyncGenerator<Buffer> {
          for (let piece = 0; piece < 200; piece += 1) {
            yield Buffer.alloc(1_024)
            await new Promise((resolve) => setTimeout(resolve, 1))
          }
        }
        const { code, stderr } = await run(['import', '-'], {
          data: there.data,
          cwd: folder,
          stdin: Readable.from(slowly()),
        })
        expect(code).toBe(1)
        expect(stderr).toContain('error[ERR_IMPORT_SOURCE]: cannot keep what comes in')
      } finally {
        if (before === undefined) delete process.env['TMPDIR']
        else process.env['TMPDIR'] = before
        execFileSync('umount', [small])
      }
    },
  )

  it('goes without a component that runs elsewhere, and says so', async () => {
    await here.publish(component, {}, { keep: false })
    const { code, stderr } = await at(here, 'export', '--all', '--bundle', stick)
    expect({ code, says: stderr.includes('goes without its component') }).toEqual({ code: 0, says: true })
    expect(await ok(there, 'import', stick)).toContain('without its component')
    const alone = await at(here, 'export', 'light-alarm', '--bundle', stick)
    expect(alone.stderr).toContain('error[ERR_EXPORT_COMPONENT]')
  })
})

describe('a release with variants', () => {
  const variant = sample(7, 40_000)
  const variants = [{ name: 'simd', component: componentRef(variant).ref }]

  it('goes with what the node runs of it, and is taken without the rest', async () => {
    await here.blobs.putComponent(variant)
    await here.publish(component, { variants }, { keep: false })
    for (const words of [['light-alarm'], ['--all']]) {
      const { code, stderr } = await at(here, 'export', ...words, '--bundle', `${stick}.${words[0]}`)
      expect({ code, stderr }).toEqual({
        code: 0,
        stderr: expect.stringContaining('without the component itself'),
      })
    }
    expect(await ok(there, 'import', `${stick}.--all`)).toContain('brings its component')
    const { record } = there.releases.log.head('light-alarm')!
    expect(await there.blobs.readComponent(record.variants![0]!.component)).toEqual(variant)
    expect(await there.blobs.holds(record.component)).toBe(false)
  })

  it('is not put into an image, which would hold only one of its components', async () => {
    await here.blobs.putComponent(variant)
    await here.publish(component, { variants })
    const { code, stderr } = await at(here, 'export', 'light-alarm', '--oci', 'out.tar')
    expect(code).toBe(1)
    expect(stderr).toContain('error[ERR_EXPORT_VARIANTS]')
    expect(stderr).toContain('--bundle')
  })
})

describe('what does not pass the checks of the network', () => {
  it('is refused with its reason, and what passes is taken', async () => {
    const bad = await here.publish(component, { version: '1.0.0', seq: 1 })
    await here.publish(component, { app: 'uplink' })
    await ok(here, 'export', '--all', '--bundle', stick)
    const revoked = { mesh: here.mesh.meshId, app: 'light-alarm', release: digest(bad) }
    await there.mesh.trust.revocations.offer(releaseRevocation(revoked))
    const { code, stdout, stderr } = await at(there, 'import', stick)
    expect(code).toBe(1)
    expect(stdout).toMatch(/✗ refused +light-alarm 1\.0\.0 \(seq 1\)/)
    expect(stdout).toContain('ERR_RELEASE_REVOKED')
    expect(stderr).toContain('error[ERR_IMPORT_REFUSED]: refused here: 1 of 3 records')
    expect([headOf(there), headOf(there, 'uplink')]).toEqual([undefined, '1.0.0'])
  })
})

describe('nothing is taken', () => {
  const untouched = async (): Promise<void> => {
    expect(headOf(there)).toBeUndefined()
    expect((await there.blobs.collect([])).blobs).toBe(0)
  }

  it('of a file that was cut short', async () => {
    await here.publish(component)
    await ok(here, 'export', 'light-alarm', '--bundle', stick)
    const { length } = await readFile(stick)
    for (const end of [0, 10, 100, 5_000, length - 1]) {
      await truncate(stick, end)
      const { code, stderr } = await at(there, 'import', stick)
      expect({ code, coded: /error\[ERR_(BUNDLE_INVALID|OCI_LAYOUT)\]/.test(stderr) }).toEqual({
        code: 1,
        coded: true,
      })
      await ok(here, 'export', 'light-alarm', '--bundle', stick)
    }
    await untouched()
  })

  it('of another mesh', async () => {
    await mkdir(join(folder, 'far', 'data'), { recursive: true })
    const far = await carryingNode(join(folder, 'far'), trustRecord({ name: 'elsewhere' }))
    try {
      await far.publish(component)
      await ok(far, 'export', '--all', '--bundle', stick)
      expect((await at(there, 'import', stick)).stderr).toContain('error[ERR_IMPORT_MESH]')
    } finally {
      await far.stop()
    }
    await untouched()
  })

  it('of an image that nobody of the mesh signed, which is for publish', async () => {
    const image = join(folder, 'plain.tar')
    await writeLayout(image, layoutWith({ x: imageWith([{ mediaType: 'application/wasm', bytes: wasm }]) }))
    const { code, stderr } = await at(there, 'import', image)
    expect({ code, coded: stderr.includes('error[ERR_OCI_UNSIGNED]') }).toEqual({ code: 1, coded: true })
    expect(stderr).toContain(`selvedge publish ${image}`)
    await untouched()
  })

  it('of what is no file', async () => {
    expect((await at(there, 'import', 'missing.selvedge')).stderr).toContain('error[ERR_IMPORT_SOURCE]')
  })
})

describe('an OCI image', () => {
  it.each(['out', 'out.tar'])('in %s carries the signature along', async (name) => {
    // A component's first bytes, as the image's config tells what it imports.
    const bytes = new Uint8Array([...wasm.subarray(0, 8), 0, 4, 1, 0x78, 0x79, 0x7a])
    const signed = await here.publish(bytes, { version: '2.0.0', seq: 4 })
    await ok(here, 'export', 'light-alarm@2.0.0', '--oci', name)
    await ok(there, 'import', name)
    expect(there.releases.log.head('light-alarm')?.bytes).toEqual(signed)
  })

  it('whose record is about another component is refused', async () => {
    const bytes = new Uint8Array([...wasm.subarray(0, 8), 0, 4, 1, 0x78, 0x79, 0x7a])
    const signed = await here.publish(bytes)
    const annotations = { 'dev.selvedge.release': Buffer.from(signed).toString('base64') }
    const image = imageWith([{ mediaType: 'application/wasm', bytes: wasm }], { annotations })
    await writeLayout(join(folder, 'swapped.tar'), layoutWith({ x: image }))
    expect((await at(there, 'import', 'swapped.tar')).stderr).toContain('error[ERR_FORMAT_DIGEST]')
    expect(headOf(there)).toBeUndefined()
  })
})

describe('export', () => {
  it.each([
    [['export', 'light-alarm'], 2, 'ERR_USAGE'],
    [['export', '--all', '--oci', 'x'], 2, 'ERR_USAGE'],
    [['export', 'light-alarm', '--all', '--bundle', 'x'], 2, 'ERR_USAGE'],
    [['export', 'nobody', '--bundle', 'x'], 1, 'ERR_UNKNOWN_APP'],
    [['export', 'light-alarm@9.9.9', '--bundle', 'x'], 1, 'ERR_UNKNOWN_VERSION'],
    [['export', 'light-alarm', '--registry', 'nohost'], 1, 'ERR_REGISTRY_REFERENCE'],
    [['export', 'light-alarm', '--bundle', 'missing/x'], 1, 'ERR_EXPORT_TARGET'],
  ])('%j ends with %d, %s', async (words, code, problem) => {
    await here.publish(component)
    const result = await at(here, ...words)
    expect({ code: result.code, coded: result.stderr.includes(`error[${problem}]`) }).toEqual({
      code,
      coded: true,
    })
  })
})
