/** A call from its first attempt to its last: seeded meshes of nodes that refuse, die, answer late or not at all. */
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isSelvedgeError } from '../../../core/index.ts'
import { callRules, traceOf, type CallScope } from '../../../host/calls/index.ts'
import { Directory, type DirectoryMesh } from '../../../host/calls/directory.ts'
import { Dispatcher, type Errand } from '../../../host/calls/dispatcher.ts'
import { callsProblems, NotStarted } from '../../../mesh/index.ts'
import { engineProblems } from '../../../host/engine/index.ts'
import { SeededRandom, VirtualClock } from '../../sim/index.ts'

/** What a node does with one attempt. */
const fates = ['answer', 'busy', 'unreachable', 'lost', 'crash', 'trap', 'not-here', 'hang'] as const
type Fate = (typeof fates)[number]

interface Effects {
  /** Attempts that began, or may have. */
  begun: number
  attempts: number
}

function fail(fate: Fate, effects: Effects): Promise<string> {
  switch (fate) {
    case 'busy':
      return Promise.reject(new NotStarted(callsProblems.error('ERR_CALL_BUSY', 'busy'), true))
    case 'not-here':
      return Promise.reject(new NotStarted(callsProblems.error('ERR_CALL_STOPPED', 'stops'), true))
    case 'unreachable':
      return Promise.reject(new NotStarted(callsProblems.error('ERR_CALL_UNREACHABLE', 'away'), false))
    case 'lost':
      effects.begun += 1
      return Promise.reject(callsProblems.error('ERR_CALL_LOST', 'lost'))
    case 'crash':
      effects.begun += 1
      return Promise.reject(engineProblems.error('ERR_APP_CRASH', 'crashed'))
    case 'trap':
      effects.begun += 1
      return Promise.reject(engineProblems.error('ERR_APP_TRAP', 'trapped'))
    default:
      effects.begun += 1
      return Promise.resolve('answer')
  }
}

interface World {
  readonly clock: VirtualClock
  readonly dispatcher: Dispatcher
  readonly ended: [CallScope | null, string][]
}

function world(seed: number, nodes: number): World {
  const clock = new VirtualClock()
  const ended: [CallScope | null, string][] = []
  const names = Array.from({ length: nodes }, (_, at) => `node-${at}`)
  const opinion = { verdict: 'alive' }
  const held = { record: { report: { apps: [{ app: 'app', state: 'running' }] } } }
  const members = ['me', ...names].map((id) => ({ id, name: id, groups: ['lobby'], opinion, held }))
  const record = { app: 'app', triggers: [], limits: { deadlineMs: 1_000 } }
  const mesh = {
    self: 'me',
    members: () => members,
    releases: { desired: () => [{ record }] },
    onChange: () => () => {},
  } as unknown as DirectoryMesh
  const observer = {
    ended: (_: string, scope: CallScope | null, outcome: string) => void ended.push([scope, outcome]),
    retried: () => {},
  }
  const directory = new Directory(mesh)
  const dispatcher = new Dispatcher({
    self: 'me',
    directory,
    clock,
    random: new SeededRandom(seed),
    observer,
  })
  return { clock, dispatcher, ended }
}

function errand(
  { clock }: World,
  fateOf: () => Fate,
  effects: Effects,
  changes: Partial<Errand<string>> = {},
): Errand<string> {
  return {
    app: 'app',
    key: null,
    isIdempotent: false,
    isReplayable: () => true,
    deadlineMs: 5_000,
    local: () => null,
    remote: (_, { deadlineMs, signal }) => {
      effects.attempts += 1
      const fate = fateOf()
      if (fate !== 'hang') return fail(fate, effects)
      effects.begun += 1
      return new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason as Error))
        clock.after(deadlineMs, () => reject(callsProblems.error('ERR_CALL_DEADLINE', 'late')))
      })
    },
    ...changes,
  }
}

describe('a call', () => {
  it('that may have begun is never made again unless that does no harm, and is asked of few in any case', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 1_000_000 }),
        fc.integer({ min: 1, max: 6 }),
        fc.array(fc.constantFrom(...fates), { minLength: 1, maxLength: 12 }),
        fc.boolean(),
        fc.boolean(),
        async (seed, nodes, script, isIdempotent, isReplayable) => {
          const here = world(seed, nodes)
          const effects = { begun: 0, attempts: 0 }
          let at = 0
          const fateOf = (): Fate => script[at++ % script.length] as Fate
          const work = here.dispatcher
            .run(errand(here, fateOf, effects, { isIdempotent, isReplayable: () => isReplayable }))
            .then(
              ({ result, trace }) => ({ result, trace, error: null as unknown }),
              (error: unknown) => ({ result: null, trace: traceOf(error), error }),
            )
          const { result, trace, error } = await here.clock.finish(work, 60_000)
          expect(effects.attempts).toBeLessThanOrEqual(callRules.attempts)
          if (!isIdempotent) expect(effects.begun).toBeLessThanOrEqual(1)
          if (!isReplayable) expect(effects.attempts).toBe(1)
          if (result === null) expect(isSelvedgeError(error)).toBe(true)
          expect(trace?.attempts.length).toBe(effects.attempts)
          expect(trace?.attempts.filter(({ outcome }) => outcome === 'answered').length).toBe(
            result === null ? 0 : 1,
          )
          expect(here.ended).toHaveLength(1)
        },
      ),
      { numRuns: 400 },
    )
  })

  it('finds the one node that answers among those that do not', async () => {
    const here = world(1, 3)
    const effects = { begun: 0, attempts: 0 }
    const fatesByNode = new Map<string, Fate>([
      ['node-0', 'unreachable'],
      ['node-1', 'not-here'],
      ['node-2', 'answer'],
    ])
    for (let at = 0; at < 50; at++) {
      const call = errand(here, () => 'answer', effects, {
        remote: (node) => fail(fatesByNode.get(node) as Fate, effects),
      })
      const { trace } = await here.clock.finish(here.dispatcher.run(call), 10_000)
      expect(trace.node).toBe('node-2')
    }
  })

  it('waits a moment for the only node to come back, and fails after that', async () => {
    const here = world(2, 1)
    const effects = { begun: 0, attempts: 0 }
    let isBack = false
    const call = errand(here, () => (isBack ? 'answer' : 'unreachable'), effects)
    here.clock.after(300, () => (isBack = true))
    const { trace } = await here.clock.finish(here.dispatcher.run(call), 10_000)
    expect(trace.attempts.at(-1)?.outcome).toBe('answered')
    isBack = false
    const error = await here.clock.finish(
      here.dispatcher.run(call).catch((thrown: unknown) => thrown),
      10_000,
    )
    expect(isSelvedgeError(error, 'ERR_CALL_UNREACHABLE')).toBe(true)
  })

  it('is taken from a node that is not heard any more, where it may be made again', async () => {
    const here = world(3, 2)
    const effects = { begun: 0, attempts: 0 }
    const asked: string[] = []
    const call = (isIdempotent: boolean): Errand<string> => {
      const made = errand(here, () => (asked.length === 1 ? 'hang' : 'answer'), effects, { isIdempotent })
      return {
        ...made,
        remote(node, limits) {
          asked.push(node)
          return made.remote(node, limits)
        },
      }
    }
    const first = here.dispatcher.run(call(true))
    await here.clock.run(100)
    here.dispatcher.doubt(asked[0] as string, false)
    const { trace } = await here.clock.finish(first, 1_000)
    expect(trace.attempts.map(({ outcome }) => outcome)).toEqual(['failed', 'answered'])

    asked.length = 0
    const second = here.dispatcher.run(call(false)).catch((error: unknown) => error)
    await here.clock.run(100)
    here.dispatcher.doubt(asked[0] as string, false)
    await here.clock.run(100)
    expect(asked).toHaveLength(1)
    here.dispatcher.doubt(asked[0] as string, true)
    expect(isSelvedgeError(await here.clock.finish(second, 1_000), 'ERR_CALL_LOST')).toBe(true)
    expect(asked).toHaveLength(1)
  })

  it('stays with a node that is not heard just now where nobody else could answer it', async () => {
    const here = world(6, 1)
    const effects = { begun: 0, attempts: 0 }
    let answer = (): void => {}
    const call = errand(here, () => 'hang', effects, {
      isIdempotent: true,
      remote: (_, { signal }) =>
        new Promise((resolve, reject) => {
          answer = () => resolve('thawed')
          signal.addEventListener('abort', () => reject(signal.reason as Error))
        }),
    })
    const asked = here.dispatcher.run(call)
    await here.clock.run(100)
    here.dispatcher.doubt('node-0', false)
    await here.clock.run(1_000)
    answer()
    expect((await here.clock.finish(asked, 1_000)).result).toBe('thawed')
  })

  it('ends with its caller and with its time', async () => {
    const here = world(4, 1)
    const effects = { begun: 0, attempts: 0 }
    const controller = new AbortController()
    const left = here.dispatcher
      .run(errand(here, () => 'hang', effects, { signal: controller.signal }))
      .catch((error: unknown) => error)
    await here.clock.run(10)
    controller.abort(new Error('gone'))
    expect(await here.clock.finish(left, 10)).toMatchObject({ message: 'gone' })
    const late = here.dispatcher
      .run(errand(here, () => 'hang', effects, { deadlineMs: 50 }))
      .catch((error: unknown) => error)
    expect(isSelvedgeError(await here.clock.finish(late, 60), 'ERR_CALL_DEADLINE')).toBe(true)
    expect(here.ended.map(([, outcome]) => outcome)).toEqual(['given-up', 'failed'])
  })

  it('is made again no more often than a tenth of all calls, and some, where nodes have too much to do', async () => {
    const here = world(5, 4)
    const effects = { begun: 0, attempts: 0 }
    const calls = 1_000
    for (let at = 0; at < calls; at++) {
      const call = here.dispatcher
        .run(errand(here, () => 'crash', effects, { isIdempotent: true }))
        .catch(() => {})
      await here.clock.finish(call, 10_000)
      await here.clock.run(11_000)
    }
    expect(effects.attempts).toBeGreaterThan(calls)
    expect(effects.attempts).toBeLessThan(calls * 1.1 + 50)
  })
})
