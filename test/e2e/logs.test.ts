/** Logs of the built program: of two nodes from one, over a death of one of them, and found again on its disk. */
import { expect, it } from 'vitest'
import type { NodeLogEvent } from '../../host/api/index.ts'
import { app, join, openStage, publishApp, start, until, type Daemon } from './harness.ts'

/** Everything that a reader is told from now on. */
function follow(daemon: Daemon): { readonly events: NodeLogEvent[]; end(): Promise<void> } {
  const events: NodeLogEvent[] = []
  const ending = new AbortController()
  const reading = (async () => {
    for await (const event of daemon.client.appLogs({ app, tail: 0, follow: true }, ending.signal))
      events.push(event)
  })()
  return {
    events,
    end() {
      ending.abort()
      return reading
    },
  }
}

const noticesOf = (events: readonly NodeLogEvent[], name: string): string[] =>
  events.flatMap((event) => ('notice' in event && event.name === name ? [event.notice] : []))
const linesOf = (events: readonly NodeLogEvent[], name: string): { seq: number; message: string }[] =>
  events.flatMap((event) => ('notice' in event || event.name !== name ? [] : [event]))

it('both nodes are followed from one, over a death of one of them; nothing comes twice, and lines are found again', async () => {
  const stage = await openStage()
  const one = await start(stage, { name: 'lobby-1' })
  const two = await join(stage, one, { name: 'lobby-2' })
  await publishApp(stage, one)
  const reader = follow(one)
  await until('both are heard', () =>
    ['lobby-1', 'lobby-2'].every((name) => linesOf(reader.events, name).length > 2),
  )

  two.kill('SIGKILL')
  await two.exited
  await until('its absence is said', () => noticesOf(reader.events, 'lobby-2').includes('away'))
  const again = await start(stage, { name: 'lobby-2' })
  const before = linesOf(reader.events, 'lobby-2').length
  await until('it is heard again', () => linesOf(reader.events, 'lobby-2').length > before + 2)
  // One that starts on a busy machine may be lost for a moment again.
  expect(noticesOf(reader.events, 'lobby-2').join()).toMatch(/^away,back(,away,back)*$/)
  await reader.end()
  for (const name of ['lobby-1', 'lobby-2']) {
    const seqs = linesOf(reader.events, name).map(({ seq }) => seq)
    expect(seqs).toEqual([...new Set(seqs)].sort((a, b) => a - b))
  }

  // Its own lines of this life, found by text on that node alone, from the other one.
  const found = await stage.mustRun([
    'logs',
    app,
    '--node',
    'lobby-2',
    '--grep',
    'LED ON',
    '--since',
    '10m',
    '--data',
    one.data,
  ])
  expect(found).toMatch(/^\d\d:\d\d:\d\d\.\d{3} info {2}1\.0\.0 .*event \d+: 10 lx, led on\n/)
  expect(found).not.toContain('led off')
  const both = await stage.mustRun(['logs', app, '-n', '3', '--data', again.data])
  expect(both.match(/ lobby-1 /g)).toHaveLength(3)
  expect(both.match(/ lobby-2 /g)).toHaveLength(3)
})
