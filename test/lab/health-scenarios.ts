/**
 * Who is alive, on real hosts: each kind of fault is told from the others, nobody who is there is called dead, and
 * a part that is cut off changes nobody's state.
 */
import assert from 'node:assert/strict'
import type { LabHost } from './host.ts'
import { inLab, lightAndLed, patienceMs, runsLightAlarm, seconds, type Scenario } from './scenario.ts'
import { until, type Lab } from './lab.ts'
import { agree, changesSince, inWords, namesOf, verdictOf, type Change } from './views.ts'

const five = ['lobby-1', 'lobby-2', 'lobby-3', 'garage-1', 'garage-2']
const twoSites = {
  lobby: { hosts: ['lobby-1', 'lobby-2', 'lobby-3'] },
  garage: { hosts: ['garage-1', 'garage-2'] },
}
/** How long a mesh that must not change its mind is looked at. */
const watchMs = 15_000

export const healthScenarios: readonly Scenario[] = [
  {
    isLong: true,
    title: 'a killed node is dead to all others, and to nobody else',
    run: (root) =>
      inLab({ root, hosts: five }, async (lab) => {
        await lab.formMesh()
        const { lines } = await struck(lab, 'garage-2', (garage) => garage.kill())
        return lines
      }),
  },
  {
    isLong: true,
    title: 'a host that falls silent is dead to all others and isolated to itself, and back when it is heard',
    run: (root) =>
      inLab({ root, hosts: five }, async (lab) => {
        await lab.formMesh()
        const { lines, victim, sinceMs, names } = await struck(lab, 'garage-2', (garage) => garage.cut())
        await until('it knows that it is isolated', patienceMs, () => agree([victim], [victim], 'isolated'))
        noneOf(changesSince(lab, names, sinceMs), ({ by, to }) => by === 'garage-2' && to === 'dead')
        victim.heal()
        return [...lines, await healed(lab)]
      }),
  },
  {
    isLong: true,
    title: 'a node that stands still is dead to all others, and alive again when it goes on',
    run: (root) =>
      inLab({ root, hosts: five }, async (lab) => {
        await lab.formMesh()
        const { lines, victim, names } = await struck(lab, 'garage-2', (garage) => garage.freeze())
        const thawedAt = Date.now()
        victim.thaw()
        const line = await healed(lab)
        noneOf(changesSince(lab, names, thawedAt), ({ by, to }) => by === 'garage-2' && to === 'dead')
        return [...lines, line]
      }),
  },
  {
    isLong: true,
    title: 'a line that carries one way only kills nobody, and no third changes its mind for long',
    run: (root) =>
      inLab({ root, hosts: five }, async (lab) => {
        await lab.formMesh()
        const names = await namesOf(lab)
        const sinceMs = Date.now()
        const [deaf, unheard] = [lab.host('lobby-1'), lab.host('garage-1')]
        deaf.deafTo([unheard])
        await pause(watchMs)
        const [there, back] = [await verdictOf(deaf, 'garage-1'), await verdictOf(unheard, 'lobby-1')]
        noneOf(changesSince(lab, names, sinceMs), ({ to }) => to === 'dead' || to === 'isolated')
        const others = lab.hosts.filter((host) => host !== deaf && host !== unheard)
        assert.ok(await agree(others, lab.hosts, 'alive'), 'a third has changed its mind')
        deaf.deafTo([])
        return [`the two hold each other for ${there} and ${back}, all others for alive`, await healed(lab)]
      }),
  },
  {
    isLong: true,
    title: 'a site that is cut off lives on and knows it, the others miss it, and both find each other again',
    run: (root) =>
      inLab({ root, sites: twoSites }, async (lab) => {
        await lab.formMesh({ config: lightAndLed })
        await lab
          .host('lobby-1')
          .mustRun(['publish', `${root}/components/light-alarm`, '--no-build', '--wait'])
        const [lobby, garage] = [lab.hosts.slice(0, 3), lab.hosts.slice(3)]
        const names = await namesOf(lab)
        const sinceMs = Date.now()
        lab.sites.cutOff('garage')
        for (const host of garage) {
          await until('the garage is isolated', patienceMs, () => agree([host], [host], 'isolated'))
        }
        const knownMs = Date.now() - sinceMs
        await until('the lobby holds the garage for dead', patienceMs, () => agree(lobby, garage, 'dead'))
        const missedMs = Date.now() - sinceMs
        for (const host of lab.hosts) await runsLightAlarm(host)
        noneOf(changesSince(lab, names, sinceMs), ({ by, about, to }) => {
          return to === 'dead' && (by.startsWith('garage') || about.startsWith('lobby'))
        })
        lab.sites.heal()
        return [
          `both of the garage isolated after ${seconds(knownMs)}, dead to the lobby after ${seconds(missedMs)}`,
          'both sides ran the app all the while',
          await healed(lab),
        ]
      }),
  },
  {
    isLong: true,
    title: 'a slow host is dead to nobody',
    run: (root) =>
      inLab({ root, hosts: five }, (lab) =>
        unharmed(lab, () => lab.host('garage-1').slowDown({ standMs: 400, goMs: 100 })),
      ),
  },
  {
    isLong: true,
    title: 'lines that lose one packet in ten kill nobody',
    run: (root) =>
      inLab({ root, hosts: five }, (lab) =>
        unharmed(lab, () => {
          for (const host of lab.hosts) host.lose(0.1)
          return () => {
            for (const host of lab.hosts) host.lose(0)
          }
        }),
      ),
  },
  {
    isLong: true,
    title: 'hosts behind a translation of addresses are members, though nobody can dial them',
    run: (root) => {
      const sites = { lobby: { hosts: ['lobby-1', 'lobby-2'] }, home: { hosts: ['home-1'], nat: true } }
      return inLab({ root, sites }, async (lab) => {
        await lab.formMesh({ config: lightAndLed })
        const { addresses } = (await lab.host('home-1').client.status()).self
        const code = await dialOutside(lab.host('lobby-1'), lab.host('home-1'))
        assert.equal(code, 1, 'the host could be dialled from outside')
        await lab
          .host('lobby-2')
          .mustRun(['publish', `${root}/components/light-alarm`, '--no-build', '--wait'])
        await runsLightAlarm(lab.host('home-1'))
        return [`${addresses.join()} cannot be reached, and runs what was published outside`]
      })
    },
  },
  {
    isLong: true,
    title:
      'two hosts that nobody can dial are alive to each other through a gateway, fetch through it, and follow logs',
    run: (root) => {
      const sites = {
        hall: { hosts: ['hall-1'] },
        home: { hosts: ['home-1'], nat: true },
        office: { hosts: ['office-1'], nat: true },
      }
      return inLab({ root, sites }, async (lab) => {
        const gateway = '[mesh]\ngateway = true\n'
        await lab.formMesh({ configOf: ({ name }) => (name === 'hall-1' ? gateway : '') + lightAndLed })
        const [home, office] = [lab.host('home-1'), lab.host('office-1')]
        assert.equal(await dialOutside(home, office), 1, 'one could dial the other directly')
        await until(
          'there is a round trip between them',
          patienceMs,
          async () => (await rttOf(home, office)) !== null,
        )
        await office.mustRun(['publish', `${root}/components/light-alarm`, '--no-build', '--wait'])
        await runsLightAlarm(home)
        const rttMs = await rttOf(home, office)
        const lines = await followed(home, 'office-1')
        return [
          `a round trip of ${rttMs?.toFixed(1)} ms between them, and the app runs behind both`,
          `${lines} lines of office-1 were followed from home-1, each once and in order`,
        ]
      })
    },
  },
  {
    isLong: true,
    title: 'sites 100 ms apart are one mesh, and nobody in it is called dead',
    run: (root) =>
      inLab({ root, sites: twoSites, delayMs: 50 }, async (lab) => {
        const lines = await unharmed(lab, () => () => {})
        const { nodes } = await lab.host('lobby-1').client.status()
        const rtts = new Map(nodes.map(({ name, rttMs }) => [name, rttMs ?? Number.NaN]))
        const far = rtts.get('garage-1') ?? Number.NaN
        assert.ok(far >= 100, `a round trip of ${far} ms through 50 ms each way`)
        return [
          ...lines,
          `round trips of ${rtts.get('lobby-2')?.toFixed(1)} ms in the site and ${far.toFixed(1)} ms between them`,
        ]
      }),
  },
]

const reach = `
require('node:net').connect(Number(process.argv[2]), process.argv[1])
  .on('connect', () => process.exit(0)).on('error', () => process.exit(1)).setTimeout(2000, () => process.exit(1))`

/** Follows what light-alarm says on another host for a few lines. @returns how many there were */
async function followed({ client }: LabHost, name: string): Promise<number> {
  const seqs: number[] = []
  const ending = new AbortController()
  const reading = (async () => {
    const asked = { app: 'light-alarm', tail: 0, follow: true }
    for await (const event of client.appLogs(asked, ending.signal))
      if (!('notice' in event) && event.name === name) seqs.push(event.seq)
  })()
  await until(`lines of ${name} are heard`, patienceMs, async () => seqs.length >= 5)
  ending.abort()
  await reading
  assert.deepEqual(
    seqs,
    seqs.map((_, at) => (seqs[0] ?? 0) + at),
  )
  return seqs.length
}

/** @returns null where no probe was answered over a connection of the two */
async function rttOf(at: LabHost, about: LabHost): Promise<number | null> {
  const { nodes } = await at.client.status()
  return nodes.find(({ name }) => name === about.name)?.rttMs ?? null
}

/** @returns the exit code of a plain program that dials: 0 where it got through, 1 where not */
function dialOutside(from: LabHost, to: LabHost): Promise<number | null> {
  const dial = from.exec(process.execPath, ['-e', reach, to.address, '4001'])
  return new Promise((resolve) => dial.once('exit', resolve))
}

/** Does something to one host, and waits until it is dead to all others, and nobody else is to anybody. */
async function struck(
  lab: Lab,
  name: string,
  strike: (victim: LabHost) => void | Promise<void>,
): Promise<{ lines: string[]; victim: LabHost; sinceMs: number; names: ReadonlyMap<string, string> }> {
  const names = await namesOf(lab)
  const victim = lab.host(name)
  const others = lab.hosts.filter((host) => host !== victim)
  const sinceMs = Date.now()
  await strike(victim)
  await until(`${name} is dead to all others`, patienceMs, () => agree(others, [victim], 'dead'))
  const changes = changesSince(lab, names, sinceMs)
  noneOf(changes, ({ by, about, to }) => by !== name && about !== name && to === 'dead')
  const deaths = changes
    .filter(({ about, to }) => about === name && to === 'dead')
    .map(({ at }) => at - sinceMs)
  const lines = [
    `dead to the first after ${seconds(Math.min(...deaths))}, to the last after ${seconds(Math.max(...deaths))}`,
  ]
  return { lines, victim, sinceMs, names }
}

/** Disturbs a mesh for a while, in which nobody may be called dead or isolated. */
async function unharmed(lab: Lab, disturb: () => () => void): Promise<string[]> {
  await lab.formMesh()
  const names = await namesOf(lab)
  const sinceMs = Date.now()
  const stop = disturb()
  try {
    await pause(watchMs)
  } finally {
    stop()
  }
  const changes = changesSince(lab, names, sinceMs)
  noneOf(changes, ({ to }) => to === 'dead' || to === 'isolated')
  const suspicions = changes.filter(({ to }) => to === 'suspect')
  return [`${seconds(watchMs)}: ${suspicions.length} suspicions, nobody called dead`, await healed(lab)]
}

async function healed(lab: Lab): Promise<string> {
  const sinceMs = Date.now()
  await lab.untilAllAlive()
  return `everybody alive to everybody after ${seconds(Date.now() - sinceMs)}`
}

function noneOf(changes: readonly Change[], isWrong: (change: Change) => boolean): void {
  assert.deepEqual(changes.filter(isWrong).map(inWords), [])
}

function pause(ms: number): Promise<void> {
  return new Promise((wake) => setTimeout(wake, ms))
}
