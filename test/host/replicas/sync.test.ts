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
