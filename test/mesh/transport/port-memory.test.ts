import { createServer } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { memoryFolder, type DurableFolder } from '../../../core/index.ts'
import { openPortMemory } from '../../../mesh/transport/index.ts'
import { testLog, TestNodes } from './nodes.ts'

const nodes = new TestNodes()
afterEach(() => nodes.stopAll())

const portOf = (address = ''): number => Number(/\/tcp\/(\d+)/.exec(address)?.[1])
const memory = (folder: DurableFolder) => ({ ports: openPortMemory(folder, testLog()) })

test('a new process takes the port that the one before was given', async () => {
  const folder = memoryFolder()
  const before = await nodes.start('a', memory(folder))
  const port = portOf(before.addresses()[0])
  await before.stop?.()
  const after = await nodes.start('a', memory(folder))
  expect(portOf(after.addresses()[0])).toBe(port)
})

test('a port that another program has taken meanwhile is given up, and the new one is kept', async () => {
  const folder = memoryFolder()
  const before = await nodes.start('a', memory(folder))
  const port = portOf(before.addresses()[0])
  await before.stop?.()
  const other = createServer()
  await new Promise<void>((done) => other.listen(port, '127.0.0.1', done))
  try {
    const after = await nodes.start('a', memory(folder))
    const next = portOf(after.addresses()[0])
    expect(next).not.toBe(port)
    expect(await openPortMemory(folder, testLog()).recall(['/ip4/127.0.0.1/tcp/0'])).toEqual([
      `/ip4/127.0.0.1/tcp/${next}`,
    ])
  } finally {
    other.close()
  }
})

test('only a port that was left open is filled in, for the same address, each once', async () => {
  const ports = openPortMemory(memoryFolder(), testLog())
  await ports.keep(['/ip4/0.0.0.0/tcp/40001', '/ip4/127.0.0.1/tcp/40002'])
  const wanted = ['/ip4/0.0.0.0/tcp/0', '/ip4/0.0.0.0/tcp/0', '/ip4/127.0.0.1/tcp/4001', '/ip6/::1/tcp/0']
  expect(await ports.recall(wanted)).toEqual(['/ip4/0.0.0.0/tcp/40001', ...wanted.slice(1)])
})

test.each(['', 'no JSON', '{}', '[1]', '["/ip4/127.0.0.1/tcp/70000"]', `"${'x'.repeat(20_000)}"`])(
  'a file that holds %j of ports is none',
  async (text) => {
    const folder = memoryFolder()
    await folder.write('ports.json', Buffer.from(text))
    const wanted = ['/ip4/127.0.0.1/tcp/0']
    expect(await openPortMemory(folder, testLog()).recall(wanted)).toEqual(wanted)
  },
)
