import { afterAll, describe, expect, test } from 'vitest'
import { event, handle, log, makeEngine, preparedOnce, startGuest } from './kit.ts'

/** The guest logs what it finds of earlier calls: a count in memory, then one in a global. */
describe.each(['worker', 'process', 'shared'] as const)('an instance in a %s', (isolation) => {
  const engine = makeEngine({}, preparedOnce, isolation)
  afterAll(() => engine.stop())

  async function seen(values: readonly number[], fresh: boolean): Promise<string[]> {
    const lines: string[] = []
    const imports = [log(([, context]) => lines.push(String(context)))]
    const sandbox = await startGuest(engine, 'counter', { imports, fresh })
    for (const value of values) await sandbox.call(handle, [event(value)])
    await sandbox.stop()
    return lines
  }

  test('keeps its state from call to call when it is reused', async () => {
    expect(await seen([1, 1, 1], false)).toEqual(['11', '22', '33'])
  })

  test('shows no call anything of another when calls are fresh', async () => {
    expect(await seen([1, 1, 1], true)).toEqual(['11', '11', '11'])
  })

  test('is made anew for a fresh call where its memory has grown', async () => {
    expect(await seen([1, -1, 1, 1], true)).toEqual(['11', '11', '11', '11'])
  })

  test('answers every one of many fresh calls that were sent at once', async () => {
    const lines: string[] = []
    const imports = [log(([, context]) => lines.push(String(context)))]
    const sandbox = await startGuest(engine, 'counter', { imports, fresh: true })
    const values = Array.from({ length: 60 }, (_, index) => (index % 7 === 3 ? -1 : 1))
    await Promise.all(values.map((value) => sandbox.call(handle, [event(value)])))
    expect(lines).toEqual(values.map(() => '11'))
    await sandbox.stop()
  })
})
