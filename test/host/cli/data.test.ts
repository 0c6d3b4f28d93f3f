import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { acquireDataLock, ControlServer, type DataLock } from '../../../host/api/index.ts'
import { silentLog, systemClock } from '../../../core/index.ts'
import { FakeNode } from '../api/fake-node.ts'
import { Interruption } from '../../../host/cli/index.ts'
import { run, type RunOptions } from './fake-world.ts'

let data: string
let node: FakeNode
let lock: DataLock
let server: ControlServer

beforeEach(async () => {
  data = await mkdtemp(join(tmpdir(), 'selvedge-data-'))
  node = new FakeNode()
  lock = await acquireDataLock(data)
  server = new ControlServer({ node, lock, clock: systemClock, log: silentLog })
  await server.start()
})

afterEach(async () => {
  await server.stop()
  await lock.release()
  await rm(data, { recursive: true, force: true })
})

const here = (line: string, options: RunOptions = {}): ReturnType<typeof run> =>
  run(line, { data, ...options })

it('`data ls` shows stores, keys without what redraws a terminal, and objects with their digests', async () => {
  expect((await here('data ls counter')).stdout).toBe(
    'bucket     counts\ncontainer  photos\n2 keys, 300 B in all\n',
  )
  expect((await here('data ls counter counts')).stdout).not.toContain('\u001b')
  expect((await here('data ls counter photos')).stdout).toBe(`a.jpg  2.0 KB  sha256:${'ab'.repeat(32)}\n`)
  expect(JSON.parse((await here('data ls counter photos --json')).stdout)).toMatchObject({
    schema: 'selvedge.data/1',
    objects: [{ digest: 'ab'.repeat(32) }],
  })
})

it.each([
  ['is not there', '/nowhere/at/all'],
  ['is a folder', '/'],
  ['has no end', '/dev/zero'],
])('`data set` from a file that %s is refused in a line, and sets nothing', async (_what, file) => {
  const { code, stderr } = await here(`data set counter counts raw --file ${file}`)
  expect(code).toBe(1)
  expect(stderr).toContain(`error[ERR_VALUE_FILE]: ${file} cannot be read`)
  expect(node.dataIntents).toEqual([])
})

it('`data get`, `set` and `delete` are about one key', async () => {
  expect(await here('data get counter counts visits')).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('12'),
  })
  expect(await here('data get counter counts other')).toMatchObject({ code: 1, stderr: 'other is not set\n' })
  const file = join(data, 'value')
  await writeFile(file, new Uint8Array([0, 255]))
  expect((await here('data set counter counts visits 7')).code).toBe(0)
  expect((await here(`data set counter counts raw --file ${file}`)).code).toBe(0)
  expect((await here('data set counter counts visits')).code).toBe(2)
  expect((await here('data delete counter counts visits')).code).toBe(0)
  expect(node.dataIntents.slice(2)).toEqual([
    { action: 'set', app: 'counter', store: 'counts', key: 'visits', value: 'Nw==' },
    { action: 'set', app: 'counter', store: 'counts', key: 'raw', value: 'AP8=' },
    { action: 'delete', app: 'counter', store: 'counts', key: 'visits' },
  ])
})

it('`data get` gives a file the bytes as they are, and a terminal what it can show', async () => {
  const bytes: Uint8Array[] = []
  const line = 'data get counter counts picture'
  expect(await here(line, { onBytes: (piece) => void bytes.push(piece) })).toMatchObject({ code: 0 })
  expect(Buffer.concat(bytes)).toEqual(Buffer.from('/9j/AA==', 'base64'))
  expect((await here(line, { stdout: { isTTY: true } })).stdout).toBe('/9j/AA==\n')
  expect((await here('data get counter counts visits', { stdout: { isTTY: true } })).stdout).toBe('12\n')
})

it('what takes the node long is left to it soon after Ctrl-C', async () => {
  let end!: () => void
  node.changing = new Promise((resolve) => (end = resolve))
  const ending = new AbortController()
  const restoring = here('data restore counter /tmp/counter.data', { signal: ending.signal })
  while (node.dataIntents.length === 0) await new Promise((resolve) => setTimeout(resolve, 5))
  ending.abort(new Interruption('SIGINT'))
  expect(await restoring).toMatchObject({
    code: 130,
    stderr: expect.stringContaining('may go on there') as string,
  })
  end()
})

it('`data snapshot` and `data restore` name a file by its whole path', async () => {
  expect((await here('data snapshot counter')).code).toBe(2)
  const { stdout } = await here('data snapshot counter -o /tmp/counter.data')
  expect(stdout).toBe('2 keys and 1 object, 3 keys that its group shares, 4.1 KB, in /tmp/counter.data\n')
  expect((await here('data restore counter /tmp/counter.data --stop')).stdout).toBe(
    '2 keys and 1 object, 3 keys that its group shares, 4.1 KB, put back for counter\n',
  )
  expect(node.dataIntents).toEqual([
    { action: 'snapshot', app: 'counter', path: '/tmp/counter.data' },
    { action: 'restore', app: 'counter', path: '/tmp/counter.data', stop: true },
  ])
})
