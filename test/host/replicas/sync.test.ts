/** What a node makes of what its neighbours claim to know. */
import { describe, expect, it } from 'vitest'
import { ReplicaSync, type SyncAction } from '../../../host/replicas/sync.ts'
import type { ReplicaState, Vector } from '../../../host/storage/index.ts'

const empty: ReplicaState = { vector: new Map(), digest: '0', collected: new Map(), life: null }
const ended = 'owner/000000000001'
const current = 'owner/000000000002'

function started(): ReplicaSync {
  const sync = new ReplicaSync(empty)
  for (const peer of ['owner', 'liar']) sync.on({ type: 'peer-up', peer }, 0)
  return sync
}

function says(sync: ReplicaSync, peer: string, vector: Vector, life?: string): readonly SyncAction[] {
  const message = {
    type: 'summary',
    vector,
    digest: '1',
    wallMs: 0,
    ...(life !== undefined && { life }),
  } as const
  return sync.on({ type: 'message', peer, message }, 1)
}

const asked = (actions: readonly SyncAction[]): string[] =>
  actions.flatMap((action) => (action.type === 'send' && action.message.type === 'want' ? [action.peer] : []))

describe('a neighbour that claims more of a node’s ended life than the node itself', () => {
  it('is not listened to while the node is there, and is again when it says what is true', () => {
    const sync = started()
    says(
      sync,
      'owner',
      new Map([
        [ended, 5],
        [current, 1],
      ]),
      current,
    )
    sync.on({ type: 'peer-down', peer: 'owner' }, 1)
    sync.on({ type: 'peer-up', peer: 'owner' }, 1)
    expect(
      asked(
        says(
          sync,
          'owner',
          new Map([
            [ended, 5],
            [current, 1],
          ]),
          current,
        ),
      ),
    ).toEqual(['owner'])
    const lied = says(sync, 'liar', new Map([[ended, 1_000]]))
    expect(lied).toContainEqual({ type: 'doubts', peer: 'liar', replica: ended })
    // Said once.
    expect(says(sync, 'liar', new Map([[ended, 1_000]]))).toEqual([])
    sync.on({ type: 'peer-down', peer: 'owner' }, 2)
    expect(sync.vectors().has('liar')).toBe(false)
    expect(asked(says(sync, 'liar', new Map([[ended, 4]])))).toEqual(['liar'])
  })

  it('is believed of the life that goes on, which may have gone on meanwhile', () => {
    const sync = started()
    sync.on({ type: 'peer-down', peer: 'liar' }, 0)
    says(sync, 'owner', new Map([[current, 1]]), current)
    sync.on({ type: 'peer-up', peer: 'liar' }, 0)
    says(sync, 'liar', new Map([[current, 9]]))
    expect(sync.vectors().get('liar')?.get(current)).toBe(9)
  })

  it('is not told of by what it calls its own writes and are another’s', () => {
    const sync = started()
    const batch = {
      vector: new Map([[current, 9]]),
      entries: [],
      kind: { type: 'fresh', replica: current, after: 0, to: 9 },
      isLast: true,
      collected: new Map(),
    } as const
    const actions = sync.on({ type: 'message', peer: 'liar', message: { type: 'batch', batch } }, 1)
    expect(actions.filter(({ type }) => type === 'merge')).toEqual([])
  })
})

describe('a neighbour that claims more of this node’s life than it has written', () => {
  const [first, second, third] = ['self/000000000001', 'self/000000000002', 'self/000000000003']
  const state = (life: string, counter: number): ReplicaState => {
    return { ...empty, vector: new Map([[life, counter]]), life }
  }
  const claims = (sync: ReplicaSync, life: string, counter: number, atMs: number): readonly SyncAction[] => {
    const message = { type: 'summary', vector: new Map([[life, counter]]), digest: '1', wallMs: 0 } as const
    return sync.on({ type: 'message', peer: 'liar', message }, atMs)
  }
  const pushed = (sync: ReplicaSync, life: string, atMs: number): readonly SyncAction[] => {
    const dot = { replica: life, counter: 9 }
    const sibling = { ...dot, stamp: { ms: 0, count: 1 }, value: null, seen: [] }
    const entry = { siblings: [sibling], tallies: [], context: new Map() }
    const batch = {
      vector: new Map([['liar/000000000001', 1]]),
      entries: [{ bucket: 'b', key: 'k', entry }],
      kind: { type: 'fresh', replica: 'liar/000000000001', after: 0, to: 1 },
      isLast: true,
      collected: new Map(),
    } as const
    return sync.on({ type: 'message', peer: 'liar', message: { type: 'batch', batch } }, atMs)
  }

  it('ends it once, and the next only minutes later; until then it is told of and not listened to', () => {
    const sync = started()
    sync.on({ type: 'state', state: state(first, 5) }, 0)
    expect(asked(claims(sync, first, 6, 1))).toEqual(['liar'])
    sync.on({ type: 'state', state: state(second, 5) }, 10)
    sync.on({ type: 'peer-down', peer: 'liar' }, 10)
    sync.on({ type: 'peer-up', peer: 'liar' }, 10)
    const refused = claims(sync, second, 6, 20)
    expect(refused).toContainEqual({ type: 'doubts', peer: 'liar', replica: second })
    expect(asked(refused)).toEqual([])
    // Nor is what stands beside a key.
    expect(pushed(sync, second, 30).some(({ type }) => type === 'merge')).toBe(false)
    expect(pushed(sync, third, 40).some(({ type }) => type === 'merge')).toBe(true)
    sync.on({ type: 'peer-down', peer: 'liar' }, 50)
    sync.on({ type: 'peer-up', peer: 'liar' }, 50)
    expect(asked(claims(sync, second, 6, 10 + 300_000))).toContain('liar')
  })

  it('is believed where it was sent those writes before this node’s state was told', () => {
    const sync = started()
    sync.on({ type: 'state', state: state(first, 5) }, 0)
    sync.on({ type: 'state', state: state(second, 5) }, 10)
    const vector = new Map([[second, 7]])
    const batch = {
      vector,
      entries: [],
      kind: { type: 'changes', upTo: vector },
      isLast: true,
      collected: new Map(),
    } as const
    sync.on({ type: 'read', peer: 'liar', batch }, 20)
    expect(claims(sync, second, 7, 30).some(({ type }) => type === 'doubts')).toBe(false)
    expect(claims(sync, second, 8, 40)).toContainEqual({ type: 'doubts', peer: 'liar', replica: second })
  })
})
