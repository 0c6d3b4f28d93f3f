/** Apps that share a thread: what one of them does to it, and what the others are told of that. */
import { afterAll, describe, expect, it, onTestFinished } from 'vitest'
import type { Incident, Sandbox, StartRequest } from '../../../../host/engine/index.ts'
import type { GuestName } from '../../../guests/index.ts'
import { devices, event, handle, log, makeEngine, preparedOnce, requestFor, startGuest } from '../kit.ts'

const engine = makeEngine()
afterAll(() => engine.stop())
let publishers = 0
const newPublisher = (): string => `publisher ${(publishers += 1)}`

function start(name: GuestName, publisher: string, changes: Partial<StartRequest> = {}): Promise<Sandbox> {
  const imports = [log(() => {}), ...devices(() => ({ value: 1, unit: 'lx', timeMs: 1n }))]
  return startGuest(engine, name, { isolation: 'shared', publisher, imports, ...changes })
}

it('an app that loops ends by its deadline, and its neighbour by no fault of its own', async () => {
  const publisher = newPublisher()
  const [looping, innocent] = [
    await start('loop', publisher, { deadlineMs: 300 }),
    await start('echo', publisher, { deadlineMs: 60_000 }),
  ]
  await innocent.call(handle, [event(1)])
  const { errors } = innocent.usage
  const looped = looping.call(handle, [event(1)])
  looped.catch(() => {})
  await sent()
  const waited = innocent.call(handle, [event(2)])
  await expect(waited).rejects.toMatchObject({ code: 'ERR_APP_NOT_BEGUN' })
  await expect(looped).rejects.toMatchObject({ code: 'ERR_APP_DEADLINE' })
  await expect(innocent.ended).resolves.toMatchObject({ reason: 'neighbour' })
  await expect(innocent.call(handle, [event(3)])).rejects.toMatchObject({ code: 'ERR_APP_NEIGHBOUR' })
  expect(innocent.usage.errors).toBe(errors)
})

/** Resolves when the calls made so far are on their way; the thread takes them in that order. */
const sent = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** A guest that has the thread and waits for the node: nothing else runs in it until `letGo`. */
async function holdThread(
  publisher: string,
): Promise<{ holder: Sandbox; held: Promise<unknown>; letGo(): void }> {
  let letGo!: () => void
  let asked!: () => void
  const isAsked = new Promise<void>((resolve) => (asked = resolve))
  const read = (): Promise<object> => {
    asked()
    return new Promise((resolve) => (letGo = () => resolve({ value: 1, unit: 'lx', timeMs: 1n })))
  }
  const imports = [log(() => {}), ...devices(read)]
  const holder = await start('relay', publisher, { deadlineMs: 60_000, imports })
  const held = holder.call(handle, [event(1)])
  await isAsked
  return { holder, held, letGo: () => letGo() }
}

it('an app with the shorter deadline is not blamed for the one that holds the thread, nor ends that', async () => {
  const publisher = newPublisher()
  const impatient = await start('echo', publisher, { deadlineMs: 200 })
  const { holder, held, letGo } = await holdThread(publisher)
  await expect(impatient.call(handle, [event(2)])).rejects.toMatchObject({ code: 'ERR_APP_NOT_BEGUN' })
  await expect(impatient.ended).resolves.toMatchObject({
    reason: 'neighbour',
    message: expect.stringMatching(/was not begun within 200 ms; another app held/) as string,
  })
  expect(holder.incident).toBeNull()
  letGo()
  await held
  // The thread is free for whoever comes next, under whatever number.
  const next = await start('echo', publisher)
  await next.call(handle, [event(4)])
  await holder.stop()
  await next.call(handle, [event(5)])
  expect(next.incident).toBeNull()
})

it('an app that is stopped while another has the thread leaves that one alone', async () => {
  const publisher = newPublisher()
  const leaving = await start('echo', publisher)
  const { holder, held, letGo } = await holdThread(publisher)
  const waited = leaving.call(handle, [event(2)])
  waited.catch(() => {})
  await leaving.stop()
  await expect(waited).rejects.toMatchObject({ code: 'ERR_APP_NOT_BEGUN' })
  letGo()
  await held
  expect(holder.incident).toBeNull()
})

it('a pool makes the calls again that a neighbour kept from being begun', async () => {
  const publisher = newPublisher()
  const looping = await start('loop', publisher, { deadlineMs: 300 })
  const incidents: Incident[] = []
  const request = await requestFor('echo')
  const pool = await engine.open(
    {
      app: 'echo',
      prepared: await engine.prepare(request),
      imports: [log(() => {}), ...devices(() => ({ value: 1, unit: 'lx', timeMs: 1n }))],
      deadlineMs: 60_000,
      memoryBytes: request.memoryBytes,
      isolation: 'shared',
      publisher,
      incident: (incident) => void incidents.push(incident),
    },
    { min: 1, max: 1 },
  )
  onTestFinished(() => pool.stop())
  looping.call(handle, [event(1)]).catch(() => {})
  await sent()
  await pool.call(handle, [event(2)])
  expect(incidents.map(({ reason }) => reason)).toEqual(['neighbour'])
  expect(pool.report.incidents).toEqual({ neighbour: 1 })
})

describe('an app whose start does not let go of the thread', () => {
  // What it may take in a thread of its own is longer than it may hold that of the others.
  const strict = makeEngine({ sharedStartMs: 150, instantiateMs: 1_500 }, preparedOnce)
  afterAll(() => strict.stop())
  const imports = [log(() => {})]

  async function shared(name: GuestName, publisher: string, incidents: Incident[]): Promise<StartRequest> {
    const request = await requestFor(name)
    return {
      app: name,
      prepared: await strict.prepare(request),
      imports: [...imports, ...devices(() => ({ value: 1, unit: 'lx', timeMs: 1n }))],
      deadlineMs: 60_000,
      memoryBytes: request.memoryBytes,
      isolation: 'shared',
      publisher,
      incident: (incident) => void incidents.push(incident),
    }
  }

  it('gets one of its own at once and for good, so that its neighbours lose one turn and not one each try', async () => {
    const publisher = newPublisher()
    const [ours, theirs]: [Incident[], Incident[]] = [[], []]
    const neighbour = await strict.open(await shared('echo', publisher, theirs), { min: 1, max: 1 })
    onTestFinished(() => neighbour.stop())
    await neighbour.call(handle, [event(1)])
    const looping = { ...(await shared('start-loop', publisher, ours)), deadlineMs: 100 }
    const started = strict.open(looping, {})
    let isOver = false
    const refused = expect(started).rejects.toMatchObject({ code: 'ERR_APP_START' })
    void refused.then(() => (isOver = true))
    // Held up by the looping start, and answered long before that is given up.
    await expect.poll(() => theirs.length).toBe(1)
    await neighbour.call(handle, [event(2)])
    expect(isOver).toBe(false)
    expect(theirs.map(({ reason }) => reason)).toEqual(['neighbour'])
    expect(ours).toEqual([
      {
        reason: 'deadline',
        message:
          'its start held the thread that it shares with 1 more for 150 ms; it runs in a thread of its own from now on',
      },
    ])
    await refused
    const { shared: before } = strict.starts
    await expect(strict.open(looping, {})).rejects.toMatchObject({ code: 'ERR_APP_START' })
    expect(strict.starts.shared).toBe(before)
    expect([ours.length, theirs.length, neighbour.report.instances]).toEqual([1, 1, 1])
  })

  it('is reported where it runs then', async () => {
    const incidents: Incident[] = []
    const looping = await shared('start-loop', newPublisher(), incidents)
    const pool = await strict.open({ ...looping, app: 'another', deadlineMs: 100 }, { min: 0, maxDeaths: 1 })
    expect(pool.report.isolation).toBe('shared')
    pool.call(handle, [event(1)]).catch(() => {})
    await expect(pool.ended).resolves.toMatchObject({ reason: 'deadline' })
    expect(pool.report).toMatchObject({ isolation: 'worker', incidents: { deadline: 1 } })
    expect(incidents.map(({ reason }) => reason)).toEqual(['deadline', 'deadline'])
  })
})

it('who leaves a thread that another holds is not started behind that one again', async () => {
  const publisher = newPublisher()
  const impatient = await start('echo', publisher, { deadlineMs: 200 })
  const { held, letGo } = await holdThread(publisher)
  await expect(impatient.call(handle, [event(2)])).rejects.toMatchObject({ code: 'ERR_APP_NOT_BEGUN' })
  const again = await start('echo', publisher)
  await again.call(handle, [event(3)])
  letGo()
  await held
})
