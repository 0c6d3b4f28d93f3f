/**
 * From the moment at which one of eight ends (killed, cut off without a word, or standing still) until all seven others
 * say so. serf's agents stand beside ours on the same hosts and end at the same moment.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { labObstacle, makeLab, until, type Lab, type LabHost } from '../../test/lab/index.ts'
import type { BenchContext, Finding } from '../benchmark.ts'
import { atMost, percentileOf } from './finding.ts'
import { SerfAgent, serfVersion } from './serf.ts'

export const hostNames = Array.from({ length: 8 }, (_, index) => `node-${index + 1}`)
/** Nobody waits longer for a verdict. */
const patienceMs = 30_000
/** Between two rounds, so that each begins in a mesh at rest. */
const restMs = 1_500

interface Fault {
  readonly name: 'kill' | 'vanish' | 'freeze'
  readonly question: string
  readonly p50Ms: number
  readonly p99Ms: number
  strike(host: LabHost, serf: SerfAgent | null): void
  mend(host: LabHost, serf: SerfAgent | null): Promise<void>
}

const kinds: readonly Fault[] = [
  {
    name: 'kill',
    question: 'SIGKILL of 1 of 8 until all others say dead',
    p50Ms: 1_000,
    p99Ms: 2_500,
    strike(host, serf) {
      process.kill(host.pid, 'SIGKILL')
      serf?.kill()
    },
    async mend(host, serf) {
      serf?.start()
      await host.up()
    },
  },
  {
    name: 'vanish',
    question: 'a host vanishes until all others say dead',
    p50Ms: 3_000,
    p99Ms: 5_000,
    strike: (host) => host.cut(),
    async mend(host, serf) {
      host.heal()
      serf?.rejoin()
    },
  },
  {
    name: 'freeze',
    question: 'SIGSTOP of 1 of 8 until all others say dead',
    p50Ms: 3_000,
    p99Ms: 5_000,
    strike(host, serf) {
      host.freeze()
      serf?.freeze()
    },
    async mend(host, serf) {
      host.thaw()
      serf?.thaw()
    },
  },
]

export async function faults({ root, say, full }: BenchContext): Promise<Finding[]> {
  const obstacle = labObstacle()
  if (obstacle !== null) return kinds.flatMap((kind) => findings(kind, [], null, obstacle))
  const rounds = full ? 20 : 6
  const version = serfVersion()
  const lab = await makeLab({ hosts: hostNames, root })
  try {
    await lab.formMesh()
    const arena = new Arena(lab, version === null ? [] : serfOn(lab))
    await arena.start()
    const found: Finding[] = []
    for (const kind of kinds) {
      const own: number[] = []
      const rival: number[] = []
      for (let round = 0; round < rounds; round++) {
        const times = await arena.round(kind, round)
        own.push(times.own)
        if (times.serf !== null) rival.push(times.serf)
      }
      say(`${kind.name}, ms: ${own.join(' ')}; serf: ${rival.join(' ')}`)
      found.push(...findings(kind, own, version === null ? null : { version, rival }))
    }
    return found
  } finally {
    lab.close()
  }
}

/** Eight hosts, with a node of ours and an agent of serf's each. */
class Arena {
  readonly #lab: Lab
  readonly #serf: readonly SerfAgent[]

  constructor(lab: Lab, serf: readonly SerfAgent[]) {
    this.#lab = lab
    this.#serf = serf
  }

  async start(): Promise<void> {
    for (const agent of this.#serf) agent.start()
    await this.#rest()
  }

  /** @returns how long it took until the last of the others said `dead`, or `failed`, in ms; Infinity for never */
  async round(kind: Fault, round: number): Promise<{ own: number; serf: number | null }> {
    const victim = this.#lab.hosts[round % this.#lab.hosts.length] as LabHost
    const victimSerf = this.#serf.find(({ host }) => host === victim) ?? null
    const { self } = await victim.client.status()
    const struckAt = Date.now()
    kind.strike(victim, victimSerf)
    const own = this.#lab.hosts
      .filter((host) => host !== victim)
      .map((host) =>
        host
          .until(
            `${victim.name} is dead`,
            ({ event, at, fields }) =>
              event === 'member:verdict' &&
              at >= struckAt &&
              fields['node'] === self.id &&
              fields['to'] === 'dead',
            patienceMs,
          )
          .then(({ at }) => at - struckAt)
          .catch(() => Infinity),
      )
    const [ownTimes, serf] = await Promise.all([Promise.all(own), this.#serfTime(victim, struckAt)])
    await kind.mend(victim, victimSerf)
    await this.#rest()
    return { own: Math.max(...ownTimes), serf }
  }

  async #serfTime(victim: LabHost, struckAt: number): Promise<number | null> {
    const others = this.#serf.filter(({ host }) => host !== victim)
    if (others.length === 0) return null
    const times = (): number[] => others.map(({ failedAt }) => failedAt.get(victim.name) ?? 0)
    try {
      await until('serf says failed', patienceMs, () => times().every((at) => at >= struckAt))
      return Math.max(...times()) - struckAt
    } catch {
      return Infinity
    }
  }

  async #rest(): Promise<void> {
    await this.#lab.untilAllAlive()
    await until('serf holds all for alive', 60_000, () =>
      this.#serf.every(({ alive }) => alive.size === this.#lab.hosts.length),
    )
    await sleep(restMs * (1 + Math.random()))
  }
}

function serfOn(lab: Lab): SerfAgent[] {
  const [first] = lab.hosts
  // The first asks the second, so that it finds the others again when it is the one that comes back.
  return lab.hosts.map((host) => new SerfAgent(host, (host === first ? lab.hosts[1] : first) as LabHost))
}

function findings(
  { name, question, p50Ms, p99Ms }: Fault,
  own: readonly number[],
  serf: { readonly version: string; readonly rival: readonly number[] } | null,
  skipped?: string,
): Finding[] {
  return [
    [50, p50Ms],
    [99, p99Ms],
  ].map(([percent = 0, goalValue = 0]) =>
    atMost({
      question: `${question}, p${percent} of ${own.length}`,
      metric: `${name}_p${percent}`,
      value: own.length === 0 ? null : percentileOf(own, percent),
      unit: 'ms',
      samples: own.length,
      rival: serf === null ? 'serf (not here)' : `serf ${serf.version}, lan profile`,
      rivalValue: serf === null || serf.rival.length === 0 ? null : percentileOf(serf.rival, percent),
      goalValue,
      ...(skipped === undefined ? {} : { skipped }),
    }),
  )
}
