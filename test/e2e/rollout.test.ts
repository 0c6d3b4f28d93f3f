/** The built program shows a release on its way: a megabyte over a capped line, seen from the publisher. */
import { readFile, writeFile } from 'node:fs/promises'
import { join as pathOf } from 'node:path'
import { expect, it } from 'vitest'
import { withBallast } from './ballast.ts'
import { appFile, join, lightAndLed, openStage, start, until } from './harness.ts'

interface Event {
  readonly schema: string
  readonly event: string
  readonly ms: number
  readonly node?: string
  readonly state?: string
  readonly transfer?: {
    readonly haveBytes: number
    readonly totalBytes: number
    readonly fetchedBytes: number
    readonly via: string
    readonly bytesPerSecond?: number
  } | null
  readonly result?: string
  readonly nodes?: { readonly running: number; readonly expected: number; readonly fetchedBytes: number }
}

const trigger = ['--grant', 'sensor:light', '--grant', 'pin:led', '--trigger', 'sensor:light:500ms']

it('a download over a slow line is seen to grow on every node, with its rate, until each runs the release', async () => {
  const stage = await openStage()
  const slow = `${lightAndLed}\n[components]\nupload = "250 KiB"\n`
  const first = await start(stage, { name: 'lobby-1', config: slow })
  const others = [
    await join(stage, first, { name: 'lobby-2', config: slow }),
    await join(stage, first, { name: 'lobby-3', config: slow }),
  ]
  await until('everybody is alive', async () =>
    (await first.client.status()).nodes.every(
      ({ state }, _, { length }) => length === 3 && state === 'alive',
    ),
  )
  const file = pathOf(stage.folder, 'heavy.wasm')
  await writeFile(file, withBallast(await readFile(appFile), 1_000_000))
  const line = ['publish', file, '--data', first.data, '--wait', '--json', '--timeout', '50']
  const { code, stdout, stderr } = await stage.run([...line, ...trigger])
  expect({ code, stderr: stderr.includes('error[') ? stderr : '' }).toEqual({ code: 0, stderr: '' })
  const events = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Event)
  expect(new Set(events.map(({ schema }) => schema))).toEqual(new Set(['selvedge.publish-event/1']))
  expect(events.slice(0, 3).map(({ event }) => event)).toEqual(['uploaded', 'signed', 'accepted'])
  const times = events.slice(0, -1).map(({ ms }) => ms)
  expect(times).toEqual([...times].sort((a, b) => a - b))

  for (const { name } of others) {
    const told = events.filter(({ node }) => node === name)
    const growing = told
      .filter(({ event, state }) => event === 'node-progress' && state === 'fetching')
      .flatMap(({ transfer }) => transfer ?? [])
    const have = growing.map(({ haveBytes }) => haveBytes)
    expect(have.length).toBeGreaterThan(1)
    expect(have).toEqual([...have].sort((a, b) => a - b))
    expect(have.some((bytes) => bytes > 100_000 && bytes < 900_000)).toBe(true)
    expect(Math.max(...growing.map(({ bytesPerSecond = 0 }) => bytesPerSecond))).toBeGreaterThan(50_000)
    expect(told.at(-1)).toMatchObject({ event: 'node-running', transfer: { via: 'peers' } })
    expect(told.at(-1)?.transfer?.fetchedBytes).toBeGreaterThan(1_000_000)
  }
  const summary = events.at(-1)
  expect(summary).toMatchObject({
    event: 'summary',
    result: 'running',
    nodes: { running: 3, expected: 3, notRunning: [], away: [] },
  })

  const [app] = (await others[0]?.client.apps()) ?? []
  expect(app?.transfer).toMatchObject({ via: 'peers', totalBytes: app?.transfer?.haveBytes })
  const [release] = (await others[0]?.client.releases('heavy')) ?? []
  expect(release?.transfer?.fetchedBytes).toBe(app?.transfer?.fetchedBytes)
})
