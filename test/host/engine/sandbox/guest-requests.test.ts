/** What a sandbox may ask of its node at once, whatever is in the sandbox's place. */
import { describe, expect, it } from 'vitest'
import { silentLog } from '../../../../core/index.ts'
import { Channels } from '../../../../host/engine/sandbox/channels.ts'
import { GuestRequests } from '../../../../host/engine/sandbox/guest-requests.ts'
import type { Incident, StartRequest } from '../../../../host/engine/contract.ts'
import type { ToGuest } from '../../../../host/guest/index.ts'

const id = 'test:store/values@1.0.0'

function requests(run: () => unknown): { made: GuestRequests; sent: ToGuest[]; incidents: Incident[] } {
  const [sent, incidents]: [ToGuest[], Incident[]] = [[], []]
  const end = (incident: Incident): void => void incidents.push(incident)
  const channels = new Channels({ emit: () => {}, end, limit: 1 })
  const request = { imports: [{ id, functions: { get: { mode: 'call', run } } }] } as unknown as StartRequest
  const made = new GuestRequests(request, {
    channels,
    caller: { remainingMs: () => Infinity, hopsLeft: () => undefined, gone: new AbortController().signal },
    log: silentLog,
    valueBytes: 1_000,
    queue: (message) => sent.push(message),
    flush: () => {},
    end,
  })
  return { made, sent, incidents }
}

const ask = (n: number) => ({ t: 'host-call', n, id, name: 'get', args: [] }) as const

describe('a sandbox', () => {
  it('is answered one call after the other', async () => {
    const { made, sent, incidents } = requests(() => 'value')
    await made.call(ask(1))
    await made.call(ask(2))
    expect(sent.map((message) => message.t === 'reply' && message.n)).toEqual([1, 2])
    expect(incidents).toEqual([])
  })

  it('that asks again before it was answered ends: no guest can', async () => {
    let answer!: (value: string) => void
    let runs = 0
    const { made, incidents } = requests(() => {
      runs += 1
      return new Promise<string>((resolve) => (answer = resolve))
    })
    const first = made.call(ask(1))
    await made.call(ask(2))
    await made.call(ask(3))
    expect(incidents[0]).toMatchObject({ reason: 'host-fault', message: expect.stringContaining('waited') })
    expect(runs).toBe(1)
    answer('late')
    await first
  })
})
