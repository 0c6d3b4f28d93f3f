import { describe, expect, it } from 'vitest'
import type { ReleaseTerms, Transfer } from '../../../host/api/index.ts'
import { receiptText } from '../../../host/cli/receipt.ts'
import { releaseChanges } from '../../../host/cli/release-changes.ts'
import { intentText } from '../../../host/cli/release-intent.ts'
import type { NodeProgress } from '../../../host/cli/rollout-progress.ts'
import type { ReleaseDraft } from '../../../host/manifest/index.ts'
import { sampleRelease } from '../api/fake-node.ts'

const terms: ReleaseTerms = {
  grants: ['sensor:light', 'sensor:door'],
  groups: ['garage', 'lobby'],
  triggers: [{ kind: 'sensor', sensor: 'light', everyMs: 200 }],
  config: { threshold: '40', room: 'lobby' },
  limits: { memoryBytes: 16_777_216, deadlineMs: 1_000 },
  quotas: {},
  instances: { max: 4, idleMs: 30_000 },
  placement: {},
  calls: {},
  args: [],
}
const same = {
  app: 'light-alarm',
  version: '2.0.1',
  ...terms,
  limits: { memoryBytes: 16_777_216, deadlineMs: 1_000 },
  topics: {},
  stores: {},
} as ReleaseDraft
const told = (changes: Partial<ReleaseDraft>): string[] =>
  releaseChanges(terms, { ...same, ...changes }).map(({ says, asksMore }) => (asksMore ? `! ${says}` : says))

describe('what a release changes', () => {
  it('is loud where it may be called from further away, and quiet where from nearer', () => {
    expect(told({ calls: { scope: 'mesh' } })).toEqual(['! scope group → mesh'])
    expect(told({ calls: { scope: 'node' } })).toEqual(['scope group → node'])
    expect(told({ calls: { scope: 'group' } })).toEqual([])
  })

  it('is loud where another app answers what it imports', () => {
    const api = 'acme:thermo/api@1.0.0'
    const linked = (before: object, links: Record<string, string>): string[] =>
      releaseChanges({ ...terms, ...before }, { ...same, links }).map(({ says, asksMore }) =>
        asksMore ? `! ${says}` : says,
      )
    expect(linked({ links: {} }, { [api]: 'thermo' })).toEqual([`! takes ${api} from thermo`])
    expect(linked({ links: { [api]: 'thermo' } }, { [api]: 'other' })).toEqual([
      `! takes ${api} from other instead of thermo`,
    ])
    expect(linked({ links: { [api]: 'thermo' } }, {})).toEqual([`no longer takes ${api} from thermo`])
    // A node of before does not say.
    expect(linked({}, { [api]: 'thermo' })).toEqual([])
  })

  it('is loud where a bucket is shared from now on, and says what becomes of its entries', () => {
    const says = (before: object, stores: ReleaseDraft['stores']): string[] =>
      releaseChanges({ ...terms, ...before }, { ...same, stores }).map(({ says: text, asksMore }) =>
        asksMore ? `! ${text}` : text,
      )
    const shared = { counts: { scope: 'group' } } as const
    expect(says({ stores: {} }, shared)).toEqual([
      '! the bucket counts is one of the group; before it was one of the node, whose entries stay there',
    ])
    expect(says({ stores: shared }, {})).toEqual([
      'the bucket counts is one of the node; before it was one of the group, whose entries stay there',
    ])
    expect(says({ stores: shared }, shared)).toEqual([])
    // A node of before does not say.
    expect(says({}, shared)).toEqual([])
  })

  it('is nothing where it asks for the same, and for the first', () => {
    expect(told({})).toEqual([])
    expect(told({ groups: ['lobby', 'garage'] })).toEqual([])
    expect(releaseChanges(null, same)).toEqual([])
  })

  it('is loud where it may do more, or ends where it ran', () => {
    expect(
      told({
        grants: ['pin:led', 'sensor:light'],
        groups: ['lobby'],
        limits: { memoryBytes: 33_554_432, deadlineMs: 500 },
        instances: { max: 8, idleMs: 60_000 },
        quotas: { keyValueKeys: 1_000 },
        placement: { replicas: 2, needs: ['arch:arm64'] },
      }),
    ).toEqual([
      '! may use pin:led',
      'may no longer use sensor:door',
      '! goes to nodes of lobby; before it was nodes of garage, lobby',
      'runs on every node that can → 2 nodes of each group with arch:arm64',
      'deadline 1.0 s → 500 ms',
      '! memory 16.8 MB → 33.6 MB',
      '! key value keys left to the node → 1000',
      'idle 30 s → 1 min',
      '! max 4 → 8',
    ])
  })

  it('names triggers in full, and settings by name alone', () => {
    expect(
      told({
        triggers: [{ kind: 'sensor', sensor: 'light', everyMs: 100 }],
        config: { threshold: '50', secret: 'x' },
        args: ['--once'],
      }),
    ).toEqual([
      '! is called by sensor light every 100 ms',
      'is no longer called by sensor light every 200 ms',
      'arguments none → --once',
      'settings room, secret, threshold',
    ])
  })

  it('and what has to travel stand before the signature', () => {
    const draft = { ...same, grants: ['pin:led', 'sensor:light'], groups: [] }
    const head = { ...sampleRelease, grants: terms.grants }
    const lines = intentText(
      {
        draft,
        version: '2.0.1',
        sizeBytes: 1_100_000,
        terms: { mesh: '', app: 'light-alarm', nextSeq: 3, previous: head.digest, head, terms },
        changes: releaseChanges(terms, draft),
        report: { moves: { fullBytes: 1_100_900, updateBytes: 66_000 } },
      },
      false,
    )
    expect(lines).toEqual([
      'signs light-alarm 2.0.1 (seq 3), after 2.0.0 (seq 2), 1.1 MB component',
      '  may use: pin:led, sensor:light — NEW: pin:led',
      '  goes to: every node',
      '  changes: may no longer use sensor:door',
      '  CHANGES: goes to every node; before it was nodes of garage, lobby',
      '  to move: at most 66.0 KB to one that has 2.0.0, 1.1 MB to a node that has nothing of it',
    ])
  })
})

describe('the receipt', () => {
  const node = (transfer: Transfer | null): NodeProgress => ({
    name: '',
    stage: 'running',
    state: 'running',
    doing: 'running',
    detail: '',
    transfer,
    reason: null,
  })
  const came = (fetchedBytes: number, via: string): NodeProgress =>
    node({ haveBytes: 1, totalBytes: 1, fetchedBytes, via, ms: 1 })
  const receipt = (sizeBytes: number, ...nodes: NodeProgress[]): string =>
    receiptText(
      { ...sampleRelease, version: '2.0.1', sizeBytes },
      { nodes, away: [], unfit: [], running: nodes.length, held: null },
      2_100,
    )

  it('says where it runs, and what each node fetched for it', () => {
    const six = Array.from({ length: 6 }, (_, index) => came(3_700 + index * 20, 'patch'))
    expect(receipt(1_100_000, ...six, came(0, 'disk'), node(null))).toBe(
      'light-alarm 2.0.1 on 8/8 · 3.8 KB for a 1.1 MB component · 6 got it from peers as a patch · 2.1 s',
    )
    expect(receipt(8_000_000, came(3_800, 'patch'), came(8_000_900, 'peers'))).toBe(
      'light-alarm 2.0.1 on 2/2 · 3.8 KB to 8.0 MB for an 8.0 MB component · 2 got it from peers, 1 of them as a patch · 2.1 s',
    )
  })

  it('says nothing of the way where nothing travelled', () => {
    expect(receipt(11_200, came(0, 'disk'))).toBe('light-alarm 2.0.1 on 1/1 · 11.2 KB component · 2.1 s')
  })
})
