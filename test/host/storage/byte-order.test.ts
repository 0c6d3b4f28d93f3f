/** Stores where the machine has the other order of bytes. */
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { openConnection } from '../../../host/storage/sqlite/connection.ts'

it('a big-endian machine whose Node.js has no SQLite is told so, and no file is written', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'selvedge-order-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const path = join(folder, 'store.sqlite')
  const failure = await openConnection(path, 'wasm', 'BE').catch((error: unknown) => error)
  expect(failure).toMatchObject({ code: 'ERR_STORAGE_BYTE_ORDER', kind: 'user' })
  expect(String((failure as { hint?: unknown }).hint)).toContain('Node.js 22.13')
  expect(existsSync(path)).toBe(false)
})
