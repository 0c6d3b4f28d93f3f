/**
 * One process of the question about keyvalue: does one thing many times and prints how often in a second.
 * `guest`: from inside a sandbox, through the node, to the storage thread; `direct`: SQLite's own calls, nothing between.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openFolder, systemClock } from '../../core/index.ts'
import { bindInterfaces } from '../../host/interfaces/index.ts'
import { diskStorage, type Durability, type Storage } from '../../host/storage/index.ts'
import { openConnection } from '../../host/storage/sqlite/connection.ts'
import { appContext } from '../../test/host/interfaces/app-context.ts'
import { scriptRunner } from '../../test/host/interfaces/guest-script.ts'

export interface Order {
  readonly who: 'guest' | 'direct'
  readonly durability: Durability
  readonly sets: number
  readonly gets: number
}

export interface Rates {
  readonly setsPerSecond: number
  readonly getsPerSecond: number
  /** Of keys, a hundred in one call; 0 where it was not asked. */
  readonly batchedGetsPerSecond: number
  readonly sqlite: string
}

const valueBytes = 100
/** Of what is timed, done before: code that is not compiled yet says nothing of a node that runs for days. */
const warmUp = 0.5
const order = JSON.parse(process.argv[2] ?? '') as Order
const folder = await mkdtemp(join(tmpdir(), 'selvedge-bench-keyvalue-'))
try {
  const { rates } = order.who === 'guest' ? await asGuest(order) : await directly(order)
  console.log(JSON.stringify(rates))
} finally {
  await rm(folder, { recursive: true, force: true })
}
process.exit(0)

async function asGuest({ durability, sets, gets }: Order): Promise<{ rates: Rates }> {
  const storage: Storage = diskStorage(await openFolder(folder), systemClock, {
    keyValue: { driver: 'sqlite', options: { durability } },
  })
  const runner = await scriptRunner()
  const context = appContext({ buckets: new Set(['b']), keyValue: () => storage.keyValue('app') })
  const script = `
    const { open } = imports['wasi:keyvalue/store']
    const { getMany } = imports['wasi:keyvalue/batch']
    const b = open('b')
    const value = new Uint8Array(${valueBytes}).fill(7)
    for (let n = 0; n < Math.max(100, ${sets * warmUp}); n += 1) { value[0] = n; b.set('key-' + n % 100, value) }
    for (let n = 0; n < 500; n += 1) b.get('key-' + n % 100)
    const timed = (count, run) => {
      const startedAt = Date.now()
      for (let n = 0; n < count; n += 1) run(n)
      return count / Math.max(1, Date.now() - startedAt) * 1000
    }
    const names = Array.from({ length: 100 }, (_, n) => 'key-' + n)
    return [
      timed(${sets}, (n) => { value[0] = n; value[1] = n >> 8; b.set('key-' + n % 100, value) }),
      timed(${gets}, (n) => { if (b.get('key-' + n % 100).length !== ${valueBytes}) throw new Error('it is another value') }),
      timed(${Math.ceil(gets / 100)}, () => { if (getMany(b, names).length !== 100) throw new Error('some are missing') }) * 100,
    ]`
  const answered = (await runner.run(script, bindInterfaces(['keyvalue:b'], context), {
    postsPerSecond: 1e9,
  })) as number[]
  await storage.close()
  await runner.close()
  const [setsPerSecond = 0, getsPerSecond = 0, batchedGetsPerSecond = 0] = answered
  const { kind } = await openConnection(join(folder, 'probe.sqlite'))
  return { rates: { setsPerSecond, getsPerSecond, batchedGetsPerSecond, sqlite: kind } }
}

/** The same file format's essentials: a write-ahead log under an exclusive lock, and one table. */
async function directly({ durability, sets, gets }: Order): Promise<{ rates: Rates }> {
  const connection = await openConnection(join(folder, 'direct.sqlite'))
  connection.exec(`PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL;
    PRAGMA synchronous = ${durability === 'full' ? 'FULL' : 'NORMAL'};
    CREATE TABLE entry (key BLOB PRIMARY KEY, value BLOB NOT NULL)`)
  const write = connection.prepare(
    'INSERT INTO entry (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value',
  )
  const read = connection.prepare('SELECT value FROM entry WHERE key = ?')
  const value = new Uint8Array(valueBytes).fill(7)
  for (let number = 0; number < Math.max(100, sets * warmUp); number += 1) {
    value[0] = number
    write.run(name(number), value)
  }
  for (let number = 0; number < 500; number += 1) read.get(name(number))
  // SQLite writes nothing where nothing would change.
  const setsPerSecond = timed(sets, (number) => {
    value[0] = number
    value[1] = number >> 8
    write.run(name(number), value)
  })
  const getsPerSecond = timed(gets, (number) => void read.get(name(number)))
  connection.close()
  return { rates: { setsPerSecond, getsPerSecond, batchedGetsPerSecond: 0, sqlite: connection.kind } }
}

function name(number: number): Uint8Array {
  return new TextEncoder().encode(`key-${number % 100}`)
}

/** @returns how often in a second */
function timed(count: number, run: (number: number) => void): number {
  const startedAt = performance.now()
  for (let number = 0; number < count; number += 1) run(number)
  return (count / (performance.now() - startedAt)) * 1_000
}
