/**
 * What the lab tries, each on hosts of its own: the tests run these, and `npm run lab` prints what they saw.
 * A scenario throws where something is not as it must be.
 */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { until } from './lab.ts'
import type { LabHost } from './host.ts'
import { downloadOnce } from './download.ts'
import { healthScenarios } from './health-scenarios.ts'
import { inLab, lightAndLed, patienceMs, runsLightAlarm, seconds, type Scenario } from './scenario.ts'
import { agree } from './views.ts'

export const scenarios: readonly Scenario[] = [
  {
    isLong: true,
    title: 'three hosts form a mesh over the bridge, and run what is published on one of them',
    run: (root) =>
      inLab({ root, hosts: ['lobby-1', 'lobby-2', 'garage-1'] }, async (lab) => {
        await lab.formMesh({ config: lightAndLed })
        const [first, ...others] = lab.hosts as [LabHost, ...LabHost[]]
        await first.mustRun(['publish', join(root, 'components/light-alarm'), '--no-build', '--wait'])
        for (const host of lab.hosts) await runsLightAlarm(host)
        return others.map(({ name, traffic }) => `${name} received ${traffic.receivedBytes} bytes of frames`)
      }),
  },
  {
    isLong: true,
    title: 'a host whose line is cut knows that it is alone, goes on running, and is back when the line is',
    run: (root) =>
      inLab({ root, hosts: ['lobby-1', 'lobby-2', 'garage-1'] }, async (lab) => {
        await lab.formMesh({ config: lightAndLed })
        const [lobby, , garage] = lab.hosts as [LabHost, LabHost, LabHost]
        await lobby.mustRun(['publish', join(root, 'components/light-alarm'), '--no-build', '--wait'])
        const cutAt = performance.now()
        garage.cut()
        await until('the garage says that it is isolated', patienceMs, () =>
          agree([garage], [garage], 'isolated'),
        )
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
    isLong: true,
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
  ...healthScenarios,
]
