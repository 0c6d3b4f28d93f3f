import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { unlessResolved, whenResolved } from '../../core/index.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('whoever waits for a promise', () => {
  it('is told once it resolves, and at once where it has', async () => {
    const told: string[] = []
    let resolve!: (value: string) => void
    const promise = new Promise<string>((done) => (resolve = done))
    whenResolved(promise, (value) => told.push(`first ${value}`))
    whenResolved(promise, (value) => told.push(`second ${value}`))
    resolve('x')
    await turn()
    expect(told).toEqual(['first x', 'second x'])
    whenResolved(promise, (value) => told.push(`third ${value}`))
    whenResolved(promise, (value) => told.push(`never ${value}`))()
    await turn()
    expect(told).toEqual(['first x', 'second x', 'third x'])
  })

  it('is not told after it has stopped waiting, nor of a rejection', async () => {
    const told: unknown[] = []
    let resolve!: (value: string) => void
    const promise = new Promise<string>((done) => (resolve = done))
    const cancel = whenResolved(promise, (value) => told.push(value))
    cancel()
    resolve('x')
    whenResolved(Promise.reject(new Error('x')), (value) => told.push(value))
    await turn()
    expect(told).toEqual([])
  })

  it('is forgotten when its work is done, long before the promise resolves', async () => {
    const endless = new Promise<never>(() => {})
    const results: WeakRef<object>[] = []
    for (let at = 0; at < 100; at += 1) {
      const made = unlessResolved(Promise.resolve({ at }), endless, () => new Error('ended'))
      results.push(new WeakRef(await made))
    }
    await turn()
    collect()
    // The last may still lie on the stack.
    expect(results.filter((result) => result.deref() !== undefined).length).toBeLessThan(3)
    await expect(
      unlessResolved(Promise.reject(new Error('own')), endless, () => new Error()),
    ).rejects.toThrow('own')
  })

  it('gets the reason of an end that comes before its work is done', async () => {
    const end = Promise.resolve('trap')
    const endless = new Promise<never>(() => {})
    await expect(unlessResolved(endless, end, (why) => new Error(why))).rejects.toThrow('trap')
    await expect(unlessResolved(endless, end, (why) => new Error(why))).rejects.toThrow('trap')
  })
})
