import type { BoundFunction } from '../../../host/engine/index.ts'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createLog, memoryFolder, silentLog, type DurableFolder, type LogEntry } from '../../../core/index.ts'
import {
  AppLog,
  createAppSupervisor,
  type AppSupervisor,
  type AppSupervisorNeeds,
  type DesiredRelease,
} from '../../../host/apps/index.ts'
import { openDevices, type Devices, type DevicesConfig } from '../../../host/devices/index.ts'
import { memoryQueues } from '../../../host/queue/index.ts'
import { memoryStorage } from '../../../host/storage/index.ts'
import { engineProblems } from '../../../host/engine/index.ts'
import { FolderSpaces } from '../../../host/apps/folder-space.ts'
import { AppRunner } from '../../../host/apps/app-runner.ts'
import { FakeClock, seededRandom, settle } from '../fake-clock.ts'
import { componentBytes, FakeEngine, releaseOf } from './fake-engine.ts'

const simulated = {
  driver: 'simulated',
  options: { shape: 'constant', unit: 'lx', min: 0, max: 10, period: 1_000, phase: 0, noise: 0 },
}
const bothDevices: DevicesConfig = {
  sensors: { light: simulated },
  pins: { led: { driver: 'simulated', options: { initial: false } } },
}

interface Node {
  readonly clock: FakeClock
  readonly engine: FakeEngine
  readonly apps: AppSupervisor
  readonly appLog: AppLog
  readonly logged: LogEntry[]
  readonly devices: Devices
  readonly folder: DurableFolder
}

interface Options {
  readonly devices?: DevicesConfig
  readonly folder?: DurableFolder
  readonly needs?: Partial<AppSupervisorNeeds>
}

async function startNode({
  devices = bothDevices,
  folder = memoryFolder(),
  needs = {},
}: Options = {}): Promise<Node> {
  const clock = new FakeClock()
  const random = seededRandom(3)
  const engine = new FakeEngine(clock)
  const logged: LogEntry[] = []
  const appLog = new AppLog(clock, { lines: 10_000, linesPerSecond: 500 })
  const opened = await openDevices(devices, { clock, random })
  const apps = createAppSupervisor({
    engine,
    storage: memoryStorage(clock),
    queues: memoryQueues(clock),
    devices: opened,
    folders: {},
    overlays: {},
    groups: ['lobby'],
    fetchComponent: async (record, onProgress) => {
      onProgress({ share: 1, fetchedBytes: record.component.sizeBytes })
      return componentBytes(record.version)
    },
    recall: () => null,
    folder,
    clock,
    random,
    log: createLog((entry) => logged.push(entry), clock, 'debug'),
    appLog,
    queuedEvents: 256,
    ...needs,
  })
  await apps.start()
  return { clock, engine, apps, appLog, logged, folder, devices: opened }
}

/** Time goes on while it stops: an event under way is answered first. */
async function stopNode({ apps, clock }: Node): Promise<void> {
  await Promise.all([apps.stop(), clock.advance(2_000)])
}

const ids = ({ engine }: Node): number[] => engine.handled.map(({ id }) => id)
const upTo = (last: number): number[] => Array.from({ length: last }, (_, index) => index + 1)

describe('an app that is wanted', () => {
  it('comes up, gets each reading as a numbered event, and says so', async () => {
    const node = await startNode()
    node.apps.setDesired([releaseOf(1)])
    await node.clock.advance(2_000)
    expect(ids(node)).toEqual(upTo(9))
    expect(node.apps.status()).toMatchObject([
      { app: 'light-alarm', version: '1.0.0', seq: 1, state: 'running', failures: 0 },
    ])
    expect(node.apps.local()).toMatchObject([
      {
        digest: releaseOf(1).digest,
        events: { taken: 9, handled: 9, failed: 0, dropped: 0, lastId: 9 },
        fetchedBytes: componentBytes('1.0.0').length,
        lastSwap: null,
      },
    ])
    await stopNode(node)
  })

  it('stays down until the last of those who hold it lets it go', async () => {
    const node = await startNode()
    node.apps.setDesired([releaseOf(1)])
    await node.clock.advance(2_000)
    const app = releaseOf(1).record.app
    const [[first, second]] = await Promise.all([
      Promise.all([node.apps.hold(app), node.apps.hold(app)]),
      node.clock.advance(2_000),
    ])
    first()
    first()
    await node.clock.advance(2_000)
    expect(node.apps.local()).toEqual([])
    second()
    await node.clock.advance(2_000)
    expect(node.apps.status()).toMatchObject([{ app, state: 'running' }])
    await stopNode(node)
  })

  it('is prepared with what its grants and triggers say, and no more', async () => {
    const node = await startNode()
    node.apps.setDesired([releaseOf(1, { grants: ['sensor:light'] })])
    await node.clock.advance(500)
    expect(node.engine.prepared).toMatchObject([
      {
        granted: expect.arrayContaining([
          'selvedge:device/sensor@0.1.0',
          'wasi:logging/logging@0.1.0-draft',
          'wasi:config/store@0.2.0-rc.1',
          'wasi:http/types@0.2.12',
        ]) as string[],
        requiredExports: ['selvedge:edge/sensor-handler@0.1.0'],
        memoryBytes: 16_777_216,
      },
    ])
    expect(node.engine.prepared[0]?.granted).not.toContain('selvedge:device/pins@0.1.0')
    expect(node.engine.prepared[0]?.granted).not.toContain('wasi:http/outgoing-handler@0.2.12')
    const imports = node.engine.sandboxes[0]?.request.imports.map(({ id }) => id)
    expect(imports).not.toContain('selvedge:device/pins@0.1.0')
    await stopNode(node)
  })

  it('reads the release’s settings, overlaid by those of the node’s owner', async () => {
    const overlays = { 'light-alarm': { config: { threshold: '70' } } }
    const node = await startNode({ needs: { overlays } })
    node.apps.setDesired([releaseOf(1, { config: { threshold: '40', colour: 'red' } })])
    await node.clock.advance(500)
    const store = node.engine.sandboxes[0]?.request.imports.find(({ id }) => id.startsWith('wasi:config'))
    const get = store?.functions['get'] as BoundFunction
    expect(get.run(['threshold'])).toBe('70')
    expect(get.run(['colour'])).toBe('red')
    await stopNode(node)
  })

  it('is ignored where it is placed on other groups, and ends when it moves there', async () => {
    const node = await startNode()
    node.apps.setDesired([releaseOf(1, { groups: ['garage'] })])
    await node.clock.advance(500)
    expect(node.apps.status()).toEqual([])
    node.apps.setDesired([releaseOf(2, { groups: ['garage', 'lobby'] })])
    await node.clock.advance(500)
    expect(node.apps.status()).toMatchObject([{ state: 'running' }])
    node.apps.setDesired([releaseOf(3, { groups: ['garage'] })])
    await node.clock.advance(500)
    expect(node.apps.status()).toEqual([])
    expect(node.engine.live).toEqual([])
  })

  it('tells its listeners when its state changes, and not for every event', async () => {
    const node = await startNode()
    let changes = 0
    node.apps.onChange(() => (changes += 1))
    node.apps.setDesired([releaseOf(1)])
    await node.clock.advance(1_000)
    const whileStarting = changes
    expect(whileStarting).toBeGreaterThanOrEqual(4)
    await node.clock.advance(10_000)
    expect(changes).toBe(whileStarting)
    await stopNode(node)
  })
})

describe('a swap under flowing events', () => {
  it('loses no event, repeats none, keeps their order, and ends the old instance', async () => {
    const node = await startNode()
    node.apps.setDesired([releaseOf(1)])
    await node.clock.advance(2_000)
    node.apps.setDesired([releaseOf(2)])
    await node.clock.advance(2_000)
    expect(ids(node)).toEqual(upTo(19))
    const bySandbox = node.engine.handled.map(({ sandbox }) => sandbox)
    expect(bySandbox).toEqual([...bySandbox].sort())
    expect(new Set(bySandbox)).toEqual(new Set([1, 2]))
    expect(node.engine.live.map(({ number }) => number)).toEqual([2])
    expect(node.apps.local()[0]?.lastSwap).toMatchObject({ from: '1.0.0', to: '2.0.0', gapMs: 200 })
    await stopNode(node)
  })

  it('lets the old instance answer what it has begun', async () => {
    const node = await startNode()
    node.engine.handleMs = ({ number }) => (number === 1 ? 150 : 5)
    node.apps.setDesired([releaseOf(1)])
    await node.clock.advance(2_010)
    node.apps.setDesired([releaseOf(2)])
    await node.clock.advance(2_000)
    expect(ids(node)).toEqual(upTo(ids(node).length))
    expect(node.apps.local()[0]?.events).toMatchObject({ dropped: 0, failed: 0 })
    await stopNode(node)
  })

  it('keeps the sensor’s rhythm where both releases have the same trigger', async () => {
    const node = await startNode()
    node.apps.setDesired([releaseOf(1)])
    await node.clock.advance(2_050)
    node.apps.setDesired([releaseOf(2)])
    await node.clock.advance(2_000)
    expect(node.apps.local()[0]?.lastSwap?.gapMs).toBe(200)
    await stopNode(node)
  })

  it('drops, and counts, what waits for a handler that the new release does not have', async () => {
    const node = await startNode()
    node.engine.handleMs = () => 190
    node.engine.behaviour = (id) => (id === 3 ? 'trap' : 'ok')
    node.apps.setDesired([releaseOf(1)])
    await node.clock.advance(1_000)
    node.apps.setDesired([releaseOf(2, { triggers: [] })])
    await node.clock.advance(3_000)
    const events = node.apps.local()[0]?.events
    expect(events?.dropped).toBeGreaterThanOrEqual(1)
    expect(node.apps.status()).toMatchObject([{ version: '2.0.0', state: 'running' }])
    await stopNode(node)
  })

  it('holds for any timing of handling, preparing, starting and publishing', async () => {
    const timing = fc.record({
      handleMs: fc.integer({ min: 0, max: 190 }),
      prepareMs: fc.integer({ min: 0, max: 700 }),
      startMs: fc.integer({ min: 0, max: 700 }),
      publishAtMs: fc.array(fc.integer({ min: 0, max: 900 }), { minLength: 1, maxLength: 4 }),
    })
    await fc.assert(
      fc.asyncProperty(timing, async ({ handleMs, prepareMs, startMs, publishAtMs }) => {
        const node = await startNode()
        Object.assign(node.engine, { prepareMs, startMs, handleMs: () => handleMs })
        node.apps.setDesired([releaseOf(1)])
        await node.clock.advance(1_500)
        for (const [index, waitMs] of publishAtMs.entries()) {
          await node.clock.advance(waitMs)
          node.apps.setDesired([releaseOf(index + 2)])
        }
        await node.clock.advance(4_000)
        const [app] = node.apps.local()
        expect(app).toMatchObject({ seq: publishAtMs.length + 1, state: 'running' })
        expect(app?.events).toMatchObject({ failed: 0, dropped: 0 })
        expect(ids(node)).toEqual(upTo(ids(node).length))
        expect(node.engine.live).toHaveLength(1)
        await stopNode(node)
        expect(node.engine.live).toEqual([])
      }),
      { numRuns: 25 },
    )
  })
})

describe('a release that cannot run here', () => {
  const refusal = engineProblems.error('ERR_IMPORTS_REFUSED', 'it imports wasi:http/outgoing-handler')

  it('leaves the running one alone and shows why beside it', async () => {
    const node = await startNode()
    node.apps.setDesired([releaseOf(1)])
    await node.clock.advance(2_000)
    node.engine.prepareErrors.push(refusal)
    node.apps.setDesired([releaseOf(2)])
    await node.clock.advance(2_000)
    expect(node.apps.status()).toMatchObject([
      {
        version: '1.0.0',
        state: 'running',
        next: { version: '2.0.0', seq: 2, state: 'failed', reason: { code: 'ERR_IMPORTS_REFUSED' } },
      },
    ])
    expect(ids(node)).toEqual(upTo(19))
    await stopNode(node)
  })

  it('a release for another world than this node’s is refused, and no byte of it is fetched', async () => {
    let fetches = 0
    const fetchComponent: AppSupervisorNeeds['fetchComponent'] = async () => {
      fetches += 1
      return null
    }
    const node = await startNode({ needs: { fetchComponent } })
    node.apps.setDesired([releaseOf(1, { imports: ['acme:robots/arms@1.0.0'] })])
    await settle()
    expect(node.apps.status()).toMatchObject([{ reason: { code: 'ERR_IMPORTS_REFUSED' } }])
    expect(fetches).toBe(0)
  })

  it('denied: a trigger on a sensor that is not granted is refused before anything is fetched', async () => {
    const node = await startNode()
    node.apps.setDesired([releaseOf(1, { grants: ['pin:led'] })])
    await node.clock.advance(500)
    expect(node.apps.status()).toMatchObject([{ state: 'failed', reason: { code: 'ERR_TRIGGER_GRANT' } }])
    expect(node.engine.prepared).toEqual([])
  })

  it('waits where a granted sensor or pin is not there, naming all that is missing and the lines to add', async () => {
    const node = await startNode({ devices: { sensors: { door: simulated }, pins: {} } })
    node.apps.setDesired([releaseOf(1)])
    await node.clock.advance(500)
    const [status] = node.apps.status()
    expect(status).toMatchObject({ state: 'waiting', reason: { code: 'ERR_SENSOR_MISSING' } })
    expect(status?.reason?.message).toBe(
      'this node has no sensor "light" (its sensors are door), and no pin "led" (it has no pins)',
    )
    expect(status?.reason?.hint).toMatch(/\[sensors\.light\]\ndriver = "…" {2}# simulated, .*\n\[pins\.led\]/)
  })

  it('is refused where it demands a field that this node does not know', async () => {
    const node = await startNode()
    node.apps.setDesired([releaseOf(1, { critical: ['rollout'] })])
    await node.clock.advance(500)
    expect(node.apps.status()).toMatchObject([
      { state: 'failed', reason: { code: 'ERR_RELEASE_FIELD_UNKNOWN' } },
    ])
  })

  it('is never run from bytes other than the signed ones', async () => {
    const node = await startNode({ needs: { fetchComponent: async () => new Uint8Array([1, 2, 3]) } })
    node.apps.setDesired([releaseOf(1)])
    await node.clock.advance(5_000)
    expect(node.apps.status()).toMatchObject([{ state: 'fetching', reason: { code: 'ERR_COMPONENT_BYTES' } }])
    expect(node.engine.prepared).toEqual([])
    await stopNode(node)
  })

  it('is asked for again and again while nobody has it, and runs when somebody does', async () => {
    let asked = 0
    const fetchComponent: AppSupervisorNeeds['fetchComponent'] = async (record) => {
      asked += 1
      return asked < 4 ? null : componentBytes(record.version)
    }
    const node = await startNode({ needs: { fetchComponent } })
    node.apps.setDesired([releaseOf(1)])
    await node.clock.advance(50)
    expect(node.apps.status()).toMatchObject([
      { state: 'fetching', reason: { code: 'ERR_COMPONENT_UNAVAILABLE' } },
    ])
    await node.clock.advance(3_000)
    expect(node.apps.status()).toMatchObject([{ state: 'running' }])
    await stopNode(node)
  })

  it('is tried again where preparing failed for want of something that passes', async () => {
    const node = await startNode()
    node.engine.prepareErrors.push(engineProblems.error('ERR_ENGINE_BUSY', 'four components wait'))
    node.apps.setDesired([releaseOf(1)])
    await node.clock.advance(40)
    expect(node.apps.status()).toMatchObject([{ state: 'backoff', reason: { code: 'ERR_ENGINE_BUSY' } }])
    await node.clock.advance(1_000)
    expect(node.apps.status()).toMatchObject([{ state: 'running' }])
    await stopNode(node)
  })

  it('gives up its fetch when a newer one is wanted', async () => {
    const signals: AbortSignal[] = []
    const fetchComponent: AppSupervisorNeeds['fetchComponent'] = (record, _onProgress, signal) => {
      signals.push(signal)
      return record.seq === 1 ? new Promise(() => {}) : Promise.resolve(componentBytes(record.version))
    }
    const node = await startNode({ needs: { fetchComponent } })
    node.apps.setDesired([releaseOf(1)])
    await settle()
    node.apps.setDesired([releaseOf(2)])
    await node.clock.advance(500)
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, false])
    expect(node.apps.status()).toMatchObject([{ version: '2.0.0', state: 'running' }])
    await stopNode(node)
  })
})

describe('an instance that dies', () => {
  it('loses only the event it had; the others wait and go to the next instance', async () => {
    const node = await startNode()
    node.engine.behaviour = (id) => (id === 4 ? 'trap' : 'ok')
    node.apps.setDesired([releaseOf(1)])
    await node.clock.advance(3_000)
    expect(ids(node)).toEqual(upTo(ids(node).length + 1).filter((id) => id !== 4))
    expect(node.apps.local()).toMatchObject([
      { state: 'running', failures: 1, restarts: 1, events: { dropped: 1, failed: 0 } },
    ])
    const dropped = node.logged.filter(({ event }) => event === 'event:dropped')
    expect(dropped).toMatchObject([{ fields: { id: 4, why: 'unreachable' } }])
    expect(node.appLog.tail('light-alarm', 5)).toMatchObject([
      { message: 'the instance ended (trap): unreachable' },
    ])
    await stopNode(node)
  })

  it('between events is restarted as well', async () => {
    const node = await startNode()
    node.apps.setDesired([releaseOf(1)])
    await node.clock.advance(1_000)
    node.engine.live[0]?.end({ reason: 'memory', message: 'too much' })
    await settle()
    expect(node.apps.status()).toMatchObject([{ state: 'backoff', reason: { code: 'ERR_APP_MEMORY' } }])
    await node.clock.advance(2_000)
    expect(node.apps.local()).toMatchObject([{ state: 'running', restarts: 1, events: { dropped: 0 } }])
    expect(ids(node)).toEqual(upTo(ids(node).length))
    await stopNode(node)
  })

  it('keeps dying: events wait up to the limit, then the oldest go, counted and named', async () => {
    const node = await startNode({ needs: { queuedEvents: 10 } })
    node.apps.setDesired([releaseOf(1)])
    await node.clock.advance(1_000)
    const before = ids(node).length
    for (let i = 0; i < 1_000; i += 1) {
      node.engine.startErrors.push(engineProblems.error('ERR_APP_START', 'no memory'))
    }
    node.engine.live[0]?.end({ reason: 'trap', message: 'unreachable' })
    await node.clock.advance(5_000)
    const dropped = node.apps.local()[0]?.events.dropped ?? 0
    expect(dropped).toBe(25 - 10)
    const droppedIds = node.logged
      .filter(({ event }) => event === 'event:dropped')
      .map(({ fields }) => fields['id'])
    expect(droppedIds).toEqual(Array.from({ length: 15 }, (_, index) => before + 1 + index))
    node.engine.startErrors.length = 0
    await node.clock.advance(40_000)
    expect(node.apps.status()).toMatchObject([{ state: 'running' }])
    await stopNode(node)
  })

  it('an error that the app answers is no death: counted, told, and the instance goes on', async () => {
    const node = await startNode()
    node.engine.behaviour = (id) => (id === 2 ? 'err' : 'ok')
    node.apps.setDesired([releaseOf(1)])
    await node.clock.advance(1_500)
    expect(node.apps.local()).toMatchObject([{ restarts: 0, events: { failed: 1, dropped: 0 } }])
    expect(node.appLog.tail(null, 5)).toMatchObject([
      { level: 'warn', message: 'event 2 was answered with an error: no such threshold' },
    ])
    await stopNode(node)
  })
})

describe('a restart of the node', () => {
  it('goes on with event ids: without a gap after a stop, ahead after a crash', async () => {
    const folder = memoryFolder()
    const first = await startNode({ folder })
    first.apps.setDesired([releaseOf(1)])
    await first.clock.advance(1_000)
    await stopNode(first)
    const last = ids(first).at(-1) ?? 0
    const second = await startNode({ folder })
    second.apps.setDesired([releaseOf(1)])
    await second.clock.advance(1_000)
    expect(ids(second)[0]).toBe(last + 1)
    const third = await startNode({ folder })
    third.apps.setDesired([releaseOf(1)])
    await third.clock.advance(4_000)
    expect(ids(third)[0]).toBeGreaterThan(ids(second).at(-1) ?? 0)
  })

  it('says of an app that it may have died of it, and runs it later and in a process of its own', async () => {
    const folder = memoryFolder()
    const first = await startNode({ folder })
    first.apps.setDesired([releaseOf(1), releaseOf(1, { app: 'other' })])
    // Long enough for both to count as settled; then a third one that has only just begun.
    await first.clock.advance(15_000)
    first.apps.setDesired([releaseOf(1), releaseOf(1, { app: 'other' }), releaseOf(1, { app: 'new' })])
    await first.clock.advance(1_000)

    const second = await startNode({ folder })
    second.apps.setDesired([releaseOf(1), releaseOf(1, { app: 'other' }), releaseOf(1, { app: 'new' })])
    await second.clock.advance(1_000)
    expect(second.apps.status()).toMatchObject([
      { app: 'light-alarm', state: 'running', failures: 0 },
      {
        app: 'new',
        state: 'backoff',
        failures: 1,
        reason: { code: 'ERR_APP_NODE_DIED', message: 'the node died while new 1.0.0 was starting' },
      },
      { app: 'other', state: 'running', failures: 0 },
    ])
    await second.clock.advance(3_000)
    expect(second.apps.status().map(({ state }) => state)).toEqual(['running', 'running', 'running'])
    const isolationOf = new Map(
      second.engine.sandboxes.map(({ request }) => [request.app, request.isolation]),
    )
    expect([...isolationOf].sort()).toEqual([
      ['light-alarm', undefined],
      ['new', 'process'],
      ['other', undefined],
    ])
    expect(second.apps.local().find(({ app }) => app === 'new')).toMatchObject({
      usage: { incidents: { crash: 1 } },
    })
    expect(second.appLog.tail('new', 10).map(({ message }) => message)).toContain(
      'the node died while new 1.0.0 was starting',
    )

    // It cannot take the node with it any more: the next death is of the others.
    await second.clock.advance(15_000)
    const third = await startNode({ folder })
    third.apps.setDesired([releaseOf(1), releaseOf(1, { app: 'other' }), releaseOf(1, { app: 'new' })])
    await third.clock.advance(300)
    expect(third.apps.status().map(({ app, state, reason }) => [app, state, reason?.message])).toEqual([
      [
        'light-alarm',
        'backoff',
        'the node died while light-alarm 1.0.0 ran in its process, with 1 other that may be the cause as well',
      ],
      ['new', 'running', undefined],
      [
        'other',
        'backoff',
        'the node died while other 1.0.0 ran in its process, with 1 other that may be the cause as well',
      ],
    ])
    await stopNode(third)

    const fourth = await startNode({ folder })
    fourth.apps.setDesired([releaseOf(1)])
    await fourth.clock.advance(1_000)
    expect(fourth.apps.status()).toMatchObject([{ state: 'running', failures: 0 }])
    await stopNode(fourth)
  })

  it('suspects another release than the one that ran of nothing', async () => {
    const folder = memoryFolder()
    const first = await startNode({ folder })
    first.apps.setDesired([releaseOf(1)])
    await first.clock.advance(1_000)
    const second = await startNode({ folder })
    second.apps.setDesired([releaseOf(2)])
    await second.clock.advance(1_000)
    expect(second.apps.status()).toMatchObject([{ version: '2.0.0', state: 'running', failures: 0 }])
    await stopNode(second)
  })

  it('runs the release that ran before where the newest is refused', async () => {
    const folder = memoryFolder()
    const first = await startNode({ folder })
    first.apps.setDesired([releaseOf(1)])
    await first.clock.advance(1_000)
    const refused = releaseOf(2, { critical: ['rollout'] })
    first.apps.setDesired([refused])
    await first.clock.advance(1_000)
    await stopNode(first)

    const log = new Map<string, DesiredRelease>(
      [releaseOf(1), refused].map((release) => [release.digest, release]),
    )
    const second = await startNode({ folder, needs: { recall: (digest) => log.get(digest) ?? null } })
    second.apps.setDesired([refused])
    await second.clock.advance(1_000)
    expect(second.apps.status()).toMatchObject([
      { version: '1.0.0', state: 'running', next: { version: '2.0.0', state: 'failed' } },
    ])
    await stopNode(second)
  })

  it('answers the event under way before it stops, and waits a second for it at most', async () => {
    for (const [handleMs, handled] of [
      [500, 1],
      [5_000, 0],
    ] as const) {
      const node = await startNode()
      node.engine.handleMs = () => handleMs
      node.apps.setDesired([releaseOf(1)])
      await node.clock.advance(300)
      await stopNode(node)
      expect(ids(node)).toHaveLength(handled)
      expect(node.engine.live).toEqual([])
    }
  })

  it('stops with everything: no instance, no timer, and twice is as good as once', async () => {
    const node = await startNode()
    node.apps.setDesired([releaseOf(1)])
    await node.clock.advance(1_000)
    await Promise.all([stopNode(node), node.apps.stop()])
    expect(node.engine.live).toEqual([])
    const handled = ids(node).length
    await node.clock.advance(60_000)
    expect(ids(node)).toHaveLength(handled)
    await node.devices.close()
    expect(node.clock.pendingTimers).toBe(0)
  })
})

it('a runner that is asked twice to stop lets both wait for its end', async () => {
  const clock = new FakeClock()
  const random = seededRandom(3)
  const runner = new AppRunner(releaseOf(1), {
    engine: new FakeEngine(clock),
    storage: memoryStorage(clock),
    queues: memoryQueues(clock),
    devices: await openDevices(bothDevices, { clock, random }),
    folders: {},
    spaces: new FolderSpaces({ folders: {}, clock, count: async () => ({ bytes: 0, items: 0 }) }),
    fetchComponent: async () => componentBytes('1.0.0'),
    recall: () => null,
    folder: memoryFolder(),
    clock,
    random,
    log: silentLog,
    appLog: new AppLog(clock, { lines: 10, linesPerSecond: 10 }),
    overlay: {},
    suspicion: null,
    boot: null,
    queuedEvents: 8,
    changed: () => {},
    moved: () => {},
  })
  void runner.start()
  await clock.advance(500)
  const ended: string[] = []
  const first = runner.stop().then(() => ended.push('first'))
  const second = runner.stop().then(() => ended.push('second'))
  await Promise.all([first, second, clock.advance(2_000)])
  expect(ended).toEqual(['first', 'second'])
})
