/** What a node promised of events, over kills and restarts of the built program. */
import { describe, expect, it } from 'vitest'
import { openStage, start, until, type Daemon } from './harness.ts'
import { openTicker, readTick, type Tick } from './ticker.ts'

const app = 'ticker'

async function ticks(daemon: Daemon): Promise<Tick[]> {
  const lines = await daemon.client.logs({ app, tail: 10_000 })
  return lines.flatMap(({ message }) => readTick(message))
}

describe('events at least once', () => {
  it('that nobody handled yet are there after the daemon was killed, and go to the next release', async () => {
    const stage = await openStage()
    const trigger =
      'kind = "timer"\nevery = "100ms"\ndelivery = "at-least-once"\nattempts = 100\nbackoff = "30min"'
    const release = await openTicker(stage, { version: '1.0.0', mode: 'fail', trigger })
    const first = await start(stage, { name: 'lobby-1' })
    const publish = async (version: string, mode: 'ok' | 'fail', daemon: Daemon): Promise<unknown> => {
      const folder = await release({ version, mode, trigger })
      return stage.mustRun(['publish', folder, '--no-build', '--data', daemon.data, '--wait'])
    }
    await publish('1.0.0', 'fail', first)
    await until('five events wait', async () => (await first.client.events(app)).counts.waiting >= 5)
    const before = (await first.client.events(app)).counts.waiting
    first.kill('SIGKILL')
    await first.exited

    const second = await start(stage, { name: 'lobby-1' })
    await until('the app is back', async () => (await second.client.apps())[0]?.state === 'running')
    const { counts, waiting } = await second.client.events(app)
    expect(counts.waiting + counts.taken).toBeGreaterThanOrEqual(before)
    expect(waiting[0]).toMatchObject({ id: 1, kind: 'timer' })
    expect(waiting[0]?.lastError).toContain('told to fail')
    expect(await stage.mustRun(['events', app, '--data', second.data])).toContain('timer event 1 ')

    await publish('1.0.1', 'ok', second)
    await until('all that waited were handled', async () => (await ticks(second)).length >= before)
    const handled = (await ticks(second)).map(({ id }) => id)
    expect(handled.slice(0, before)).toEqual(Array.from({ length: before }, (_, at) => at + 1))
  })

  it('that fail each time are dead letters: shown, a problem in status, and handled when they are replayed', async () => {
    const stage = await openStage()
    const trigger = 'kind = "timer"\nevery = "1h"\ndelivery = "at-least-once"'
    const often =
      'kind = "timer"\nevery = "200ms"\ndelivery = "at-least-once"\nattempts = 2\nbackoff = "10ms"'
    const release = await openTicker(stage, { version: '1.0.0', mode: 'fail', trigger: often })
    const node = await start(stage, { name: 'lobby-1' })
    const data = ['--data', node.data]
    await stage.mustRun([
      'publish',
      await release({ version: '1.0.0', mode: 'fail', trigger: often }),
      '--no-build',
      '--wait',
      ...data,
    ])
    await until('two were given up', async () => (await node.client.events(app)).dead.length >= 2)
    expect(await stage.mustRun(['events', app, '--dead', ...data])).toMatch(/✗ 1 .*2 attempts.*told to fail/s)
    expect((await node.client.status()).problems).toMatchObject([{ code: 'ERR_EVENTS_DEAD' }])

    const folder = await release({ version: '1.0.1', mode: 'ok', trigger })
    await stage.mustRun(['publish', folder, '--no-build', '--wait', ...data])
    const dead = (await node.client.events(app)).counts.dead
    expect(await stage.mustRun(['events', app, '--replay', 'all', ...data])).toContain('wait again')
    await until('they were handled', async () => (await ticks(node)).length >= dead)
    expect((await ticks(node)).map(({ id }) => id)).toContain(1)
    expect((await node.client.events(app)).counts).toMatchObject({ waiting: 0, dead: 0 })
    expect((await node.client.status()).problems).toEqual([])
  })
})

describe('a cron line whose missed runs are all made up for', () => {
  it('leaves out no second over a kill and a pause, and makes none twice', async () => {
    const stage = await openStage()
    const trigger = 'kind = "cron"\nline = "* * * * * *"\nmissed = "all"'
    const release = await openTicker(stage, { version: '1.0.0', mode: 'ok', trigger })
    const first = await start(stage, { name: 'lobby-1' })
    const folder = await release({ version: '1.0.0', mode: 'ok', trigger })
    await stage.mustRun(['publish', folder, '--no-build', '--wait', '--data', first.data])
    await until('two runs were made', async () => (await ticks(first)).length >= 2)
    const made = await ticks(first)
    first.kill('SIGKILL')
    await first.exited
    await new Promise((resolve) => setTimeout(resolve, 2_500))
    const second = await start(stage, { name: 'lobby-1' })
    await until('runs were made up for', async () => (await ticks(second)).length >= 4)
    // The last before the kill may have been handled, and its answer not yet be on the disk: it comes again.
    const all = [...made, ...(await ticks(second))]
    const seconds = [...new Set(all.map(({ timeMs }) => timeMs / 1_000))]
    const begin = seconds[0] ?? 0
    expect(seconds).toEqual(seconds.map((_, at) => begin + at))
    const again = all.length - seconds.length
    expect(again).toBeLessThanOrEqual(2)
  })
})
