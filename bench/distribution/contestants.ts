/** Ourselves and others who hand a file from one host to eight: each on hosts of the same kind, with nobody beside it. */
import { once } from 'node:events'
import type { ChildProcess } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { join } from 'node:path'
import type { LabHost, LogEvent } from '../../test/lab/index.ts'
import { fileBytes, raceMs, type Contestant, type Course, type Runner } from './race.ts'
import type { RivalTools } from './tools.ts'

export const app = 'bulk'

/** What the small component inside takes of its node; nobody calls it. */
export const nodeConfig = `
[sensors.light]
driver = "simulated"
shape = "daylight"
unit = "lx"
max = 1000
period = "6s"

[pins.led]
driver = "simulated"
`

export function nodeArguments(file: string, version = '1.0.0'): string[] {
  const grants = ['--grant', 'sensor:light', '--grant', 'pin:led']
  return ['publish', file, '--app', app, '--version', version, '--no-build', ...grants, '--group', 'edge']
}

/**
 * The built program. It begins when the seed has accepted the release, and a host has it when its node says that all
 * of it is on the disk and verified; preparing and running are not part of it.
 */
export const selvedge: Contestant = {
  name: 'selvedge',
  async getReady({ lab, seed, receivers, file }): Promise<Runner> {
    await lab.formMesh({ groupOf: (host) => (host === seed ? 'seed' : 'edge'), config: nodeConfig })
    const arrivals = new Map(
      receivers.map((host) => [host, host.until(`${app} is there`, isEvent('app:fetched'), raceMs)]),
    )
    for (const arrival of arrivals.values()) arrival.catch(() => {})
    return {
      async start() {
        const published = seed.until('it is published', isEvent('release:published'), raceMs)
        await seed.mustRun(nodeArguments(file))
        return (await published).at
      },
      async arrivedAt(host) {
        return (await (arrivals.get(host) as Promise<LogEvent>)).at
      },
    }
  },
}

function isEvent(name: string): (event: LogEvent) => boolean {
  return ({ event, fields }) => event === name && fields['app'] === app
}

/** A plain server on the seed, a client on each host: what a mesh is to be better than. */
export function httpFromTheSeed(tools: RivalTools): Contestant | null {
  const curl = tools.find('curl')
  if (curl === null) return null
  return {
    name: 'HTTP from the seed (curl)',
    async getReady({ seed, receivers, file, lab }) {
      const server = seed.exec(process.execPath, ['-e', serveFile, seed.address, file])
      await line(server, /^ready/)
      const exits = new Map<LabHost, Promise<number>>()
      return {
        async start() {
          const startedAt = Date.now()
          for (const host of receivers) {
            const out = join(lab.folder, `${host.name}.bin`)
            const args = ['-sS', '--fail', '-o', out, `http://${seed.address}:8080/`]
            exits.set(host, exited(host.exec(curl.program, args, curl.env)))
          }
          return startedAt
        },
        arrivedAt: (host) => exits.get(host) as Promise<number>,
      }
    },
  }
}

const serveFile = `
const [address, file] = process.argv.slice(1)
const bytes = require('node:fs').readFileSync(file)
require('node:http').createServer((_, answer) => {
  answer.on('error', () => {})
  answer.writeHead(200, { 'content-length': bytes.length })
  answer.end(bytes)
}).listen(8080, address, () => console.log('ready'))`

export function libtorrent(tools: RivalTools, root: string): Contestant | null {
  const python = tools.libtorrent
  if (python === null) return null
  const program = join(root, 'bench/distribution/swarm-libtorrent.py')
  return {
    name: 'libtorrent',
    getReady: (course) =>
      whoWaitsForGo(course, (host, order) => host.exec(python.program, [program, order], python.env)),
  }
}

export async function helia(tools: RivalTools, root: string): Promise<Contestant | null> {
  const args = await tools.program(root, 'swarm-helia.mjs', 'helia')
  if (args === null) return null
  return {
    name: 'helia bitswap',
    getReady: (course) =>
      whoWaitsForGo(course, (host, order) => host.exec(process.execPath, [...args, order])),
  }
}

/** Programs that print `ready`, wait for the file `go`, and print `done MS`. */
async function whoWaitsForGo(
  { lab, seed, receivers, file }: Course,
  start: (host: LabHost, order: string) => ChildProcess,
): Promise<Runner> {
  const go = join(lab.folder, 'go')
  const all = [seed, ...receivers]
  const begin = (host: LabHost): ChildProcess =>
    start(
      host,
      JSON.stringify({
        seed: host === seed,
        address: host.address,
        // Each dials those before it, so that there is one connection between any two.
        peers: all.slice(0, all.indexOf(host)).map(({ address }) => address),
        file,
        sizeBytes: fileBytes,
        folder: join(lab.folder, `${host.name}-files`),
        torrent: join(lab.folder, 'file.torrent'),
        go,
      }),
    )
  const children = new Map<LabHost, ChildProcess>()
  for (const host of all) {
    const child = begin(host)
    children.set(host, child)
    await line(child, /^ready/)
  }
  const arrivals = new Map(
    receivers.map((host) => [host, line(children.get(host) as ChildProcess, /^done (\d+)/).then(Number)]),
  )
  for (const arrival of arrivals.values()) arrival.catch(() => {})
  return {
    async start() {
      const startedAt = Date.now()
      await writeFile(go, '')
      return startedAt
    },
    arrivedAt: (host) => arrivals.get(host) as Promise<number>,
  }
}

/** Waits for a line on stdout. @returns what its first brackets hold */
async function line(child: ChildProcess, pattern: RegExp): Promise<string> {
  const { stdout, stderr } = child
  if (stdout === null) throw new Error('the program has no output')
  let complaint = ''
  stderr?.on('data', (chunk: Buffer) => (complaint = (complaint + chunk.toString()).slice(-2_000)))
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no ${pattern} in time\n${complaint}`)), raceMs)
    createInterface({ input: stdout }).on('line', (text) => {
      const found = pattern.exec(text)
      if (found === null) return
      clearTimeout(timer)
      resolve(found[1] ?? '')
    })
    child.once('exit', (code) => {
      clearTimeout(timer)
      reject(new Error(`a rival ended with ${code}:\n${complaint}`))
    })
  })
}

async function exited(child: ChildProcess): Promise<number> {
  const [code] = (await once(child, 'exit', { signal: AbortSignal.timeout(raceMs) })) as [number | null]
  if (code !== 0) throw new Error(`a client ended with ${code}`)
  return Date.now()
}
