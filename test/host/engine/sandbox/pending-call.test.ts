import { describe, expect, it } from 'vitest'
import type { InvocationRequest } from '../../../../host/engine/index.ts'
import { CallQueue } from '../../../../host/engine/sandbox/call-queue.ts'
import { Channels } from '../../../../host/engine/sandbox/channels.ts'
import { PendingInvocation } from '../../../../host/engine/sandbox/pending-call.ts'

const channelNumber = 2

function invoke(changes: Partial<InvocationRequest> = {}): {
  invocation: PendingInvocation
  calls: CallQueue
  channels: Channels
} {
  const calls = new CallQueue(1)
  const channels = new Channels({
    emit: () => {},
    end: ({ message }) => {
      throw new Error(message)
    },
    limit: 4,
    invoked: (id) => calls.channel(id),
  })
  const request = { part: 'wasi:http', name: 'handle', args: [], ...changes }
  const invocation = new PendingInvocation(1, channelNumber, request, 0, channels)
  calls.add(invocation)
  return { invocation, calls, channels }
}

describe('an invocation', () => {
  it('tells its answer to who asked to be told, and to who asks for the promise, early or late', async () => {
    const told: unknown[] = []
    const { invocation } = invoke({ answered: (value) => told.push(value) })
    const early = invocation.result
    invocation.resolve('an answer')
    expect(told).toEqual(['an answer'])
    await expect(early).resolves.toBe('an answer')
    await expect(invocation.result).resolves.toBe('an answer')
    const late = invoke().invocation
    late.resolve(undefined)
    await expect(late.result).resolves.toBeUndefined()
  })

  it('tells why it failed in the same ways', async () => {
    const told: Error[] = []
    const { invocation } = invoke({ failed: (error) => told.push(error) })
    const why = new Error('it is gone')
    invocation.reject(why)
    expect(told).toEqual([why])
    await expect(invocation.result).rejects.toBe(why)
  })

  it('makes no channel unless somebody uses it', async () => {
    const { invocation, calls, channels } = invoke()
    calls.next()
    invocation.sent()
    invocation.forget()
    calls.finish(1)
    invocation.resolve('done')
    expect(channels.size).toBe(0)
    // Asked for when all is over, it is one that has ended.
    await expect(invocation.channel.receive()).resolves.toBeNull()
    expect(invocation.channel.signal.aborted).toBe(true)
    expect(channels.size).toBe(0)
  })

  it('gives its channel to a guest that uses it first, and tells of it once', async () => {
    const used: unknown[] = []
    const { invocation, calls, channels } = invoke({ used: (channel) => void used.push(channel) })
    calls.next()
    invocation.sent()
    channels.accept({ t: 'message', channel: channelNumber, value: 'one' })
    channels.accept({ t: 'message', channel: channelNumber, value: 'two' })
    expect(used).toEqual([invocation.channel])
    await expect(invocation.channel.receive()).resolves.toBe('one')
    await expect(invocation.channel.receive()).resolves.toBe('two')
  })

  it('has no channel for a guest that it was not sent to', () => {
    const { channels } = invoke()
    channels.accept({ t: 'message', channel: channelNumber, value: 'early' })
    expect(channels.size).toBe(0)
  })
})
