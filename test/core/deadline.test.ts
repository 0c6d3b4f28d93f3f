import { getEventListeners } from 'node:events'
import { describe, expect, it } from 'vitest'
import { within } from '../../core/index.ts'
import { VirtualClock } from '../sim/virtual-clock.ts'

const late = (): Error => new Error('too late')

describe('within a deadline', () => {
  it('work that is done in time gives its result, and leaves neither timer nor listener', async () => {
    const clock = new VirtualClock()
    const stop = new AbortController()
    let seen: AbortSignal | undefined
    const result = within({ clock, ms: 100, signal: stop.signal, late }, async (signal) => {
      seen = signal
      return 'done'
    })
    await expect(result).resolves.toBe('done')
    clock.advance(1_000)
    expect(seen?.aborted).toBe(false)
    expect(getEventListeners(stop.signal, 'abort')).toEqual([])
  })

  it('what the work throws reaches the caller', async () => {
    const clock = new VirtualClock()
    const failing = within({ clock, ms: 100, late }, () => Promise.reject(new Error('refused')))
    await expect(failing).rejects.toThrow('refused')
  })

  it('the wait ends also where the work never does, and its signal says why', async () => {
    const clock = new VirtualClock()
    let seen: AbortSignal | undefined
    const result = within({ clock, ms: 100, late }, (signal) => {
      seen = signal
      return new Promise(() => {})
    })
    clock.advance(99)
    expect(seen?.aborted).toBe(false)
    clock.advance(1)
    await expect(result).rejects.toThrow('too late')
    expect(seen?.reason).toMatchObject({ message: 'too late' })
  })

  it('the reason of the wait’s end stands before what the work makes of it', async () => {
    const clock = new VirtualClock()
    const stop = new AbortController()
    const result = within({ clock, ms: 100, signal: stop.signal, late }, (signal) => {
      return new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(new Error('wrapped')), { once: true })
      })
    })
    stop.abort(new Error('the node stops'))
    await expect(result).rejects.toThrow('the node stops')
  })

  it('nothing begins on a signal that has aborted already', async () => {
    let begun = false
    const signal = AbortSignal.abort(new Error('over'))
    const result = within({ clock: new VirtualClock(), ms: 100, signal, late }, async () => {
      begun = true
    })
    await expect(result).rejects.toThrow('over')
    expect(begun).toBe(false)
  })
})
