/** What apps of one node have in common. */
import { afterEach, expect, test } from 'vitest'
import { memoryFolder, type DurableFolder } from '../../../core/index.ts'
import type { Engine } from '../../../host/engine/index.ts'
import { handler, makeEngine, startGuest } from './kit.ts'

let engine: Engine | null = null
afterEach(() => engine?.stop())

/** How often each file was read. */
function counted(folder: DurableFolder): { folder: DurableFolder; reads: Map<string, number> } {
  const reads = new Map<string, number>()
  const read: DurableFolder['read'] = (name, ...rest) => {
    reads.set(name, (reads.get(name) ?? 0) + 1)
    return folder.read(name, ...rest)
  }
  return { folder: new Proxy(folder, { get: (of, key) => (key === 'read' ? read : bound(of, key)) }), reads }
}

function bound(of: object, key: string | symbol): unknown {
  const value: unknown = Reflect.get(of, key)
  return typeof value === 'function' ? (value.bind(of) as unknown) : value
}

const event = { id: 1n, sensor: 'light', reading: { value: 5, unit: 'lx', timeMs: 0n } }

test('apps of the same component share what was loaded of it, and nothing else', async () => {
  const { folder, reads } = counted(memoryFolder())
  engine = makeEngine({}, folder)
  const first = await startGuest(engine, 'echo', { app: 'first' })
  const before = new Map(reads)
  const second = await startGuest(engine, 'echo', { app: 'second' })
  // Once, when it is asked for again whether it is prepared.
  for (const [name, count] of reads) expect(count - (before.get(name) ?? 0)).toBe(1)
  await first.stop()
  await expect(second.call(`${handler}#handle`, [event])).resolves.toBeUndefined()
})
