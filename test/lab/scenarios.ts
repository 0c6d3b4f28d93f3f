/**
 * What the lab tries, each on hosts of its own: the tests run these, and `npm run lab` prints what they saw.
 * A scenario throws where something is not as it must be.
 */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { makeLab, until, type Lab } from './lab.ts'
import type { LabHost } from './host.ts'
import { downloadOnce } from './download.ts'

export interface Scenario {
  /** What holds when it has passed. */
  readonly title: string
  /** @returns what it saw, a line each */
  run(root: string): Promise<string[]>
}

/** A light that alternates between dark and bright, and a LED. */
const lightAndLed = `
[sensors.light]
driver = "simulated"
shape = "steps"
values = [10, 900]
unit = "lx"
period = "1s"

[pins.led]
driver = "simulated"
`

const patienceMs = 60_000

export const scenarios: readonly Scenario[] = [
  {
    title: 'three hosts form a mesh over the bridge, and run what is published on one of them',
    run: (root) =>
      inLab({ root, hosts: ['lobby-1', 'lobby-2', 'garage-1'] }, async (lab) => {
        await lab.formMesh({ config: lightAndLed })
        const [first, ...others] = lab.hosts as [LabHost, ...LabHost[]]
        await first.mustRun(['publish', join(root, 'components/light-alarm'), '--no-build', '--wait'])
        for (const { client, name } of lab.hosts) {
          const apps = await client.apps()
          assert.deepEqual(
            apps.map(({ app, state }) => [app, state]),
            [['light-alarm', 'running']],
            name,
          )
        }
        return others.map(({ name, traffic }) => `${name} received ${traffic.receivedBytes} bytes of frames`)
      }),
  },
  {
    title: 'a host whose line is cut knows that it is alone, goes on running, and is back when the line is',
    run: (root) =>
      inLab({ root, hosts: ['lobby-1', 'lobby-2', 'garage-1'] }, async (lab) => {
        await lab.formMesh({ config: lightAndLed })
        const [lobby, , garage] = lab.hosts as [LabHost, LabHost, LabHost]
        await lobby.mustRun(['publish', join(root, 'components/light-alarm'), '--no-build', '--wait'])
        const cutAt = performance.now()
        garage.cut()
        await until('the garage says that it is isolated', patienceMs, () => seesItself(garage, 'isolated'))
        const noticedMs = performance.now() - cutAt
        await until('the lobby misses the garage', patienceMs, async () => {
          const { nodes } = await lobby.client.status()
          return nodes.some(({ name, state }) => name === 'garage-1' && state !== 'alive')
        })
        const apps = await garage.client.apps()
        assert.equal(apps[0]?.state, 'running')
        const healedAt = performance.now()
        garage.heal()
        await lab.untilAllAlive()
        return [
          `knew that it is isolated after ${seconds(noticedMs)}`,
          `everybody alive to everybody ${seconds(performance.now() - healedAt)} after the line was back`,
        ]
      }),
  },
  {
    title: 'a killed node comes back on its own disk and runs the same release',
    run: (root) =>
      inLab({ root, hosts: ['lobby-1', 'garage-1'] }, async (lab) => {
        await lab.formMesh({ config: lightAndLed })
        const [lobby, garage] = lab.hosts as [LabHost, LabHost]
        await lobby.mustRun(['publish', join(root, 'components/light-alarm'), '--no-build', '--wait'])
        await garage.kill()
        const startedAt = performance.now()
        await garage.up({ config: lightAndLed })
        await until('it runs again', patienceMs, async () => {
          const apps = await garage.client.apps()
          return apps[0]?.state === 'running'
        })
        const runningMs = performance.now() - startedAt
        await lab.untilAllAlive()
        return [`running ${seconds(runningMs)} after its start`]
      }),
  },
  {
    title: 'a capped line is never faster than its cap, up and down, and its bytes are counted',
    run: (root) =>
      inLab({ root, hosts: ['left', 'right'], upMbit: 8, downMbit: 16 }, async (lab) => {
        const sizeBytes = 1_000_000
        const [left, right] = lab.hosts as [LabHost, LabHost]
        const before = right.traffic.receivedBytes
        const ms = await downloadOnce(left, right, sizeBytes)
        const mbit = (sizeBytes * 8) / ms / 1_000
        // What the first burst lets through at once is less than a tenth of it all.
        assert.ok(mbit < 8.8, `${mbit} Mbit/s came through a line of 8`)
        const received = right.traffic.receivedBytes - before
        assert.ok(received > sizeBytes, `${received} bytes were counted of ${sizeBytes} that came`)
        return [
          `${mbit.toFixed(2)} Mbit/s through 8 up and 16 down, ${received} bytes of frames for ${sizeBytes}`,
        ]
      }),
  },
]

async function inLab(
  options: Parameters<typeof makeLab>[0],
  body: (lab: Lab) => Promise<string[]>,
): Promise<string[]> {
  const lab = await makeLab(options)
  try {
    return await body(lab)
  } finally {
    lab.close()
  }
}

async function seesItself(host: LabHost, verdict: string): Promise<boolean> {
  const { nodes } = await host.client.status()
  return nodes.some(({ name, state }) => name === host.name && state === verdict)
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`
}
