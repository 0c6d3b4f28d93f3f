/** What a node promised of events, over kills and restarts of the built program. */
import { describe, expect, it } from 'vitest'
import { share, start, until, publishFolder, type Daemon, type Stage } from './harness.ts'
import { buildTicker, readTick, tickerCalled, type Tick } from './ticker.ts'

interface Scene {
  readonly stage: Stage
  /** Where ticker is built. */
  readonly built: string
  /** Killed and started again. */
  node: Daemon
}

const scene = share<Scene>(async (stage) => ({
  stage,
  built: await buildTicker(stage),
  node: await start(stage, { name: 'lobby-1' }),
}))

/** Kills the node. @returns when it was over, by its own clock */
async function killed(): Promise<number> {
  const { node } = scene()
  node.kill('SIGKILL')
  await node.exited
  return Date.now()
}

/** Starts the node again. @param awayMs how long it stays away before that */
async function back(awayMs = 0): Promise<Daemon> {
  const { stage } = scene()
  await new Promise((resolve) => setTimeout(resolve, awayMs))
  return (scene().node = await start(stage, { name: 'lobby-1' }))
}

async function publish(app: string, version: string, mode: 'ok' | 'fail', trigger: string): Promise<void> {
  const { stage, built, node } = scene()
  await publishFolder(stage, node, await tickerCalled(app, built, { version, mode, trigger }))
}

async function ticks(app: string): Promise<Tick[]> {
  const lines = await scene().node.client.logs({ app, tail: 10_000 })
  return lines.flatMap(({ message }) => readTick(message))
}

const problemsOf = async (app: string) =>
  (await scene().node.client.status()).problems.filter(({ message }) => message.includes(app))

describe('events at least once', () => {
  it('that nobody handled yet are there after the daemon was killed, and go to the next release', async () => {
    const { stage, node: first } = scene()
    const app = 'waiting'
    const trigger =
      'kind = "timer"\nevery = "100ms"\ndelivery = "at-least-once"\nattempts = 100\nbackoff = "30min"'
    await publish(app, '1.0.0', 'fail', trigger)
    await until('five events wait', async () => (await first.client.events(app)).counts.waiting >= 5)
    const before = (await first.client.events(app)).counts.waiting
    const attempts = (await first.client.events(app)).waiting[0]?.attempts ?? 0

    await killed()
    const second = await back()
    const stateOf = async () => (await second.client.apps()).find((one) => one.app === app)?.state
    await until('the app is back', async () => (await stateOf()) === 'running')
    // Half an hour has not passed: the wait is over because the node starts.
    await until(
      'the first is tried again',
      async () => ((await second.client.events(app)).waiting[0]?.attempts ?? 0) > attempts,
    )
    const { counts, waiting } = await second.client.events(app)
    expect(counts.waiting + counts.taken).toBeGreaterThanOrEqual(before)
    expect(waiting[0]).toMatchObject({ id: 1, kind: 'timer' })
    expect(waiting[0]?.lastError).toContain('told to fail')
    expect(await stage.mustRun(['events', app, '--data', second.data])).toContain('timer event 1 ')

    await publish(app, '1.0.1', 'ok', trigger)
    await until('all that waited were handled', async () => (await ticks(app)).length >= before)
    const handled = (await ticks(app)).map(({ id }) => id)
    expect(handled.slice(0, before)).toEqual(Array.from({ length: before }, (_, at) => at + 1))
  })

  it('that fail each time are dead letters: shown, a problem in status, and handled when they are replayed', async () => {
    const { stage, node } = scene()
    const app = 'given-up'
    const rarely = 'kind = "timer"\nevery = "1h"\ndelivery = "at-least-once"'
    const often =
      'kind = "timer"\nevery = "200ms"\ndelivery = "at-least-once"\nattempts = 2\nbackoff = "10ms"'
    const data = ['--data', node.data]
    await publish(app, '1.0.0', 'fail', often)
    await until('two were given up', async () => (await node.client.events(app)).dead.length >= 2)
    expect(await stage.mustRun(['events', app, '--dead', ...data])).toMatch(/✗ 1 .*2 attempts.*told to fail/s)
    expect(await problemsOf(app)).toMatchObject([{ code: 'ERR_EVENTS_DEAD' }])

    await publish(app, '1.0.1', 'ok', rarely)
    const dead = (await node.client.events(app)).counts.dead
    expect(await stage.mustRun(['events', app, '--replay', 'all', ...data])).toContain('wait again')
    // Beside those that still waited when the next release came.
    await until('all were handled', async () => {
      const { counts } = await node.client.events(app)
      return counts.waiting + counts.taken + counts.dead === 0
    })
    const handled = (await ticks(app)).map(({ id }) => id)
    expect(handled.length).toBeGreaterThanOrEqual(dead)
    expect(handled).toContain(1)
    await until('nothing is wrong any more', async () => (await problemsOf(app)).length === 0)
  })
})

describe('a cron line whose missed runs are all made up for', () => {
  it('leaves out no second over a kill and a pause, and makes none twice', async () => {
    const app = 'every-second'
    await publish(app, '1.0.0', 'ok', 'kind = "cron"\nline = "* * * * * *"\nmissed = "all"')
    await until('two runs were made', async () => (await ticks(app)).length >= 2)
    const made = await ticks(app)
    const lastSeen = (made.at(-1)?.timeMs ?? 0) / 1_000
    const overMs = await killed()
    await back(2_500)
    await until('runs were made up for', async () => (await ticks(app)).length >= 4)
    // The last before the kill may have been handled, and its answer not yet be on the disk: it comes again.
    const all = [...made, ...(await ticks(app))]
    const seconds = [...new Set(all.map(({ timeMs }) => timeMs / 1_000))]
    const [begin = 0] = seconds
    const missed = Array.from({ length: (seconds.at(-1) ?? 0) - begin }, (_, at) => begin + at).filter(
      (second) => !seconds.includes(second),
    )
    // What was handled between the last look and the kill had its line in a log that is gone.
    const unseen = (second: number): boolean => second > lastSeen && second * 1_000 <= overMs
    expect(missed.filter((second) => !unseen(second))).toEqual([])
    expect(seconds).toEqual([...seconds].sort((a, b) => a - b))
    const again = all.length - seconds.length
    expect(again).toBeLessThanOrEqual(2)
  })
})
