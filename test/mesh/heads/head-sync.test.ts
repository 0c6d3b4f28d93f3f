import { beforeEach, expect, test } from 'vitest'
import { digestOf } from '../../../core/index.ts'
import type { Head, HeadId, HeadOutcome } from '../../../mesh/heads/head.ts'
import { headFingerprint } from '../../../mesh/heads/head-tree.ts'
import { HeadSync, headSyncDefaults } from '../../../mesh/heads/head-sync.ts'
import type { HeadAction, HeadEvent } from '../../../mesh/heads/head-events.ts'
import { encodeMessage, type HeadMessage } from '../../../mesh/heads/message.ts'
import { SeededRandom } from '../../sim/index.ts'

let sync: HeadSync
let nowMs: number

beforeEach(() => {
  sync = new HeadSync(new SeededRandom(1))
  nowMs = 0
})

function feed(event: HeadEvent): HeadAction[] {
  return sync.on(event, nowMs)
}
function hear(peer: string, message: HeadMessage): HeadAction[] {
  return feed({ type: 'message', peer, message })
}
function judge(peer: string, key: string, outcome: HeadOutcome): HeadAction[] {
  return feed({ type: 'judged', peer, key, outcome })
}
function head(key: string, first: number, content = ''): Head {
  const bytes = new TextEncoder().encode(`${key} ${first} ${content}`)
  return { key, order: [first, 0], digest: digestOf(bytes), bytes }
}
function idOf({ key, order, digest }: Head): HeadId {
  return { key, order, digest }
}
function up(...peers: string[]): void {
  for (const peer of peers) feed({ type: 'peer-up', peer })
}
const salt = new Uint8Array(16).fill(7)
const send = (peer: string, message: HeadMessage): HeadAction => ({ type: 'send', peer, message })
const haves = (actions: HeadAction[]): HeadAction[] =>
  actions.filter((action) => action.type === 'send' && action.message.t === 'have')
const want = (peer: string, ...keys: string[]): HeadAction => send(peer, { t: 'want', keys })

test('a new neighbour is sent a summary at once, and again every few seconds', () => {
  expect(feed({ type: 'peer-up', peer: 'a' })).toEqual([send('a', { t: 'summary', ...sync.summary() })])
  nowMs = headSyncDefaults.compareMs * 0.7
  expect(feed({ type: 'tick' })).toEqual([])
  nowMs = headSyncDefaults.compareMs * 1.3
  expect(feed({ type: 'tick' })).toEqual([send('a', { t: 'summary', ...sync.summary() })])
})

test('a change is announced to all neighbours but the one that brought it', () => {
  up('a', 'b')
  const one = head('trust', 1)
  expect(feed({ type: 'changed', head: one, from: 'a' })).toEqual([
    send('b', { t: 'have', ids: [idOf(one)] }),
  ])
})

test('a change is not announced to a neighbour that has announced it', () => {
  up('a', 'b', 'c')
  const [one, two] = [head('trust', 1), head('trust', 2)]
  hear('a', { t: 'have', ids: [idOf(two)] })
  hear('b', { t: 'have', ids: [idOf(one)] })
  expect(feed({ type: 'changed', head: two, from: 'c' })).toEqual([
    send('b', { t: 'have', ids: [idOf(two)] }),
  ])
})

test('a node’s own unhurried head is announced at once, that of another at the neighbour’s next summary', () => {
  up('a', 'b')
  const [own, passed] = [head('node/own', 1), head('node/other', 1)]
  expect(feed({ type: 'changed', head: own, isUnhurried: true })).toHaveLength(2)
  expect(feed({ type: 'changed', head: passed, from: 'a', isUnhurried: true })).toEqual([])
  expect(hear('b', otherSummary('us'))).toContainEqual(send('b', { t: 'have', ids: [idOf(passed)] }))
  expect(haves(hear('b', otherSummary('us')))).toEqual([])
})

test('an unhurried head is not announced to a neighbour that has it by then', () => {
  up('a', 'b', 'c')
  const passed = head('node/other', 1)
  feed({ type: 'changed', head: passed, from: 'a', isUnhurried: true })
  hear('b', { t: 'summary', ...sync.summary() })
  hear('c', { t: 'have', ids: [idOf(passed)] })
  nowMs = headSyncDefaults.compareMs * 2
  expect(haves(feed({ type: 'tick' }))).toEqual([])
})

test('an unhurried head is announced after a while to a neighbour whose summary does not come', () => {
  up('a', 'b')
  const passed = head('node/other', 1)
  feed({ type: 'changed', head: passed, from: 'a', isUnhurried: true })
  nowMs = headSyncDefaults.compareMs * 1.25 - 1
  expect(haves(feed({ type: 'tick' }))).toEqual([])
  nowMs = headSyncDefaults.compareMs * 1.25
  expect(haves(feed({ type: 'tick' }))).toEqual([send('b', { t: 'have', ids: [idOf(passed)] })])
})

test('of an unhurried head that changed while it waited only the newest version is announced', () => {
  up('a', 'b')
  const [one, two] = [head('node/other', 1), head('node/other', 2)]
  feed({ type: 'changed', head: one, from: 'a', isUnhurried: true })
  feed({ type: 'changed', head: two, from: 'a', isUnhurried: true })
  expect(haves(hear('b', otherSummary('us')))).toEqual([send('b', { t: 'have', ids: [idOf(two)] })])
})

test('a summary that differs just after a change is compared only if the next one differs too', () => {
  up('a')
  hear('a', { t: 'summary', ...sync.summary() })
  feed({ type: 'changed', head: head('trust', 1) })
  expect(sentOf(hear('a', otherSummary('us')), 'compare')).toEqual([])
  expect(sentOf(hear('a', otherSummary('us')), 'compare')).toHaveLength(1)
})

test('handing in the same or an older head again does nothing', () => {
  up('a')
  feed({ type: 'changed', head: head('trust', 2) })
  expect(feed({ type: 'changed', head: head('trust', 2) })).toEqual([])
  expect(feed({ type: 'changed', head: head('trust', 1) })).toEqual([])
})

test('of two heads with one order the smaller digest stands', () => {
  const [small, large] = [head('trust', 1, 'x'), head('trust', 1, 'y')].sort((a, b) =>
    a.digest < b.digest ? -1 : 1,
  )
  feed({ type: 'changed', head: large as Head })
  feed({ type: 'changed', head: small as Head })
  feed({ type: 'changed', head: large as Head })
  expect(sync.get('trust')?.digest).toBe(small?.digest)
})

test('what several neighbours announce is pulled once', () => {
  up('a', 'b')
  const ids = [idOf(head('trust', 1))]
  expect(hear('a', { t: 'have', ids })).toEqual([want('a', 'trust')])
  expect(hear('b', { t: 'have', ids })).toEqual([])
  expect(hear('a', { t: 'have', ids })).toEqual([])
})

test('a pull that is not answered in time goes to another neighbour, and the late answer still counts', () => {
  up('a', 'b')
  const one = head('trust', 1)
  hear('a', { t: 'have', ids: [idOf(one)] })
  hear('b', { t: 'have', ids: [idOf(one)] })
  nowMs = headSyncDefaults.pullMs
  expect(feed({ type: 'tick' })).toContainEqual(want('b', 'trust'))
  const accept = { type: 'accept', peer: 'a', key: 'trust', bytes: one.bytes }
  expect(hear('a', { t: 'heads', heads: [one] })).toEqual([accept])
})

test('a pull from a neighbour that goes away is asked of another at once', () => {
  up('a', 'b')
  const ids = [idOf(head('trust', 1))]
  hear('a', { t: 'have', ids })
  hear('b', { t: 'have', ids })
  expect(feed({ type: 'peer-down', peer: 'a' })).toEqual([want('b', 'trust')])
})

test('a newer version that appears during a pull is pulled after it', () => {
  up('a', 'b')
  const [one, two] = [head('trust', 1), head('trust', 2)]
  hear('a', { t: 'have', ids: [idOf(one)] })
  expect(hear('b', { t: 'have', ids: [idOf(two)] })).toEqual([])
  hear('a', { t: 'heads', heads: [one] })
  feed({ type: 'changed', head: one, from: 'a' })
  expect(judge('a', 'trust', 'accepted')).toEqual([want('b', 'trust')])
})

test('a refused head is asked of another neighbour only where that one has another version', () => {
  up('a', 'b', 'c')
  const [bad, good] = [head('release/x', 9), head('release/x', 8)]
  hear('a', { t: 'have', ids: [idOf(bad)] })
  hear('b', { t: 'have', ids: [idOf(bad)] })
  hear('a', { t: 'heads', heads: [bad] })
  expect(judge('a', 'release/x', 'refused')).toEqual([])
  expect(hear('b', { t: 'have', ids: [idOf(bad)] })).toEqual([])
  expect(hear('c', { t: 'have', ids: [idOf(good)] })).toEqual([want('c', 'release/x')])
})

test('a refused head is tried again when something else has changed, such as the trust it lacked', () => {
  up('a')
  const early = head('release/x', 1)
  hear('a', { t: 'have', ids: [idOf(early)] })
  hear('a', { t: 'heads', heads: [early] })
  judge('a', 'release/x', 'refused')
  expect(hear('a', { t: 'have', ids: [idOf(early)] })).toEqual([])
  feed({ type: 'changed', head: head('trust', 2) })
  expect(hear('a', { t: 'have', ids: [idOf(early)] })).toEqual([want('a', 'release/x')])
})

/** A summary that differs from ours and lets us begin, or them. */
const otherSummary = (begins: 'us' | 'them'): HeadMessage => ({
  t: 'summary',
  count: 1,
  digest: (begins === 'us' ? 'f' : '0').repeat(64),
})
const sentOf = <Kind extends HeadMessage['t']>(
  actions: HeadAction[],
  kind: Kind,
): Extract<HeadMessage, { t: Kind }>[] =>
  actions.flatMap((action) =>
    action.type === 'send' && action.message.t === kind
      ? [action.message as Extract<HeadMessage, { t: Kind }>]
      : [],
  )

test('equal summaries end the conversation; of two that differ one side begins, not more often than allowed', () => {
  up('a')
  feed({ type: 'changed', head: head('trust', 1) })
  nowMs += headSyncDefaults.settleMs
  expect(hear('a', { t: 'summary', ...sync.summary() })).toEqual([])
  const begun = sentOf(hear('a', otherSummary('us')), 'compare')
  expect(begun).toMatchObject([{ branches: [], leaves: [{ prefix: '' }] }])
  expect(begun[0]?.leaves[0]?.fingerprints).toHaveLength(8)
  expect(hear('a', otherSummary('us'))).toEqual([])
  nowMs += headSyncDefaults.beginMs
  expect(sentOf(hear('a', otherSummary('us')), 'compare')).toHaveLength(1)
})

test('who is to begin is told our summary, unless it knows it', () => {
  up('a')
  expect(hear('a', otherSummary('them'))).toEqual([])
  feed({ type: 'changed', head: head('trust', 1) })
  expect(hear('a', otherSummary('them'))).toEqual([send('a', { t: 'summary', ...sync.summary() })])
  expect(hear('a', otherSummary('them'))).toEqual([])
})

test('two comparisons of one tree have nothing in common on the wire', () => {
  up('a', 'b')
  feed({ type: 'changed', head: head('trust', 1) })
  const [one] = sentOf(hear('a', otherSummary('us')), 'compare')
  const [two] = sentOf(hear('b', otherSummary('us')), 'compare')
  expect(one?.salt).not.toEqual(two?.salt)
  expect(one?.leaves[0]?.fingerprints).not.toEqual(two?.leaves[0]?.fingerprints)
})

test('a leaf is answered with what is newer or only here, and the question what the unknown heads are', () => {
  up('a')
  const [ours, same] = [head('node/b', 1), head('node/c', 1)]
  for (const one of [ours, same]) feed({ type: 'changed', head: one })
  const unknown = headFingerprint(head('node/d', 1), salt)
  const fingerprints = new Uint8Array([...headFingerprint(same, salt), ...unknown])
  expect(hear('a', { t: 'compare', salt, branches: [], leaves: [{ prefix: '', fingerprints }] })).toEqual([
    send('a', { t: 'name', salt, parts: [{ prefix: '', fingerprints: new Uint8Array(unknown) }] }),
    send('a', { t: 'found', ids: [idOf(ours)] }),
  ])
  const asked: HeadMessage = { t: 'name', salt, parts: [{ prefix: '', fingerprints }] }
  expect(hear('a', asked)).toEqual([send('a', { t: 'found', ids: [idOf(same)] })])
})

test('wants are served in batches under the frame limit', () => {
  up('a')
  const big = Array.from({ length: 5 }, (_, index): Head => {
    const bytes = new Uint8Array(100 * 1024).fill(index)
    return { key: `node/${index}`, order: [1, 0], digest: digestOf(bytes), bytes }
  })
  for (const one of big) feed({ type: 'changed', head: one })
  const sizes = hear('a', { t: 'want', keys: [...big.map(({ key }) => key), 'node/unknown'] }).map((action) =>
    action.type === 'send' && action.message.t === 'heads' ? action.message.heads.length : 0,
  )
  expect(sizes).toEqual([2, 2, 1])
})

test('a peer that keeps sending heads nobody asked for is reported', () => {
  up('a')
  const reports = Array.from({ length: 40 }, () =>
    hear('a', { t: 'heads', heads: [head('trust', 1)] }),
  ).flat()
  expect(reports).toContainEqual({
    type: 'misbehaved',
    peer: 'a',
    reason: 'it sent trust, which nobody asked it for',
  })
  expect(reports.every(({ type }) => type === 'misbehaved')).toBe(true)
})

test('a peer that floods is not answered beyond its rate, and reported', () => {
  up('a')
  let answered = 0
  let isReported = false
  for (let count = 0; count < 5_000; count++) {
    for (const action of hear('a', { t: 'want', keys: ['trust'] }))
      isReported ||= action.type === 'misbehaved'
    answered++
  }
  expect(answered).toBe(5_000)
  expect(isReported).toBe(true)
})

test('a peer that wants the same heads again and again is served within its rate, and others are not held up', () => {
  up('greedy', 'b')
  const bytes = new Uint8Array(64 * 1024)
  const keys = Array.from({ length: 64 }, (_, index) => `node/${index}`)
  for (const key of keys)
    feed({ type: 'changed', head: { key, order: [1, 0], digest: digestOf(bytes), bytes } })
  const served = (peer: string): number =>
    hear(peer, { t: 'want', keys }).reduce((sum, action) => {
      const isHeads = action.type === 'send' && action.message.t === 'heads'
      return sum + (isHeads ? action.message.heads.length * bytes.length : 0)
    }, 0)
  const pour = (): number => Array.from({ length: 500 }, () => served('greedy')).reduce((a, b) => a + b)
  const { answerBurstBytes, answerBytesPerSecond } = headSyncDefaults
  const atOnce = pour()
  expect(atOnce).toBeGreaterThan(answerBurstBytes / 2)
  expect(atOnce).toBeLessThanOrEqual(answerBurstBytes + bytes.length)
  expect(served('b')).toBe(keys.length * bytes.length)
  nowMs += 1_000
  expect(pour()).toBeLessThanOrEqual(answerBytesPerSecond + bytes.length)
  nowMs += 60_000
  expect(served('greedy')).toBe(keys.length * bytes.length)
})

test('a peer that claims to have nothing, for ever, is told what it lacks within its rate, and still pulled from', () => {
  up('a')
  const keys = Array.from({ length: 2_000 }, (_, index) => `node/x${index}`)
  for (const key of keys) feed({ type: 'changed', head: head(key, 1) })
  const empty: HeadMessage = {
    t: 'compare',
    salt,
    branches: [],
    leaves: [{ prefix: '', fingerprints: new Uint8Array() }],
  }
  const told = new Set<string>()
  let ids = 0
  for (let count = 0; count < 1_000; count++) {
    for (const found of sentOf(hear('a', empty), 'found')) {
      expect(found.ids.length).toBeLessThanOrEqual(headSyncDefaults.maxAnnounced)
      for (const { key } of found.ids) told.add(key)
      ids += found.ids.length
    }
  }
  // No head is always among those that one answer has no room for.
  expect(told.size).toBe(keys.length)
  expect(ids * 100).toBeLessThan(headSyncDefaults.answerBurstBytes)
  const one = idOf(head('trust', 1))
  nowMs += 1_000
  expect(hear('a', { t: 'have', ids: [one] })).toEqual([want('a', 'trust')])
})

test('nonsense fingerprints at every prefix are answered within the rate, and cost no memory', () => {
  up('a', 'b')
  for (let index = 0; index < 2_000; index++) feed({ type: 'changed', head: head(`node/x${index}`, 1) })
  const random = new SeededRandom(3)
  let bytes = 0
  for (let count = 0; count < 300; count++) {
    const part = (length: number): { prefix: string; fingerprints: Uint8Array } => ({
      prefix: Array.from({ length: random.below(16) }, () => random.below(16).toString(16)).join(''),
      fingerprints: random.bytes(length),
    })
    const branches = Array.from({ length: 64 }, () => part(128))
    const leaves = Array.from({ length: 64 }, () => part(8 * random.below(65)))
    const actions = [
      ...hear('a', { t: 'compare', salt, branches, leaves }),
      ...hear('a', { t: 'name', salt, parts: leaves }),
    ]
    for (const action of actions) if (action.type === 'send') bytes += encodeMessage(action.message).length
  }
  expect(bytes).toBeGreaterThan(0)
  expect(bytes).toBeLessThan(headSyncDefaults.answerBurstBytes)
  expect(sentOf(hear('b', otherSummary('us')), 'compare')).toHaveLength(1)
})

test('rubbish is forgiven now and then, not in a row', () => {
  up('a')
  const rubbish: HeadEvent = { type: 'rubbish', peer: 'a', reason: 'not CBOR' }
  for (let minute = 0; minute < 100; minute++) {
    nowMs = minute * 60_000
    expect(feed(rubbish)).toEqual([])
  }
  const reports = Array.from({ length: 40 }, () => feed(rubbish)).flat()
  expect(reports).toContainEqual({ type: 'misbehaved', peer: 'a', reason: 'not CBOR' })
})

test('coming back does not wipe the slate', () => {
  const reports = Array.from({ length: 40 }, () => {
    feed({ type: 'peer-up', peer: 'a' })
    const actions = feed({ type: 'rubbish', peer: 'a', reason: 'not CBOR' })
    feed({ type: 'peer-down', peer: 'a' })
    return actions
  }).flat()
  expect(reports).toContainEqual({ type: 'misbehaved', peer: 'a', reason: 'not CBOR' })
})

test('one neighbour that advertises endless keys is pulled from within bounds, others are not held up', () => {
  up('a', 'b')
  const ids = Array.from({ length: 900 }, (_, index) => idOf(head(`node/fake${index}`, 1)))
  const asked = hear('a', { t: 'have', ids }).flatMap((action) =>
    action.type === 'send' && action.message.t === 'want' ? action.message.keys : [],
  )
  expect(asked).toHaveLength(headSyncDefaults.maxPulls)
  expect(hear('b', { t: 'have', ids: [idOf(head('trust', 1))] })).toEqual([want('b', 'trust')])
})

test('a message of somebody who is no neighbour is ignored', () => {
  expect(hear('stranger', { t: 'have', ids: [idOf(head('trust', 1))] })).toEqual([])
})

test('a neighbour that claims to have something newer and never sends it cannot keep others from bringing theirs', () => {
  up('liar', 'b')
  const good = head('release/x', 2)
  const lie = (order: number): HeadAction[] =>
    hear('liar', { t: 'have', ids: [idOf(head('release/x', order))] })
  lie(Number.MAX_SAFE_INTEGER)
  hear('b', { t: 'have', ids: [idOf(good)] })
  lie(Number.MAX_SAFE_INTEGER - 1)
  nowMs = headSyncDefaults.pullMs
  expect(feed({ type: 'tick' })).toContainEqual(want('b', 'release/x'))
  lie(Number.MAX_SAFE_INTEGER - 2)
  expect(hear('b', { t: 'heads', heads: [good] })).toMatchObject([{ type: 'accept', peer: 'b' }])
})

test('what the owner holds no longer is forgotten, and nothing else', () => {
  for (const key of ['node/a', 'node/b', 'trust']) feed({ type: 'changed', head: head(key, 1) })
  const without = new HeadSync(new SeededRandom(1))
  for (const key of ['node/b', 'trust']) without.on({ type: 'changed', head: head(key, 1) }, 0)
  expect(feed({ type: 'retain', prefix: 'node/', keys: new Set(['node/b']) })).toEqual([])
  expect(sync.get('node/a')).toBeUndefined()
  expect(sync.summary()).toEqual(without.summary())
})
