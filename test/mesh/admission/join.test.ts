import { describe, expect, it } from 'vitest'
import { encodeCbor, silentLog } from '../../../core/index.ts'
import { askToJoin, serveJoins, type Welcome } from '../../../mesh/admission/index.ts'
import type { Invite } from '../../../mesh/identity/index.ts'
import { transportProblems } from '../../../mesh/transport/index.ts'
import { FakeClock, settle } from '../../host/fake-clock.ts'
import { admit, application, foundingNode, inviteTo, startOfTime, testMesh } from '../identity/harness.ts'
import { FakeTransport, type FakeChannel } from './fake-transport.ts'

const never = new AbortController().signal

/** Members by address: what each makes of the application it gets. */
function ask(
  members: Record<string, (channel: FakeChannel) => void>,
  clock = new FakeClock(),
): Promise<Welcome> {
  const transport = new FakeTransport('newcomer')
  transport.onOpen = (address, _protocol, channel) => {
    const member = members[address]
    if (member === undefined) throw new Error('nothing listens')
    member(channel)
  }
  const invite = { record: { addresses: Object.keys(members).concat('/gone') } } as unknown as Invite
  return askToJoin({ transport, clock }, invite, new Uint8Array([1]), never)
}

const answer =
  (value: unknown) =>
  (channel: FakeChannel): void =>
    channel.receive(encodeCbor(value))

const welcome = { v: 1, receipt: new Uint8Array([1]), trust: [new Uint8Array([2])], vouchers: [] }

describe('a newcomer', () => {
  it('takes the welcome of the first member that answers', async () => {
    await expect(ask({ a: (channel) => channel.close(), b: answer(welcome) })).resolves.toEqual({
      receipt: welcome.receipt,
      trust: welcome.trust,
      vouchers: [],
    })
  })

  it('dials again where a connection did not come about in time, and not where nothing listens', async () => {
    const transport = new FakeTransport('newcomer')
    const dialled: string[] = []
    transport.onOpen = (address, _protocol, channel) => {
      dialled.push(address)
      if (address === 'gone') throw transportProblems.error('ERR_DIAL_REFUSED', 'nothing listens')
      if (dialled.filter((each) => each === address).length < 3)
        throw transportProblems.error('ERR_DIAL_TIMEOUT', 'no answer')
      answer(welcome)(channel)
    }
    const invite = { record: { addresses: ['gone', 'slow'] } } as unknown as Invite
    const joining = askToJoin({ transport, clock: new FakeClock() }, invite, new Uint8Array([1]), never)
    await expect(joining).resolves.toMatchObject({ vouchers: [] })
    expect(dialled).toEqual(['gone', 'slow', 'slow', 'slow'])
  })

  it('asks the next member where one stays silent', async () => {
    const clock = new FakeClock()
    const joining = ask({ a: () => {}, b: answer(welcome) }, clock)
    await clock.advance(15_000)
    await expect(joining).resolves.toMatchObject({ vouchers: [] })
  })

  it('asks the next member where a connection neither opens nor fails', async () => {
    const clock = new FakeClock()
    const transport = new FakeTransport('newcomer')
    const open = transport.openBeforeAdmission.bind(transport)
    const silent = new Promise<never>(() => {})
    transport.openBeforeAdmission = (address, ...rest) => (address === 'a' ? silent : open(address, ...rest))
    transport.onOpen = (_address, _protocol, channel) => answer(welcome)(channel)
    const invite = { record: { addresses: ['a', 'b'] } } as unknown as Invite
    const joining = askToJoin({ transport, clock }, invite, new Uint8Array([1]), never)
    await clock.advance(15_000)
    await expect(joining).resolves.toMatchObject({ vouchers: [] })
  })

  it('finds the one that answers behind two dozen that stay silent, within the time that a join has', async () => {
    const clock = new FakeClock()
    const transport = new FakeTransport('newcomer')
    const dialled: string[] = []
    const open = transport.openBeforeAdmission.bind(transport)
    transport.openBeforeAdmission = (address, ...rest) => {
      dialled.push(address)
      return address === 'last' ? open(address, ...rest) : new Promise<never>(() => {})
    }
    transport.onOpen = (_address, _protocol, channel) => answer(welcome)(channel)
    const addresses = [...Array.from({ length: 24 }, (_, at) => `silent-${at}`), 'last']
    const invite = { record: { addresses } } as unknown as Invite
    const joining = askToJoin({ transport, clock }, invite, new Uint8Array([1]), never)
    await clock.advance(26_000)
    await expect(joining).resolves.toMatchObject({ vouchers: [] })
    expect(dialled).toEqual(addresses)
  })

  it('dials nobody else where the first answers, and leaves no channel open', async () => {
    const clock = new FakeClock()
    const transport = new FakeTransport('newcomer')
    const opened: FakeChannel[] = []
    transport.onOpen = (_address, _protocol, channel) => {
      opened.push(channel)
      answer(welcome)(channel)
    }
    const invite = { record: { addresses: ['a', 'b'] } } as unknown as Invite
    await askToJoin({ transport, clock }, invite, new Uint8Array([1]), never)
    await clock.advance(5_000)
    expect(opened.map(({ isClosed }) => isClosed)).toEqual([true])
  })

  it('ends with what it knows when it is given up, though a connection never answers', async () => {
    const transport = new FakeTransport('newcomer')
    transport.openBeforeAdmission = () => new Promise<never>(() => {})
    const invite = { record: { addresses: ['a', 'b'] } } as unknown as Invite
    const ends = new AbortController()
    const parts = { transport, clock: new FakeClock() }
    const joining = askToJoin(parts, invite, new Uint8Array([1]), ends.signal)
    ends.abort(new Error('no answer in 30 s'))
    await expect(joining).rejects.toMatchObject({
      code: 'ERR_JOIN_UNREACHABLE',
      message: 'no member of the mesh answered: a: no answer in 30 s',
    })
  })

  it('names each address and why, when nobody answers', async () => {
    await expect(ask({ a: (channel) => channel.close() })).rejects.toMatchObject({
      code: 'ERR_JOIN_UNREACHABLE',
      message: 'no member of the mesh answered: a: closed without an answer; /gone: nothing listens',
    })
  })

  it('gets the member’s refusal, with its code and hint and without control characters', async () => {
    const refusal = {
      code: 'ERR_TOKEN_USED',
      kind: 'user',
      message: 'used\u001b[2J',
      hint: 'ask for another',
    }
    await expect(ask({ a: answer({ v: 1, error: refusal }), b: answer(welcome) })).rejects.toMatchObject({
      code: 'ERR_TOKEN_USED',
      kind: 'user',
      message: 'used [2J',
      hint: 'ask for another',
    })
  })

  it.each([
    ['of another version', { ...welcome, v: 2 }],
    ['without a receipt', { ...welcome, receipt: 'x' }],
    ['whose lists hold no bytes', { ...welcome, trust: ['x'] }],
    ['that is no map', 7],
    ['that refuses without a code', { v: 1, error: { code: 'no', kind: 'user', message: 'm', hint: 'h' } }],
    [
      'that refuses for no known kind of reason',
      { v: 1, error: { code: 'ERR_A', kind: 'x', message: 'm', hint: 'h' } },
    ],
    [
      'that refuses at length',
      { v: 1, error: { code: 'ERR_A', kind: 'user', message: 'm'.repeat(2_001), hint: 'h' } },
    ],
  ])('refuses an answer %s', async (_what, value) => {
    await expect(ask({ a: answer(value) })).rejects.toMatchObject({ code: 'ERR_JOIN_ANSWER' })
  })

  it('refuses an answer that is no CBOR', async () => {
    await expect(ask({ a: (channel) => channel.receive(new Uint8Array([0xff])) })).rejects.toMatchObject({
      code: 'ERR_JOIN_ANSWER',
    })
  })
})

describe('a member', () => {
  async function member(): Promise<{
    transport: FakeTransport
    mesh: Awaited<ReturnType<typeof testMesh>>
    node: Awaited<ReturnType<typeof foundingNode>>
    joined: Uint8Array[]
  }> {
    const mesh = await testMesh()
    const node = await foundingNode(mesh)
    const transport = new FakeTransport(node.id)
    const joined: Uint8Array[] = []
    serveJoins({
      transport,
      desk: node.desk,
      trust: mesh.trust,
      credentials: node.book,
      log: silentLog,
      onJoined: (credential) => joined.push(credential),
    })
    return { transport, mesh, node, joined }
  }

  it('gives a newcomer its receipt, the trust bundles and its own vouchers, and tells who joined', async () => {
    const { transport, mesh, joined } = await member()
    const invite = inviteTo(mesh)
    const newcomer = application(invite, 'lamp')
    const channel = transport.accept('/selvedge/join/1', newcomer.id)
    channel.receive(newcomer.bytes)
    await settle()
    expect(channel.sent[0]).toMatchObject({ v: 1, trust: [mesh.first], vouchers: [expect.any(Uint8Array)] })
    expect(joined).toHaveLength(1)
    expect(channel.isClosed).toBe(true)
  })

  it('says why it refuses, and lets nobody in', async () => {
    const { transport, mesh, node, joined } = await member()
    const invite = inviteTo(mesh, { expiresAt: startOfTime + 60_000 })
    await admit(node, invite, 'first')
    const second = application(invite, 'second')
    const channel = transport.accept('/selvedge/join/1', second.id)
    channel.receive(second.bytes)
    await settle()
    expect(channel.sent).toMatchObject([{ v: 1, error: { code: 'ERR_TOKEN_USED' } }])
    expect(joined).toEqual([])
  })

  it('lets the one that has waited longest without a word make room, and hears a peer once', async () => {
    const { transport } = await member()
    const silent = Array.from({ length: 32 }, (_, i) => transport.accept('/selvedge/join/1', `n${i}`))
    expect(silent.some((channel) => channel.isClosed)).toBe(false)
    expect(transport.accept('/selvedge/join/1', 'n32').isClosed).toBe(false)
    expect(silent.map((channel) => channel.isClosed).indexOf(false)).toBe(1)
    expect(transport.accept('/selvedge/join/1', 'n7').isClosed).toBe(false)
    expect(silent.filter((channel) => channel.isClosed)).toEqual([silent[0], silent[7]])
  })
})
