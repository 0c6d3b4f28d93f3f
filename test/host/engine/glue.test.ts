/** The glue that the engine makes of the generator's, against the generator's own and against the canonical ABI. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { tighten } from '../../../host/engine/glue.ts'
import type { GuestName } from '../../guests/index.ts'
import { handler, logging, pins, sensors } from './kit.ts'
import { compileGlue, generatedOf, load, type HostImports, type LoadedGuest } from './glue-kit.ts'

const samples: readonly GuestName[] = ['echo', 'relay', 'wasi', 'hello-http', 'pry', 'flood', 'numbers']
const path = (id: string): string => id.slice(0, id.indexOf('@'))

describe('the generator in use', () => {
  test('writes the lines that every rewrite looks for', async () => {
    const total = new Map<string, number>()
    for (const name of samples) {
      for (const [rewriteName, count] of (await generatedOf(name)).tight.applied) {
        total.set(rewriteName, (total.get(rewriteName) ?? 0) + count)
      }
    }
    expect(total.size).toBeGreaterThan(20)
    expect([...total].filter(([, count]) => count === 0)).toEqual([])
  })

  test.each(samples)('leaves no bookkeeping of tasks in the glue of %s, which still parses', async (name) => {
    const { original, tight } = await generatedOf(name)
    expect(tight.plain).toBe(true)
    expect(tight.text).not.toMatch(/^\s*_debugLog\(/m)
    expect(tight.text.length).toBeLessThan(original.length)
    expect(() => compileGlue(tight.text)).not.toThrow()
  })

  test('keeps the bookkeeping where anything in it is unknown', async () => {
    const { original } = await generatedOf('hello-http')
    const changed = original.replace('task.setCalleeIsAsync(false);', 'task.setCalleeIsAsync(true);')
    const { plain, text } = tighten(changed)
    expect(plain).toBe(false)
    expect(text).toContain('task.setCalleeIsAsync(true);')
    expect(text).toContain('const [task, ')
    expect(() => compileGlue(text)).not.toThrow()
  })
})

/** A guest of both glues, and what its host was told by each. */
async function both(name: GuestName, imports: (told: unknown[]) => HostImports): Promise<readonly Told[]> {
  const { original, tight, modules } = await generatedOf(name)
  const made = []
  for (const text of [original, tight.text]) {
    const told: unknown[] = []
    made.push({ guest: await load(text, modules, imports(told)), told })
  }
  return made
}

interface Told {
  readonly guest: LoadedGuest
  readonly told: unknown[]
}

function outcomeOf(run: () => unknown): unknown {
  try {
    return { value: run() }
  } catch (error) {
    return { payload: (error as { payload?: unknown }).payload }
  }
}

describe('equal to the generator’s own glue', () => {
  const reading = fc.record({
    value: fc.double({ noNaN: true }),
    unit: fc.string({ unit: 'grapheme', maxLength: 60 }),
    timeMs: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  })
  const event = fc.record({
    id: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    sensor: fc.string({ unit: 'grapheme', maxLength: 60 }),
    reading,
  })

  test('are the results and host calls of a handler, for any event', async () => {
    const made = await both('echo', (told) => ({
      [path(logging)]: { log: (...args: unknown[]) => told.push(args) },
    }))
    fc.assert(
      fc.property(event, (value) => {
        const outcomes = made.map(({ guest }) => outcomeOf(() => guest.exports[handler]!['handle']!(value)))
        expect(outcomes[1]).toEqual(outcomes[0])
      }),
    )
    expect(made[1]!.told).toEqual(made[0]!.told)
    expect(made[0]!.told.length).toBeGreaterThan(10)
  })

  test('are errors that the host declares and errors that it does not', async () => {
    for (const thrown of [
      Object.assign(new Error('declared'), { payload: { tag: 'not-found' } }),
      new Error('fault'),
    ]) {
      const made = await both('relay', () => ({
        [path(sensors)]: {
          read() {
            throw thrown
          },
        },
        [path(pins)]: { write: () => undefined },
      }))
      const value = { id: 1n, sensor: 'light', reading: { value: 1, unit: 'lx', timeMs: 1n } }
      const outcomes = made.map(({ guest }) => outcomeOf(() => guest.exports[handler]!['handle']!(value)))
      expect(outcomes[1]).toEqual(outcomes[0])
    }
  })
})
