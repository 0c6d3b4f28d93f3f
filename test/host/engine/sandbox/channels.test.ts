import { describe, expect, it } from 'vitest'
import { Channels } from '../../../../host/engine/sandbox/channels.ts'
import type { ToGuest } from '../../../../host/guest/index.ts'

function makeChannels(limit = 4): { channels: Channels; sent: ToGuest[]; faults: string[] } {
  const sent: ToGuest[] = []
  const faults: string[] = []
  const channels = new Channels({
    emit: (message) => sent.push(message),
    end: ({ message }) => faults.push(message),
    limit,
  })
  return { channels, sent, faults }
}

describe("an invocation's channel", () => {
  it('holds back what is sent before the invocation, and sends it after', () => {
    const { channels, sent } = makeChannels()
    const expected = channels.expect(2)
    expected.channel.send('early')
    expect(sent).toEqual([])
    expected.sent()
    expected.channel.send('late')
    expect(sent).toEqual([
      { t: 'message', channel: 2, value: 'early' },
      { t: 'message', channel: 2, value: 'late' },
    ])
  })

  it('is told of once, with the first that the guest sends, and delivers that', async () => {
    const { channels } = makeChannels()
    const uses: unknown[] = []
    const expected = channels.expect(2, (channel) => uses.push(channel))
    expected.sent()
    channels.accept({ t: 'message', channel: 2, value: 'one' })
    channels.accept({ t: 'message', channel: 2, value: 'two' })
    expect(uses).toEqual([expected.channel])
    await expect(expected.channel.receive()).resolves.toBe('one')
    await expect(expected.channel.receive()).resolves.toBe('two')
  })

  it('has ended where the guest did not use it, and leaves nothing behind', async () => {
    const { channels, sent } = makeChannels()
    const expected = channels.expect(2)
    expected.sent()
    expected.forget()
    expect(channels.size).toBe(0)
    await expect(expected.channel.receive()).resolves.toBeNull()
    expect(expected.channel.signal.aborted).toBe(true)
    expect(sent).toEqual([])
  })

  it('fails for who reads it when the sandbox is gone, whether it was used before or not', async () => {
    const { channels } = makeChannels()
    const unused = channels.expect(2)
    const used = channels.expect(4)
    const reading = used.channel.incoming[Symbol.asyncIterator]().next()
    channels.lost('it is gone')
    await expect(reading).rejects.toThrow('it is gone')
    await expect(unused.channel.incoming[Symbol.asyncIterator]().next()).rejects.toThrow('it is gone')
    expect(channels.size).toBe(0)
  })

  it('does not count against what the guest may open', () => {
    const { channels, faults } = makeChannels(1)
    for (let id = 2; id < 40; id += 2) channels.expect(id)
    expect(channels.opened(1)).not.toBeNull()
    expect(channels.opened(3)).not.toBeNull()
    expect(faults).toEqual([])
    expect(channels.opened(5)).toBeNull()
    expect(faults).toHaveLength(1)
  })

  it('tells of its end by a signal, asked for before or after', () => {
    const { channels } = makeChannels()
    const { channel } = channels.expect(2)
    const before = channel.signal
    channel.close()
    expect(before.aborted).toBe(true)
    expect(channel.signal).toBe(before)
    const other = channels.expect(4).channel
    other.close()
    expect(other.signal.aborted).toBe(true)
  })
})
