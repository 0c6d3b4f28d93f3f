/**
 * Two sites of five and three hosts are cut apart; one releases an app meanwhile. How long after the line is back are
 * all alive to all, and is the release known on both sides?
 */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { labObstacle, makeLab, until, type Lab } from '../../test/lab/index.ts'
import type { BenchContext, Finding } from '../benchmark.ts'
import { atMost, percentileOf } from './finding.ts'

const sites = {
  lobby: { hosts: ['lobby-1', 'lobby-2', 'lobby-3', 'lobby-4', 'lobby-5'] },
  garage: { hosts: ['garage-1', 'garage-2', 'garage-3'] },
}
const patienceMs = 60_000

export async function heal({ root, say, full }: BenchContext): Promise<Finding[]> {
  const cutMs = full ? 60_000 : 20_000
  const rounds = full ? 5 : 3
  const obstacle = labObstacle()
  const alive: number[] = []
  const known: number[] = []
  if (obstacle === null) {
    const lab = await makeLab({ sites, root })
    try {
      await lab.formMesh()
      for (let round = 0; round < rounds; round++) {
        const times = await cutAndHeal(lab, root, round, cutMs)
        alive.push(times.aliveMs)
        known.push(times.knownMs)
      }
    } finally {
      lab.close()
    }
    say(`all alive after ms: ${alive.join(' ')}; release known after ms: ${known.join(' ')}`)
  }
  const after = `after a partition of ${cutMs / 1_000} s, 5 and 3 hosts, longest of ${rounds}`
  const shared = { unit: 'ms', samples: alive.length, goalValue: 5_000 }
  const skipped = obstacle === null ? {} : { skipped: obstacle }
  return [
    atMost({
      question: `all alive again ${after}`,
      metric: 'heal',
      value: longest(alive),
      ...shared,
      ...skipped,
    }),
    atMost({
      question: `a release of meanwhile known on the other side ${after}`,
      metric: 'heal_release',
      value: longest(known),
      ...shared,
      ...skipped,
    }),
  ]
}

function longest(values: readonly number[]): number | null {
  return values.length === 0 ? null : percentileOf(values, 100)
}

async function cutAndHeal(
  lab: Lab,
  root: string,
  round: number,
  cutMs: number,
): Promise<{ aliveMs: number; knownMs: number }> {
  const app = `heal-${round}`
  lab.sites.cutOff('garage')
  const endsAt = Date.now() + cutMs
  const component = join(root, 'components/light-alarm/build/light-alarm.wasm')
  const names = ['--app', app, '--version', '1.0.0', '--grant', 'sensor:light', '--grant', 'pin:led']
  await lab.host('lobby-1').mustRun(['publish', component, ...names, '--no-build'])
  await sleep(Math.max(0, endsAt - Date.now()))
  const healedAt = Date.now()
  lab.sites.heal()
  const garage = lab.hosts.filter(({ name }) => name.startsWith('garage'))
  const isKnown = async (): Promise<boolean> => {
    const lists = await Promise.all(garage.map(({ client }) => client.apps()))
    return lists.every((apps) => apps.some((known) => known.app === app))
  }
  const knownMs = until('the release is known', patienceMs, isKnown).then(() => Date.now() - healedAt)
  await lab.untilAllAlive()
  const changes = lab.hosts.flatMap(({ events }) =>
    events.filter(({ event, at }) => event === 'member:verdict' && at >= healedAt),
  )
  return { aliveMs: Math.max(...changes.map(({ at }) => at - healedAt)), knownMs: await knownMs }
}
