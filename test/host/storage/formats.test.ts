/** Files of other versions: those of before are brought up to date, those of later ones are left as they are. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { systemClock } from '../../../core/index.ts'
import { keyValueLimits } from '../../../host/storage/index.ts'
import { KeyValueTable } from '../../../host/storage/key-value-table.ts'
import { openConnection, type Connection } from '../../../host/storage/sqlite/connection.ts'
import { SqlRows } from '../../../host/storage/sqlite/sql-rows.ts'
import { forEver } from '../../../host/storage/time-to-live.ts'
import { openNear, sqliteKinds } from './near-store.ts'

const root = mkdtempSync(join(tmpdir(), 'selvedge-formats-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)

/** As the first version made it, by its own statements. */
async function firstFormat(path: string, kind: Connection['kind'], entries: readonly [string, string][]) {
  const connection = await openConnection(path, kind)
  connection.exec(`
    PRAGMA locking_mode = EXCLUSIVE;
    PRAGMA journal_mode = TRUNCATE;
    PRAGMA synchronous = FULL;
    BEGIN IMMEDIATE;
    CREATE TABLE IF NOT EXISTS entry (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      bucket BLOB NOT NULL,
      key BLOB NOT NULL,
      version INTEGER NOT NULL,
      value BLOB NOT NULL
    );
    CREATE UNIQUE INDEX IF NOT EXISTS entry_key ON entry (bucket, key);
    CREATE INDEX IF NOT EXISTS entry_page ON entry (bucket, id);
    PRAGMA user_version = 1;
    COMMIT;`)
  const write = connection.prepare('INSERT INTO entry (bucket, key, version, value) VALUES (?, ?, ?, ?)')
  for (const [index, [key, value]] of entries.entries())
    write.run(utf8('b'), utf8(key), index + 1, utf8(value))
  connection.close()
}

describe.each(sqliteKinds)('a file of another version, by %s', (kind) => {
  it('of the first has all its entries, and all that came since', async () => {
    const path = join(root, `first-${kind.replace(':', '-')}.sqlite`)
    const entries = Array.from({ length: 50 }, (_, n): [string, string] => [`key ${n}\0ü`, `value ${n}`])
    await firstFormat(path, kind, entries)
    const store = openNear(keyValueLimits, path, { kind })
    for (const [key, value] of entries) expect((await store.get('b', key))?.value).toEqual(utf8(value))
    expect((await store.keys('b', null)).keys).toEqual(entries.map(([key]) => key))
    expect(await store.usage()).toMatchObject({ keys: 50 })
    const from = await store.feed.follow('reader')
    expect(from).toBe(50)
    await store.set('b', 'key 0\0ü', utf8('again'))
    await store.delete('b', 'key 1\0ü')
    expect((await store.feed.changes('b', from, 10)).changes.map(({ kind: what }) => what)).toEqual([
      'set',
      'delete',
    ])
    await store.close()
    const again = openNear(keyValueLimits, path, { kind })
    expect((await again.get('b', 'key 0\0ü'))?.value).toEqual(utf8('again'))
    expect(await again.version('b', 'key 2\0ü')).toBe(3)
    await again.close()
  })

  it('keeps the order of changes on the disk as long as somebody follows them, and for no one else', async () => {
    const path = join(root, `order-${kind.replace(':', '-')}.sqlite`)
    const hasOrder = async (): Promise<boolean> => {
      const connection = await openConnection(path, kind)
      connection.exec('PRAGMA locking_mode = EXCLUSIVE')
      const found = connection.prepare("SELECT name FROM sqlite_master WHERE name = 'entry_version'").all()
      connection.close()
      return found.length > 0
    }
    const used = async (use: (store: ReturnType<typeof openNear>) => Promise<unknown>): Promise<void> => {
      const store = openNear(keyValueLimits, path, { kind })
      await use(store)
      await store.close()
    }
    await used((store) => store.set('b', 'k', utf8('v')))
    expect(await hasOrder()).toBe(false)
    await used((store) => store.feed.follow('reader'))
    expect(await hasOrder()).toBe(true)
    await used(async (store) => {
      await store.set('b', 'k', utf8('w'))
      const { changes } = await store.feed.changes('b', 1, 10)
      expect(changes).toEqual([{ bucket: 'b', key: 'k', kind: 'set', version: 2 }])
      await store.feed.forget('reader')
    })
    await used((store) => store.get('b', 'k'))
    expect(await hasOrder()).toBe(false)
    const mortal = openNear(keyValueLimits, path, { kind, rules: [{ pattern: '*', ms: 1_000 }] })
    expect((await mortal.get('b', 'k'))?.value).toEqual(utf8('w'))
    await mortal.close()
    expect(await hasOrder()).toBe(true)
  })

  it('stores nothing of a transaction that SQLite undid as it could not keep that order', async () => {
    const connection = await openConnection(join(root, `undone-${kind.replace(':', '-')}.sqlite`), kind)
    const failing: Connection = {
      ...connection,
      exec(sql) {
        if (!sql.startsWith('CREATE INDEX IF NOT EXISTS entry_version')) return connection.exec(sql)
        connection.exec('ROLLBACK')
        throw new Error('disk I/O error')
      },
    }
    const rows = new SqlRows(failing, 'normal', 1_024)
    const table = new KeyValueTable(rows, keyValueLimits, { time: systemClock, lifeOf: forEver })
    const both = (): unknown =>
      table.together(() => (table.follow('reader'), table.increment('b', 'count', 1n)))
    expect(both).toThrow('disk I/O error')
    expect(table.get('b', 'count')).toBe(null)
    table.close()
  })

  it('of a later one is refused by its version, and unharmed', async () => {
    const path = join(root, `later-${kind.replace(':', '-')}.sqlite`)
    const connection = await openConnection(path, kind)
    connection.exec(
      `PRAGMA locking_mode = EXCLUSIVE; CREATE TABLE something (new TEXT); PRAGMA user_version = 3;`,
    )
    connection.close()
    const before = readFileSync(path)
    const store = openNear(keyValueLimits, path, { kind })
    for (const attempt of [store.get('b', 'k'), store.set('b', 'k', utf8('v'))]) {
      await expect(attempt).rejects.toMatchObject({
        code: 'ERR_STORAGE_DAMAGED',
        message: expect.stringContaining('later version of Selvedge (format 3, not 2)'),
      })
    }
    await store.close()
    expect(readFileSync(path).equals(before)).toBe(true)
  })
})
