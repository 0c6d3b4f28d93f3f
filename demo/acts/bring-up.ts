/** Act 1: three daemons, two groups, two invites. */
import { idlePercent } from '../hand.ts'
import { Observer } from '../observer.ts'
import type { Play } from '../play.ts'
import type { DaemonOptions } from '../stage.ts'

const daylightThreshold = 300

export async function bringUp(play: Play, signal: AbortSignal): Promise<void> {
  const threshold = await darknessThreshold(play)
  play.thresholds.set('lobby-1', daylightThreshold)
  play.thresholds.set('lobby-2', daylightThreshold)
  play.thresholds.set('garage-1', threshold)

  const startedAt = Date.now()
  await enter(play, { name: 'lobby-1', group: 'lobby', config: daylightNode(0) }, signal)
  await enter(
    play,
    { name: 'lobby-2', group: 'lobby', config: daylightNode(0.4), join: await invite(play, 'lobby', signal) },
    signal,
  )
  await enter(
    play,
    {
      name: 'garage-1',
      group: 'garage',
      config: garageNode(threshold),
      join: await invite(play, 'garage', signal),
    },
    signal,
  )

  await play.until('every node sees three members alive', async () => {
    const views = await Promise.all(play.nodes.map((node) => node.daemon.client.status()))
    return views.every(
      (view) => view.nodes.length === 3 && view.nodes.every((node) => node.state === 'alive'),
    )
  })
  play.measured('three nodes up, admitted, all alive', Date.now() - startedAt, 15_000)
}

/** An invite to `group`, as an operator would get it, from the first node. */
export async function invite(play: Play, group: string, signal: AbortSignal): Promise<string> {
  const token = await play.stage.mustRun(
    ['invite', '--data', play.node('lobby-1').daemon.data, '--group', group],
    signal,
  )
  play.usedTokens.push(token.trim())
  return token.trim()
}

async function enter(play: Play, options: DaemonOptions, signal: AbortSignal): Promise<void> {
  const startedAt = Date.now()
  const observer = new Observer(await play.stage.up(options, signal))
  observer.condition = 'alive'
  play.observers.set(options.name, observer)
  play.screen.say(`  ${options.name} is up in ${options.group} after ${Date.now() - startedAt} ms`)
}

/** Half of what the machine idles now: the hand (every core busy) brings it close to zero. */
async function darknessThreshold(play: Play): Promise<number> {
  let idle = 0
  await play.until(
    'this machine is idle enough (15 % of its CPU) to tell light from dark',
    async () => (idle = await idlePercent(700)) > 15,
  )
  play.screen.say(
    `  this machine idles at ${idle.toFixed(0)} %: under ${(idle / 2).toFixed(0)} % counts as dark in the garage`,
  )
  return Math.round(idle / 2)
}

function daylightNode(phase: number): string {
  return `
[sensors.light]
driver = "simulated"
shape = "daylight"
unit = "lx"
min = 0
max = 1000
period = "6s"
phase = ${phase}

[pins.led]
driver = "simulated"

[apps.light-alarm.config]
threshold = "${daylightThreshold}"
`
}

export function garageNode(threshold: number): string {
  return `
[sensors.light]
driver = "system"
metric = "cpu-idle"

[pins.led]
driver = "simulated"

[apps.light-alarm.config]
threshold = "${threshold}"
`
}
