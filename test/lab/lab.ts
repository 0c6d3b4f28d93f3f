/**
 * The lab: hosts of network namespaces on one bridge, with capped lines, each with the built program as processes of
 * its own. It ends with its process, also on Ctrl-C; what a killed process left is swept when the next lab is made.
 */
import { rmSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { startDelayRelay } from './delay-relay.ts'
import { LabHost, meshPort } from './host.ts'
import { namespaceName, removeNamespace, sweepNamespaces } from './namespaces.ts'
import { Sites, type SiteOptions } from './sites.ts'
import { addBridge, addHost, type Caps, type Place } from './wiring.ts'

export interface LabOptions extends Caps {
  /** Names of the hosts on one bridge, at most 250. */
  readonly hosts?: readonly string[]
  /** Instead: sites with hosts of their own, each behind a router. */
  readonly sites?: Readonly<Record<string, SiteOptions>>
  /** Between sites and one way, for the mesh's own connections; 0 where it is missing. */
  readonly delayMs?: number
  /** The checkout, whose `dist/` is run. */
  readonly root: string
}

export interface MeshOptions {
  /** The group of a host's node; `lab` where it is missing. */
  readonly groupOf?: (host: LabHost) => string
  /** Of every node, as TOML. */
  readonly config?: string
  /** Instead of `config`: of each node. */
  readonly configOf?: (host: LabHost) => string
  /** Of every node, the port at which apps answer HTTP. */
  readonly http?: number
}

const openLabs = new Set<Lab>()
const meshMs = 90_000
const firstRelayPort = 20_001

/** @throws where the machine allows none: ask `labObstacle` first */
export async function makeLab(options: LabOptions): Promise<Lab> {
  sweepNamespaces()
  const lab = new Lab(options, await mkdtemp(join(tmpdir(), 'selvedge-lab-')))
  watchForTheEnd()
  openLabs.add(lab)
  try {
    await lab.wire()
  } catch (error) {
    lab.close()
    throw error
  }
  return lab
}

export class Lab {
  readonly folder: string
  readonly #options: LabOptions
  readonly #hosts: LabHost[] = []
  readonly #namespaces: string[] = []
  #sites: Sites | null = null

  constructor(options: LabOptions, folder: string) {
    this.#options = options
    this.folder = folder
  }

  get hosts(): readonly LabHost[] {
    return this.#hosts
  }

  host(name: string): LabHost {
    const found = this.#hosts.find((host) => host.name === name)
    if (found === undefined) throw new Error(`the lab has no host ${name}`)
    return found
  }

  /** What lies between the sites. @throws where the lab has none */
  get sites(): Sites {
    if (this.#sites === null) throw new Error('this lab is one bridge without sites')
    return this.#sites
  }

  /** Makes the namespaces and their lines; once. */
  async wire(): Promise<void> {
    const { hosts = [], sites, delayMs = 0 } = this.#options
    if (sites === undefined) {
      const bridge = this.#keep(namespaceName('bridge'))
      addBridge(bridge)
      this.#wireHosts(bridge, hosts)
      return
    }
    this.#sites = new Sites(sites, (namespace) => void this.#keep(namespace))
    for (const [name, { hosts: names }] of Object.entries(sites)) {
      const { namespace, place } = this.#sites.site(name)
      this.#wireHosts(namespace, names, place)
    }
    if (delayMs > 0) await this.#delay(this.#sites, delayMs)
  }

  /** Starts a node on every host: the first founds the mesh and invites the others. Resolves when all see all alive. */
  async formMesh({
    groupOf = () => 'lab',
    config = '',
    configOf = () => config,
    ...rest
  }: MeshOptions = {}): Promise<void> {
    const [founder, ...others] = this.#hosts
    if (founder === undefined) return
    await founder.up({ group: groupOf(founder), config: configOf(founder), ...rest })
    for (const host of others) {
      const group = groupOf(host)
      const token = await founder.mustRun(['invite', '--group', group])
      await host.up({ group, join: token.trim(), config: configOf(host), ...rest })
    }
    await this.untilAllAlive()
  }

  async untilAllAlive(): Promise<void> {
    await until('all see all alive', meshMs, async () => {
      for (const { client } of this.#hosts) {
        const { nodes } = await client.status()
        if (nodes.length < this.#hosts.length || nodes.some(({ state }) => state !== 'alive')) return false
      }
      return true
    })
  }

  #wireHosts(bridge: string, names: readonly string[], place?: Place): void {
    const program = resolve(this.#options.root, 'dist/selvedge.mjs')
    for (const [index, name] of names.entries()) {
      const namespace = this.#keep(namespaceName(name))
      const wire = addHost(bridge, namespace, index + 1, this.#options, place)
      this.#hosts.push(new LabHost({ name, wire, bridge, folder: this.folder, program }))
    }
  }

  async #delay(sites: Sites, delayMs: number): Promise<void> {
    const detours = this.#hosts.map(({ address }, index) => {
      return { address, port: meshPort, relayPort: firstRelayPort + index }
    })
    await startDelayRelay(sites.core, delayMs, detours)
    sites.redirect(detours)
  }

  #keep(namespace: string): string {
    this.#namespaces.push(namespace)
    return namespace
  }

  /** Ends everything and leaves no trace. At once, so that it also works while the process ends. */
  close(): void {
    openLabs.delete(this)
    for (const host of this.#hosts) host.close()
    for (const namespace of this.#namespaces) removeNamespace(namespace)
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 })
  }
}

/** Looks ten times a second. @throws with what was waited for */
export async function until(
  what: string,
  withinMs: number,
  holds: () => boolean | Promise<boolean>,
): Promise<void> {
  const deadline = performance.now() + withinMs
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`waited ${withinMs / 1_000} s in vain: ${what}`)
    await new Promise((wake) => setTimeout(wake, 100))
  }
}

let isWatching = false

function watchForTheEnd(): void {
  if (isWatching) return
  isWatching = true
  const closeAll = (): void => {
    for (const lab of openLabs) lab.close()
  }
  process.once('exit', closeAll)
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      closeAll()
      // As it would have ended without us.
      process.kill(process.pid, signal)
    })
  }
}
