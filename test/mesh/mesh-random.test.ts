/**
 * Five real nodes over loopback whose networks go off and on, whose processes stop and are killed, while releases are
 * published anywhere, on both sides of cuts too. In the end all hold the same. The seed gives the same steps again
 * (SIM_SEED=…), though real sockets do not keep the same time.
 */
import { afterEach, expect, test } from 'vitest'
import { systemRandom, type DurableFolder } from '../../core/index.ts'
import { openNodeIdentity } from '../../mesh/identity/index.ts'
import type { Mesh } from '../../mesh/index.ts'
import { SeededRandom, simSeed } from '../sim/index.ts'
import { Harbor, type Berth } from './harbor.ts'

const seed = simSeed()
const nodeCount = 5
const stepCount = 20
const longestStepMs = 150
const settleMs = 60_000

/** A disk that what is left of a killed process no longer reaches. */
function severable(on: DurableFolder): { folder: DurableFolder; sever(): void } {
  let isSevered = false
  const wrap = (folder: DurableFolder): DurableFolder => {
    return {
      path: folder.path,
      read: (name, maxBytes) => folder.read(name, maxBytes),
      write: async (name, bytes) => (isSevered ? undefined : folder.write(name, bytes)),
      remove: async (name) => (isSevered ? undefined : folder.remove(name)),
      list: () => folder.list(),
      sizes: () => folder.sizes(),
      folder: async (name) => wrap(await folder.folder(name)),
    }
  }
  return { folder: wrap(on), sever: () => (isSevered = true) }
}

class Player {
  readonly #harbor: Harbor
  readonly #berth: Berth
  mesh: Mesh | null = null
  #sever: () => void = () => {}

  constructor(harbor: Harbor, berth: Berth) {
    this.#harbor = harbor
    this.#berth = berth
  }

  /** As a new process on the same disk. */
  async start(): Promise<void> {
    const { folder, sever } = severable(this.#berth.folder)
    const identity = await openNodeIdentity(await folder.folder('identity'), systemRandom)
    this.#sever = sever
    this.mesh = await this.#harbor.run({ ...this.#berth, folder, identity })
  }

  async stop(isKilled: boolean): Promise<void> {
    const { mesh } = this
    this.mesh = null
    if (isKilled) this.#sever()
    await mesh?.stop()
  }
}

/** All that a node should have in common with the others. */
function stateOf(mesh: Mesh): string {
  const { trust, credentials, releases } = mesh
  return JSON.stringify({
    trust: trust.current?.digest,
    members: credentials.members().map(({ credential }) => credential),
    releases: releases.heads().map(({ digest }) => digest),
    records: mesh.members().map(({ held }) => held?.record.digest),
  })
}

let harbor: Harbor
afterEach(() => harbor.close())

async function publishNext(mesh: Mesh, app: string, random: SeededRandom): Promise<void> {
  const head = mesh.releases.head(app)
  const seq = (head?.record.seq ?? 0) + 1
  const version = `${seq}.0.${Math.floor(random.fraction() * 1e6)}`
  const bytes = await harbor.release({ app, seq, version, previous: head?.digest ?? null })
  // Another one may have come in between; then this one is refused, as it should be.
  await mesh.publish(bytes).catch((error: { code?: string }) => {
    expect(error.code).toBe('ERR_RELEASE_SEQUENCE')
  })
}

async function step(player: Player, random: SeededRandom): Promise<void> {
  const { mesh } = player
  if (mesh === null) return player.start()
  if (random.chance(0.4)) return publishNext(mesh, random.pick(['light-alarm', 'uplink', 'heater']), random)
  if (!mesh.isOnline || random.chance(0.5)) return mesh.setNetwork(!mesh.isOnline)
  return player.stop(random.chance(0.6))
}

test(`nodes that come and go at random come to the same in the end [seed ${seed}]`, async () => {
  const random = new SeededRandom(seed)
  harbor = await Harbor.open()
  const founder = await harbor.found('n0')
  const players: Player[] = []
  for (let index = 1; index < nodeCount; index++) {
    const player = new Player(harbor, await harbor.enter(`n${index}`, await harbor.invite(founder)))
    await player.start()
    players.push(player)
  }
  for (let count = 0; count < stepCount; count++) {
    await step(random.pick(players), random)
    await new Promise((resolve) => setTimeout(resolve, random.fraction() * longestStepMs))
  }
  await publishNext(founder, 'uplink', random)
  for (const player of players) {
    if (player.mesh === null) await player.start()
    await player.mesh?.setNetwork(true)
  }
  const meshes = [founder, ...players.map(({ mesh }) => mesh as Mesh)]
  const states = (): string[] => [...new Set(meshes.map((mesh) => stateOf(mesh)))]
  const end = Date.now() + settleMs
  while (states().length > 1 && Date.now() < end) await new Promise((resolve) => setTimeout(resolve, 50))
  expect(states()).toHaveLength(1)
  expect(founder.members()).toHaveLength(nodeCount)
  expect(founder.releases.head('uplink')).not.toBeNull()
})
