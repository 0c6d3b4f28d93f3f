/** A member of one's group that claims to know what nobody wrote. */
import { describe, expect, it } from 'vitest'
import type { Random } from '../../../../core/index.ts'
import type { Batch } from '../../../../host/storage/group/batch.ts'
import { MapEntryRows } from '../../../../host/storage/group/map-entry-rows.ts'
import { Replica } from '../../../../host/storage/group/replica.ts'

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)

/** A disk that at times does all but the last step of a transaction. */
class FailingRows extends MapEntryRows {
  fails = false

  override transaction<Result>(run: () => Result): Result {
    return super.transaction(() => {
      const result = run()
      if (this.fails) throw new Error('the disk is full')
      return result
    })
  }
}

function replicaOf(node: string, seed: number, rows = new MapEntryRows()): Replica {
  let count = seed
  const random: Random = {
    fraction: () => 0.5,
    bytes: (length) => Uint8Array.from({ length }, () => (count += 1)),
  }
  const replica = new Replica(rows, node, random)
  replica.time = { wallMs: Date.UTC(2026, 0, 1), latestMs: Infinity }
  return replica
}

const write = (replica: Replica, key: string, value: string | null): number =>
  replica.transaction(() => replica.write('b', key, value === null ? null : utf8(value)))
const add = (replica: Replica, key: string, delta: bigint): number =>
  replica.transaction(() => replica.count('b', key, delta))
const read = (replica: Replica, key: string): string | null => {
  const value = replica.read('b', key)?.value
  return value === undefined ? null : new TextDecoder().decode(value)
}

function pull(receiver: Replica, sender: Replica): void {
  const batch = sender.changes(receiver.state().vector, Infinity)
  receiver.merge(batch, Infinity)
  receiver.advance(batch.vector, batch.collected)
}

/** Both know what the other has, and what they hold is the same. */
function settle(one: Replica, other: Replica): void {
  for (let round = 0; round < 3; round += 1) {
    pull(one, other)
    pull(other, one)
    if (one.state().digest === other.state().digest) return
    one.merge(other.range(null, Infinity), Infinity)
    other.merge(one.range(null, Infinity), Infinity)
  }
}

/** What a liar sends: nothing, and that it knows a million writes of somebody. */
const lie = (replica: string): Batch => {
  const vector = new Map([[replica, 1_000_000]])
  return { vector, entries: [], kind: { type: 'changes', upTo: vector }, isLast: true, collected: new Map() }
}

function believe(victim: Replica, batch: Batch): void {
  victim.merge(batch, Infinity)
  victim.advance(batch.vector, batch.collected)
}

describe('a claim to know writes that were never made', () => {
  it('loses nothing that their node has acknowledged, before it and after', () => {
    const [owner, victim] = [replicaOf('owner', 1), replicaOf('victim', 90)]
    write(owner, 'before', 'kept')
    write(owner, 'gone', 'x')
    write(owner, 'gone', null)
    const life = owner.state().life ?? ''
    believe(victim, lie(life))
    write(owner, 'after', 'kept too')
    settle(owner, victim)
    for (const replica of [owner, victim]) {
      expect(read(replica, 'before')).toBe('kept')
      expect(read(replica, 'after')).toBe('kept too')
      expect(read(replica, 'gone')).toBeNull()
    }
    expect(owner.state().life).not.toBe(life)
  })

  it('adds nothing to what was counted, and takes nothing from it', () => {
    const [owner, victim] = [replicaOf('owner', 1), replicaOf('victim', 90)]
    add(owner, 'plain', 5n)
    add(owner, 'set', 5n)
    write(owner, 'set', '100')
    add(owner, 'set', 2n)
    add(owner, 'deleted', 5n)
    write(owner, 'deleted', null)
    believe(victim, lie(owner.state().life ?? ''))
    settle(owner, victim)
    add(owner, 'plain', 1n)
    settle(owner, victim)
    for (const replica of [owner, victim]) {
      expect(read(replica, 'plain')).toBe('6')
      expect(read(replica, 'set')).toBe('102')
      expect(read(replica, 'deleted')).toBeNull()
    }
  })

  it('is known for what it is also where it stands beside one key, or names a write', () => {
    for (const [index, forge] of [
      (entry: Batch['entries'][number]['entry'], replica: string) => ({
        ...entry,
        context: new Map([[replica, 99]]),
      }),
      (entry: Batch['entries'][number]['entry'], replica: string) => ({
        ...entry,
        siblings: entry.siblings.map((sibling) => ({ ...sibling, replica, counter: 99 })),
      }),
    ].entries()) {
      const [owner, liar] = [replicaOf('owner', index), replicaOf('liar', 90)]
      write(owner, 'k', 'kept')
      const life = owner.state().life ?? ''
      write(liar, 'other', 'x')
      const batch = liar.changes(new Map(), Infinity)
      const entries = batch.entries.map(({ entry, ...place }) => ({ ...place, entry: forge(entry, life) }))
      owner.merge({ ...batch, entries }, Infinity)
      expect(owner.state().life).not.toBe(life)
      expect(read(owner, 'k')).toBe('kept')
    }
  })
})

describe('a transaction that the disk does not take', () => {
  it('ends no life: the claim is seen through when it comes again, and nothing is lost', () => {
    const rows = new FailingRows()
    const [owner, victim] = [replicaOf('owner', 1, rows), replicaOf('victim', 90)]
    write(owner, 'k', 'kept')
    add(owner, 'n', 5n)
    const life = owner.state().life ?? ''
    const told = owner.changes(new Map(), Infinity)
    rows.fails = true
    expect(() => owner.merge(lie(life), Infinity)).toThrow('the disk is full')
    rows.fails = false
    expect(owner.state().life).toBe(life)
    expect(owner.changes(new Map(), Infinity)).toEqual(told)
    believe(owner, lie(life))
    believe(victim, lie(life))
    expect(owner.state().life).not.toBe(life)
    settle(owner, victim)
    for (const replica of [owner, victim]) {
      expect(read(replica, 'k')).toBe('kept')
      expect(read(replica, 'n')).toBe('5')
    }
  })

  it('leaves what is to be told at once as it was', () => {
    const rows = new FailingRows()
    const owner = replicaOf('owner', 1, rows)
    write(owner, 'k', 'told')
    rows.fails = true
    expect(() => owner.merge(lie(owner.state().life ?? ''), Infinity)).toThrow('the disk is full')
    rows.fails = false
    expect(owner.fresh()?.entries.map(({ key }) => key)).toEqual(['k'])
  })

  it('leaves who follows the store where they were', () => {
    const rows = new FailingRows()
    const owner = replicaOf('owner', 1, rows)
    write(owner, 'k', 'x')
    owner.transaction(() => owner.readers.follow('reader', 0))
    rows.fails = true
    expect(() => owner.transaction(() => owner.readers.advance('reader', 1))).toThrow('the disk is full')
    expect(() => owner.transaction(() => owner.readers.forget('reader'))).toThrow('the disk is full')
    rows.fails = false
    expect(owner.readers.seen).toBe(0)
  })
})

describe('what was just written', () => {
  it('is told at once where it is little, and asked for piece by piece where it is much', () => {
    const owner = replicaOf('owner', 1)
    write(owner, 'small', 'x')
    expect(owner.fresh()?.entries).toHaveLength(1)
    for (let n = 0; n < 20; n += 1) {
      owner.transaction(() => owner.write('b', `large ${n}`, new Uint8Array(64 * 1024)))
    }
    expect(owner.fresh()).toBeNull()
    write(owner, 'small', 'y')
    expect(owner.fresh()?.entries).toHaveLength(1)
  })
})

describe('a deletion in a group’s store', () => {
  it('is kept until who follows the store has seen it, and said to be missed where there were too many', () => {
    const owner = replicaOf('owner', 1)
    const all = { stable: new Map<string, number>(), everywhere: new Map<string, number>() }
    const collect = (most: number): number => {
      const known = owner.state().vector
      return owner.collect({ ...all, stable: known, everywhere: known }, most)
    }
    owner.transaction(() => owner.readers.follow('reader', owner.version))
    for (const key of ['a', 'b']) {
      write(owner, key, 'x')
      write(owner, key, null)
    }
    expect(collect(100)).toBe(0)
    const page = owner.readers.changes('b', 0, 10, owner.version)
    expect(page.changes.map(({ key, kind }) => `${kind} ${key}`)).toEqual(['delete a', 'delete b'])
    owner.transaction(() => owner.readers.advance('reader', page.last))
    expect(collect(100)).toBe(2)
    expect(owner.readers.changes('b', page.last, 10, owner.version).isIncomplete).toBe(false)
    write(owner, 'c', 'x')
    write(owner, 'c', null)
    expect(collect(0)).toBe(1)
    expect(owner.readers.changes('b', page.last, 10, owner.version).isIncomplete).toBe(true)
  })
})
