/** The shape of the source tree, held by a test: who may import whom, and what decisions may not touch. */
import { readFileSync, readdirSync, statSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'

const root = resolve(import.meta.dirname ?? '.', '..')
const layers = ['core', 'mesh', 'host'] as const
type Layer = (typeof layers)[number]

interface Import {
  readonly file: string
  readonly target: string
}

function sourcesOf(folder: string): string[] {
  return readdirSync(join(root, folder)).flatMap((name) => {
    const path = join(folder, name)
    if (statSync(join(root, path)).isDirectory()) return sourcesOf(path)
    return path.endsWith('.ts') ? [path] : []
  })
}

function importsOf(file: string): Import[] {
  const text = readFileSync(join(root, file), 'utf8')
  const specifiers = [...text.matchAll(/(?:from|import\()\s*'([^']+)'|^import '([^']+)'/gm)]
  return specifiers.map((match) => {
    const specifier = match[1] ?? match[2] ?? ''
    return {
      file,
      target: specifier.startsWith('.') ? relative(root, resolve(root, dirname(file), specifier)) : specifier,
    }
  })
}

const layerOf = (path: string): Layer | undefined => layers.find((layer) => path.startsWith(`${layer}/`))
/** `mesh/transport/x.ts` → `mesh/transport`; `mesh/mesh.ts` → `mesh`; all of core/ is one room. */
const roomOf = (path: string): string =>
  layerOf(path) === 'core' ? 'core' : path.split('/').slice(0, -1).slice(0, 2).join('/')

const files = layers.flatMap((layer) => sourcesOf(layer))
const imports = files.flatMap(importsOf)
const describeImport = ({ file, target }: Import): string => `${file} imports ${target}`

describe('the source tree', () => {
  it('has something to look at', () => {
    expect(files.length).toBeGreaterThan(50)
    expect(imports.length).toBeGreaterThan(100)
  })

  it('depends in one direction: core ← mesh ← host', () => {
    const wrong = imports.filter(({ file, target }) => {
      const from = layerOf(file)
      const to = layerOf(target)
      return from !== undefined && to !== undefined && layers.indexOf(to) > layers.indexOf(from)
    })
    expect(wrong.map(describeImport)).toEqual([])
  })

  it('enters mesh/ from the host only through its public face', () => {
    const wrong = imports.filter(
      ({ file, target }) =>
        layerOf(file) === 'host' && layerOf(target) === 'mesh' && target !== 'mesh/index.ts',
    )
    expect(wrong.map(describeImport)).toEqual([])
  })

  it('enters every other folder only through its index.ts', () => {
    // What runs before all else, on whatever Node.js there is.
    const beforeAll = ['core/compat.ts', 'core/engine-flags.ts', 'core/addresses.ts']
    const wrong = imports.filter(({ file, target }) => {
      if (layerOf(target) === undefined || beforeAll.includes(target)) return false
      // What sandboxes are made of has a face of its own: the node must not load it.
      if (target === 'host/guest/inside.ts') return !file.startsWith('host/sandbox-')
      const isInside = file.startsWith(`${dirname(target)}/`)
      return roomOf(file) !== roomOf(target) && !isInside && !target.endsWith('/index.ts')
    })
    expect(wrong.map(describeImport)).toEqual([])
  })

  it('knows libp2p only in mesh/transport', () => {
    const wrong = imports.filter(
      ({ file, target }) =>
        /^(@libp2p\/|@chainsafe\/|@multiformats\/multiaddr|libp2p)/.test(target) &&
        !file.startsWith('mesh/transport/'),
    )
    expect(wrong.map(describeImport)).toEqual([])
  })

  it('keeps the clock, chance and the environment out of decisions', () => {
    const forbidden =
      /Date\.now\(|new Date\(\)|Math\.random\(|setTimeout\(|setInterval\(|process\.env|performance\.now\(/
    const wrong = files.filter((file) => {
      const isSeam = file === 'core/clock.ts'
      // A sandbox has no seams: its clock is its guest's.
      const edges = [
        'host/entry.ts',
        'host/program.ts',
        'host/addresses.ts',
        'host/cli/',
        'host/engine/',
        'host/guest/',
        'host/sandbox-',
      ]
      const isEdge = edges.some((edge) => file.startsWith(edge))
      return !isSeam && !isEdge && forbidden.test(readFileSync(join(root, file), 'utf8'))
    })
    expect(wrong).toEqual([])
  })

  it('lets the time of day, which may be 1970 or 2035, decide nothing but in the files that are named here', () => {
    // Expiry of invites, by the clock of who judges; runs of cron; certificates of TLS; groups' stores, which bound what a wrong clock does.
    const decides = [
      'host/replicas/group-clock.ts',
      'host/tls/files.ts',
      'host/triggers/cron/index.ts',
      'mesh/found.ts',
      'mesh/identity/admission-desk.ts',
    ]
    // Compared with the monotonic one, to tell a jump or how long the node was off.
    const compares = ['host/node/pauses.ts', 'host/storage/age-clock.ts']
    // Which lines of a log somebody wants to see, and in which order.
    const shows = ['host/logs/gathering.ts', 'host/logs/journal.ts']
    // Written down, or told to people and guests, and asked no more.
    const tells = [
      'core/log.ts',
      'host/apps/app-log.ts',
      'host/apps/app-runner.ts',
      'host/apps/instances.ts',
      'host/apps/life-watch.ts',
      'host/messages/messaging.ts',
      'host/messages/requests.ts',
      'host/metrics/node-metrics.ts',
      'host/node/control.ts',
      'host/node/parts.ts',
      'host/node/start.ts',
      'host/node/verdict-history.ts',
      'host/node/why.ts',
      'host/queue/admission.ts',
      'host/queue/queue.ts',
      'host/storage/blobs/disk.ts',
      'host/storage/blobs/memory.ts',
      'host/storage/drivers/nats/blobs.ts',
      'host/storage/snapshots/snapshots.ts',
      'host/triggers/event-counter.ts',
      'host/triggers/peer/index.ts',
      'host/triggers/timer/index.ts',
      'mesh/audit.ts',
      'mesh/identity/credential.ts',
      'mesh/own-record.ts',
      'mesh/releases/release-log.ts',
    ]
    // Commands and guests have the clock of their machine; a reading has the time when it was taken.
    const edges = ['host/cli/', 'host/devices/', 'host/doctor/', 'host/guest/']
    const found = files.filter(
      (file) =>
        !edges.some((edge) => file.startsWith(edge)) &&
        /(?:clock|time)\.now\(/i.test(readFileSync(join(root, file), 'utf8')),
    )
    expect(found.sort()).toEqual([...decides, ...compares, ...shows, ...tells].sort())
  })

  it('holds files of one idea each: none over 400 lines', () => {
    const long = files.filter((file) => readFileSync(join(root, file), 'utf8').split('\n').length > 400)
    expect(long).toEqual([])
  })
})
