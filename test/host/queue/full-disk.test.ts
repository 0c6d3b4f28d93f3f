/** What opening a queue's file asks of its disk. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { QueueSqliteFiles } from '../../../host/queue/sqlite/files.ts'
import { loadBuiltIn } from '../../../host/storage/sqlite/connection.ts'

const folder = mkdtempSync(join(tmpdir(), 'selvedge-queue-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const kinds = [...((await loadBuiltIn()) === null ? [] : ['node:sqlite' as const]), 'wasm' as const]

it.each(kinds)(
  'a queue that is there is opened without a write, which a full disk would refuse: %s',
  async (kind) => {
    const path = join(folder, `${kind.replace(':', '-')}.sqlite`)
    const first = new QueueSqliteFiles(kind)
    await first.run(path, 'open', [])
    await first.run(path, 'close', [])
    const before = readFileSync(path)
    const second = new QueueSqliteFiles(kind)
    await second.run(path, 'open', [])
    await second.run(path, 'close', [])
    // Also the count of changes in the header of the file, which each transaction that writes adds to.
    expect(readFileSync(path).equals(before)).toBe(true)
  },
)
