/** Act 2: version 1.0.0 goes to every node and lights a LED in the dark. */
import { join } from 'node:path'
import { coverTheSensor } from '../hand.ts'
import { app } from '../observer.ts'
import type { Play } from '../play.ts'

export async function publishFirst(play: Play, signal: AbortSignal): Promise<void> {
  play.rules.set('1.0.0', (value, threshold) => value < threshold)
  const folder = join(play.root, 'components', app)
  await publishAndWait(play, folder, '1.0.0', signal)

  const cycle = await play.until(
    'both lobby LEDs follow the daylight: on in the dark, off in the light',
    () =>
      ['lobby-1', 'lobby-2'].every((name) => {
        const events = play.node(name).ledger.events
        return events.some((event) => event.led) && events.some((event) => !event.led)
      }),
  )
  play.measured('lobby: LED seen on and off again', cycle, 15_000)
  await coverGarage(play, true)
  play.checkLedgers()
}

/**
 * Builds (where the folder says how) and publishes, and waits until every node runs it.
 * @returns ms from the command to the last node running
 */
export async function publishAndWait(
  play: Play,
  folder: string,
  version: string,
  signal: AbortSignal,
): Promise<number> {
  const startedAt = Date.now()
  await play.stage.mustRun(
    ['publish', folder, '--data', play.node('lobby-1').daemon.data, '--wait', '--no-build'],
    signal,
  )
  await play.until(`${version} handles events on every node`, () =>
    play.nodes.every((node) => node.condition === 'dead' || node.ledger.of(version).length > 0),
  )
  // By the guests' own log: `publish --wait` goes on watching for a second.
  const firsts = play.nodes.map((node) => node.ledger.of(version)[0]?.time ?? startedAt)
  const ms = Math.max(...firsts) - startedAt
  play.measured(`${version}: publish to handled on every node`, ms, 15_000)
  return ms
}

/** Covers the garage's sensor with the hand; the LED must become `lit` under it, and the opposite after it. */
export async function coverGarage(play: Play, lit: boolean): Promise<void> {
  const garage = play.node('garage-1').ledger
  await play.until(`the garage LED is ${lit ? 'off' : 'on'} while nobody covers its sensor`, () => {
    const last = garage.events.at(-1)
    return last !== undefined && last.led !== lit
  })
  const coveredAt = Date.now()
  const covered = coverTheSensor(2_000)
  const reaction = await play.until(
    `the hand over the garage sensor turns its LED ${lit ? 'on' : 'off'}`,
    () => garage.events.some((event) => event.time >= coveredAt && event.led === lit),
  )
  await covered
  const uncoveredAt = Date.now()
  await play.until('the garage LED goes back when the hand is gone', () =>
    garage.events.some((event) => event.time >= uncoveredAt && event.led !== lit),
  )
  play.measured(`garage: a hand over the sensor turns the LED ${lit ? 'on' : 'off'}`, reaction, 5_000)
}
