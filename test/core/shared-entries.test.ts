import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  closeSharedEntries,
  sharedEntriesMemory,
  SharedEntriesReader,
  SharedEntriesWriter,
} from '../../core/index.ts'

const key = fc.oneof(fc.stringMatching(/^[a-c]{0,2}$/), fc.string({ unit: 'grapheme', maxLength: 40 }))
const value = fc.oneof(
  fc.uint8Array({ maxLength: 40 }),
  fc.integer({ min: 200, max: 6_000 }).map((bytes) => new Uint8Array(bytes).fill(bytes)),
)

describe('entries that threads share', () => {
  it('are what was last written of a key, or not known; never anything else', () => {
    const writes = fc.array(fc.tuple(key, fc.option(value)), { maxLength: 200 })
    fc.assert(
      fc.property(writes, fc.array(key, { maxLength: 20 }), (entries, others) => {
        const memory = sharedEntriesMemory()
        const [writer, reader] = [new SharedEntriesWriter(memory), new SharedEntriesReader(memory)]
        const written = new Map<string, { value: Uint8Array | undefined; version: number }>()
        for (const [index, [name, bytes]] of entries.entries()) {
          const version = index + 2 ** 33
          writer.put([{ key: name, value: bytes, version }])
          written.set(name, { value: bytes ?? undefined, version: bytes === null ? 0 : version })
          const found = reader.find(name)
          // What is small enough to be kept is known at once.
          if ((bytes?.length ?? 0) < 3_000) expect(found).toEqual(written.get(name))
        }
        for (const name of [...written.keys(), ...others]) {
          const found = reader.find(name)
          if (found !== null) expect(found).toEqual(written.get(name))
        }
      }),
      { numRuns: 60 },
    )
  })

  it('make room for others, each in its turn, and stay right', () => {
    const memory = sharedEntriesMemory()
    const [writer, reader] = [new SharedEntriesWriter(memory), new SharedEntriesReader(memory)]
    const bytes = (number: number): Uint8Array => new TextEncoder().encode(`value ${number}`)
    for (let number = 0; number < 5_000; number += 1)
      writer.put([{ key: `key-${number}`, value: bytes(number), version: number + 1 }])
    let known = 0
    for (let number = 0; number < 5_000; number += 1) {
      const found = reader.find(`key-${number}`)
      if (found === null) continue
      known += 1
      expect(found).toEqual({ value: bytes(number), version: number + 1 })
    }
    expect(known).toBeGreaterThan(500)
    expect(known).toBeLessThan(2_000)
  })

  it('are not read while they are being written, nor once nobody keeps them', () => {
    const memory = sharedEntriesMemory()
    const [writer, reader] = [new SharedEntriesWriter(memory), new SharedEntriesReader(memory)]
    const entry = { key: 'k', value: new Uint8Array([1]), version: 1 }
    writer.put([entry])
    // The sequence number is odd while the writer is at work.
    Atomics.add(memory, 0, 1)
    expect(reader.find('k')).toBeNull()
    Atomics.add(memory, 0, 1)
    expect(reader.find('k')).toEqual({ value: entry.value, version: 1 })
    expect(reader.findAll(['k', 'other'])).toBeNull()
    closeSharedEntries(memory)
    expect(reader.find('k')).toBeNull()
    expect(reader.isClosed).toBe(true)
  })

  it('are right also where a reader has written over them', () => {
    const memory = sharedEntriesMemory()
    const [writer, reader] = [new SharedEntriesWriter(memory), new SharedEntriesReader(memory)]
    writer.put([{ key: 'k', value: new Uint8Array(8), version: 1 }])
    for (let word = 2; word < memory.length; word += 1) memory[word] = 0x7fff_ffff
    expect(() => reader.find('k')).not.toThrow()
    writer.put([{ key: 'k', value: new Uint8Array([7]), version: 2 }])
    expect(reader.find('k')).toEqual({ value: new Uint8Array([7]), version: 2 })
  })
})
