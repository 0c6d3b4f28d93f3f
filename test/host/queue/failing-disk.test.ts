import { describe, expect, it } from 'vitest'
import { MemoryQueueFile, type QueueChange } from '../../../host/queue/file.ts'
import { FileQueue } from '../../../host/queue/queue.ts'
import { FakeClock, settle } from '../fake-clock.ts'

const limits = { items: 100, bytes: 1e6, itemBytes: 1_000, whenFull: 'refuse', deadItems: 10 } as const
const item = (text: string, unique?: string) => ({
  key: null,
  body: new TextEncoder().encode(text),
  ...(unique !== undefined && { unique }),
})
const texts = (items: readonly { body: Uint8Array }[]): string[] =>
  items.map(({ body }) => new TextDecoder().decode(body))

/** A disk that takes nothing while it is full, and may be slow. */
class FailingFile extends MemoryQueueFile {
  isFull = false
  commits: (readonly QueueChange[])[] = []
  wait: Promise<void> = Promise.resolve()

  override async commit(changes: readonly QueueChange[]): Promise<void> {
    this.commits.push(changes)
    await this.wait
    if (this.isFull) throw new Error('no space left')
    await super.commit(changes)
  }
}

async function open() {
  const clock = new FakeClock()
  const file = new FailingFile()
  return { clock, file, queue: await FileQueue.open({ file, limits, clock }) }
}

describe('a queue whose disk refuses to write', () => {
  it('says so of a put, holds nothing of it, and takes it when there is room', async () => {
    const { file, queue } = await open()
    file.isFull = true
    await expect(queue.put([item('a', 'u')])).rejects.toThrow('no space left')
    expect(await queue.take(5)).toEqual([])
    file.isFull = false
    await queue.put([item('a', 'u')])
    expect(texts(await queue.take(5))).toEqual(['a'])
    expect(queue.counts()).toMatchObject({ duplicates: 0 })
  })

  it('hands out nothing again that was done, and writes so as soon as it can', async () => {
    const { clock, file, queue } = await open()
    await queue.put([item('a'), item('b')])
    await queue.take(1)
    file.isFull = true
    const done = expect(queue.done([1])).rejects.toThrow('no space left')
    await clock.advance(100)
    await done
    expect(texts(await queue.take(5))).toEqual(['b'])
    expect((await file.load()).rows).toHaveLength(2)
    file.isFull = false
    await clock.advance(3_000)
    expect((await file.load()).rows.map(({ id }) => id)).toEqual([2])
  })

  it('writes of many retries of one item only the last', async () => {
    const { clock, file, queue } = await open()
    await queue.put([item('a')])
    file.isFull = true
    for (let attempt = 0; attempt < 20; attempt += 1) {
      await queue.take(1)
      queue.retry(1, 0, `why ${attempt}`).catch(() => {})
      await clock.advance(3_000)
    }
    file.isFull = false
    await clock.advance(3_000)
    const last = file.commits.at(-1) ?? []
    expect(last).toEqual([{ type: 'retry', id: 1, attempts: 20, lastError: 'why 19' }])
  })

  it('puts what came while the disk was busy into one transaction, and refuses more than it could hold', async () => {
    const { file, queue } = await open()
    let go!: () => void
    file.wait = new Promise((resolve) => (go = resolve))
    const first = queue.put([item('0')])
    await settle()
    const others = Array.from({ length: 99 }, (_, at) => queue.put([item(String(at + 1))]))
    await settle()
    await expect(queue.put(Array.from({ length: 2 }, () => item('x')))).rejects.toMatchObject({
      code: 'ERR_QUEUE_FULL',
    })
    go()
    await Promise.all([first, ...others])
    expect(file.commits.map(({ length }) => length)).toEqual([1, 99])
  })
})
