import { describe, expect, it } from 'vitest'
import { Lifecycle, systemClock, type Part } from '../../core/index.ts'
import { VirtualClock } from '../sim/virtual-clock.ts'

/** Parts that write down what happens to them. */
function parts(events: string[], ...names: string[]): Part[] {
  return names.map((name) => ({
    name,
    start: () => void events.push(`start ${name}`),
    stop: () => void events.push(`stop ${name}`),
  }))
}

describe('a lifecycle', () => {
  it('starts in order and stops in reverse, each once', async () => {
    const events: string[] = []
    const lifecycle = new Lifecycle(parts(events, 'a', 'b'), systemClock)
    await lifecycle.start()
    await lifecycle.start()
    expect(await lifecycle.stop()).toEqual([])
    expect(await lifecycle.stop()).toEqual([])
    expect(events).toEqual(['start a', 'start b', 'stop b', 'stop a'])
  })

  it('stops what it had started when a part cannot start, and throws that part’s error', async () => {
    const events: string[] = []
    const [a, b, c] = parts(events, 'a', 'b', 'c') as [Part, Part, Part]
    const failing = { ...b, start: () => Promise.reject(new Error('port in use')) }
    const lifecycle = new Lifecycle([a, failing, c], systemClock)
    await expect(lifecycle.start()).rejects.toThrow('port in use')
    expect(events).toEqual(['start a', 'stop b', 'stop a'])
  })

  it('gives every part its turn to stop, also after one that throws', async () => {
    const events: string[] = []
    const [a, b] = parts(events, 'a', 'b') as [Part, Part]
    const throwing = {
      name: 'c',
      stop: () => {
        throw new Error('stuck')
      },
    }
    const lifecycle = new Lifecycle([a, b, throwing], systemClock)
    await lifecycle.start()
    expect(await lifecycle.stop()).toMatchObject([{ message: 'stuck' }])
    expect(events.slice(2)).toEqual(['stop b', 'stop a'])
  })

  it('goes on after the deadline of a part that does not stop, and names it', async () => {
    const events: string[] = []
    const clock = new VirtualClock()
    const [a] = parts(events, 'a') as [Part]
    const lifecycle = new Lifecycle([a, { name: 'deaf', stop: () => new Promise(() => {}) }], clock, 100)
    await lifecycle.start()
    const stopping = lifecycle.stop()
    clock.advance(100)
    expect(await stopping).toMatchObject([
      { code: 'ERR_STOP_TIMEOUT', message: 'deaf did not stop in 100 ms' },
    ])
    expect(events).toContain('stop a')
  })

  it('is stopped for nobody before it is stopped for all', async () => {
    let release!: () => void
    const slow = { name: 'slow', stop: () => new Promise<void>((resolve) => (release = resolve)) }
    const lifecycle = new Lifecycle([slow], systemClock)
    await lifecycle.start()
    const first = lifecycle.stop()
    let isOver = false
    const second = lifecycle.stop().then(() => (isOver = true))
    await new Promise((resolve) => setImmediate(resolve))
    expect(isOver).toBe(false)
    release()
    await Promise.all([first, second])
  })

  it('can be started again', async () => {
    const events: string[] = []
    const lifecycle = new Lifecycle(parts(events, 'a'), systemClock)
    await lifecycle.start()
    await lifecycle.stop()
    await lifecycle.start()
    expect(events).toEqual(['start a', 'stop a', 'start a'])
  })
})
