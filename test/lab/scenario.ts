/** What a scenario is, and what all of them need. */
import assert from 'node:assert/strict'
import { makeLab, type Lab } from './lab.ts'
import type { LabHost } from './host.ts'

export interface Scenario {
  /** Left out of `npm test`; LAB=all has it run there too. */
  readonly isLong?: boolean
  /** What holds when it has passed. */
  readonly title: string
  /** @returns what it saw, a line each */
  run(root: string): Promise<string[]>
}

/** A light that alternates between dark and bright, and a LED. */
export const lightAndLed = `
[sensors.light]
driver = "simulated"
shape = "steps"
values = [10, 900]
unit = "lx"
period = "1s"

[pins.led]
driver = "simulated"
`

export const patienceMs = 60_000

/** Makes a lab for `body`, and takes it down whatever happens. */
export async function inLab(
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

/** @throws where the host's node does not run light-alarm */
export async function runsLightAlarm({ client, name }: LabHost): Promise<void> {
  const apps = await client.apps()
  assert.deepEqual(
    apps.map(({ app, state }) => [app, state]),
    [['light-alarm', 'running']],
    name,
  )
}

export function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`
}
