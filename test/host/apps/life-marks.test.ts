import { describe, expect, it } from 'vitest'
import { digestOf, memoryFolder, type DurableFolder } from '../../../core/index.ts'
import { LifeMark, readSuspicions, suspicionsOf } from '../../../host/apps/life-marks.ts'

const digest = digestOf(Buffer.from('a'))
const other = digestOf(Buffer.from('b'))

function mark(folder: DurableFolder, app: string, boot: string | null = 'boot-1'): LifeMark {
  return new LifeMark(folder, app, boot, (error) => {
    throw error
  })
}

describe('marks of running apps', () => {
  it('are found by the next start, of the same boot only', async () => {
    const folder = memoryFolder()
    await mark(folder, 'one').set(digest, 'running')
    await mark(folder, 'two').set(other, 'running')
    await mark(folder, 'old', 'boot-0').set(other, 'starting')
    expect([...(await readSuspicions(folder, 'boot-1'))]).toEqual([
      ['one', { digest, doing: 'running', others: 1 }],
      ['two', { digest: other, doing: 'running', others: 1 }],
    ])
    expect([...(await readSuspicions(folder, 'boot-2'))]).toEqual([])
  })

  it('suspect those that were starting before those that ran', () => {
    const marks = new Map([
      ['one', { digest, doing: 'running' as const }],
      ['two', { digest: other, doing: 'starting' as const }],
    ])
    expect([...suspicionsOf(marks)]).toEqual([['two', { digest: other, doing: 'starting', others: 0 }]])
  })

  it('go with a clean stop, in the order in which they were made', async () => {
    const folder = memoryFolder()
    const one = mark(folder, 'one')
    void one.set(digest, 'starting')
    void one.set(digest, 'running')
    await one.clear()
    expect(await folder.list()).toEqual([])
    await one.set(digest, 'starting')
    expect(await folder.list()).toEqual(['one.alive.json'])
  })

  it('of a release that has run stay as they are when it is started again', async () => {
    const written: string[] = []
    const folder = memoryFolder()
    const counted: DurableFolder = {
      ...folder,
      write: async (name, bytes) => {
        written.push(new TextDecoder().decode(bytes))
        await folder.write(name, bytes)
      },
    }
    const one = mark(counted, 'one')
    for (const doing of ['starting', 'running', 'starting', 'running', 'starting'] as const)
      await one.set(digest, doing)
    expect(written.map((text) => (JSON.parse(text) as { doing: string }).doing)).toEqual([
      'starting',
      'running',
    ])
    await one.set(other, 'starting')
    expect(written.length).toBe(3)
  })

  it('that are damaged count as none', async () => {
    const folder = memoryFolder()
    for (const [app, text] of [
      ['cut', '{"v":1'],
      ['strange', '{"v":1,"digest":"x","doing":"running","boot":null}'],
      ['large', `"${'x'.repeat(2_000)}"`],
    ] as const) {
      await folder.write(`${app}.alive.json`, new TextEncoder().encode(text))
    }
    expect([...(await readSuspicions(folder, null))]).toEqual([])
  })

  it('that cannot be written are told, and nobody waits for them in vain', async () => {
    const told: unknown[] = []
    const full: DurableFolder = { ...memoryFolder(), write: () => Promise.reject(new Error('no space')) }
    await new LifeMark(full, 'one', null, (error) => void told.push(error)).set(digest, 'starting')
    expect(told).toMatchObject([{ message: 'no space' }])
  })
})
