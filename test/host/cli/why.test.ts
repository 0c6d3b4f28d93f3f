/** Why a node or an app is what it is: a golden for each thing that can have happened to it. */
import { describe, expect, it } from 'vitest'
import type { NodeWhy } from '../../../host/api/index.ts'
import { renderAppWhy, renderNodeWhy } from '../../../host/cli/render-why.ts'
import { visibleLength } from '../../../host/cli/table.ts'
import { appExitCodeOf } from '../../../host/cli/why-app.ts'
import { exitCodeOf } from '../../../host/cli/why-node.ts'
import { sampleNow } from '../api/sample-status.ts'
import { appWhy, asked, nodeWhy, vote } from '../api/sample-why.ts'

const view = { now: sampleNow, utcOffset: 60, width: 80, colour: false }
const probes = nodeWhy().probes as NonNullable<NodeWhy['probes']>
const since = sampleNow - 4_000
const doubt = { isConnected: false, heardAgoMs: 4_100, doubtedForMs: 4_000 }
const isolated = {
  ...asked,
  state: 'isolated' as const,
  why: 'it reaches 1 of the 4 peers it counts on, and changes nobody’s state',
  stateSince: sampleNow - 180_000,
  reached: 2,
}

const cases: Record<string, NodeWhy> = {
  alive: nodeWhy(),
  refused: nodeWhy(
    {
      probes: { ...probes, ...doubt, evidence: 'refused' },
      votes: [
        vote('lobby-1', { evidence: 'refused', verdict: 'dead' }),
        vote('lobby-2', { evidence: 'refused', verdict: 'dead' }),
      ],
      history: [
        {
          at: sampleNow - 3_900,
          from: 'alive',
          to: 'suspect',
          why: 'its connection closed here, for 0.0 s',
          boot: 4,
        },
        {
          at: sampleNow - 3_600,
          from: 'suspect',
          to: 'dead',
          why: 'its host refuses the connection: the process is gone',
          boot: 4,
        },
      ],
    },
    { state: 'dead', stateSince: since, why: 'its host refuses the connection: the process is gone' },
  ),
  frozen: nodeWhy(
    {
      probes: {
        ...probes,
        ...doubt,
        isConnected: true,
        evidence: 'frozen',
        unanswered: 9,
        askedAgoMs: 4_000,
      },
      votes: [vote('lobby-2', { evidence: 'frozen', verdict: 'dead', silentMs: 2_400 })],
    },
    { state: 'dead', stateSince: since },
  ),
  vanished: nodeWhy(
    {
      probes: { ...probes, ...doubt, evidence: 'no-answer', unanswered: 3, askedAgoMs: 1_200 },
      votes: [vote('lobby-2', { verdict: 'dead' }), vote('lobby-1')],
    },
    { state: 'dead', stateSince: since },
  ),
  suspect: nodeWhy(
    {
      probes: {
        ...probes,
        isConnected: true,
        heardAgoMs: 1_500,
        evidence: 'no-answer',
        unanswered: 3,
        askedAgoMs: 1_200,
      },
      votes: [vote('lobby-1')],
    },
    { state: 'suspect', stateSince: sampleNow - 1_200 },
  ),
  'mesh-of-two': nodeWhy(
    {
      asked: { ...asked, counted: 2, reached: 1 },
      watchers: [{ id: asked.id, name: asked.name, state: 'alive' }],
      probes: { ...probes, ...doubt, evidence: 'no-answer', unanswered: 8, askedAgoMs: 4_000 },
      votes: [vote('lobby-1')],
    },
    { state: 'suspect', stateSince: since },
  ),
  'cut-off': nodeWhy(
    {
      probes: { ...probes, ...doubt, evidence: 'no-answer', unanswered: 5, askedAgoMs: 4_000 },
      votes: [vote('garage-2', { verdict: 'alive', evidence: 'heard', silentMs: 0, ageMs: 400 })],
    },
    { state: 'cut-off', stateSince: since },
  ),
  'one-way': nodeWhy({
    probes: { ...probes, isOneWay: true, heardAgoMs: 200, unanswered: 12, askedAgoMs: 6_000 },
  }),
  slow: nodeWhy({ probes: { ...probes, slow: 3 } }, { slow: true, why: 'answers its probes slowly' }),
  slept: nodeWhy(
    {
      history: [
        {
          at: sampleNow - 2_520_000,
          from: 'alive',
          to: 'suspect',
          why: 'its probes get no answer here',
          boot: 4,
        },
        { at: sampleNow - 2_517_000, from: 'suspect', to: 'dead', why: '2 of 3 nodes miss it', boot: 4 },
        { at: sampleNow - 120_000, from: 'dead', to: 'alive', why: 'answers its probes', boot: 4 },
      ],
    },
    { pause: { kind: 'slept', ms: 2_400_000, endedAt: sampleNow - 121_000 } },
  ),
  restarted: nodeWhy({
    word: { kind: 'alive', boot: 5, number: 0, ageMs: 2_000 },
    history: [
      { at: sampleNow - 9_000, from: 'alive', to: 'dead', why: 'its host refuses the connection', boot: 4 },
      { at: sampleNow - 2_000, from: 'dead', to: 'alive', why: 'answers its probes', boot: 5 },
    ],
  }),
  left: nodeWhy(
    { probes: null, word: { kind: 'left', boot: 4, number: 0, ageMs: 190_000 } },
    { state: 'left', stateSince: sampleNow - 190_000 },
  ),
  twofold: nodeWhy({
    isTwofold: true,
    alarms: [
      {
        code: 'ERR_DUPLICATE_IDENTITY',
        message: 'two machines run with the identity 12D3KooWgarage-1',
        hint: 'stop one of them',
      },
    ],
  }),
  'seen-from-afar': nodeWhy(
    {
      probes: null,
      votes: [
        vote('lobby-2', { verdict: 'dead', evidence: 'unreachable' }),
        vote('x', { name: null, evidence: 'closed' }),
      ],
    },
    { state: 'dead', stateSince: since },
  ),
  'self-isolated': nodeWhy(
    {
      asked: isolated,
      watchers: [],
      probes: null,
      votes: [vote('lobby-2')],
    },
    { id: asked.id, name: asked.name, state: 'isolated', stateSince: isolated.stateSince, why: isolated.why },
  ),
  'asked-isolated': nodeWhy(
    {
      asked: isolated,
      probes: { ...probes, ...doubt, evidence: 'no-answer', unanswered: 20, askedAgoMs: 180_000 },
    },
    { state: 'suspect', stateSince: sampleNow - 180_000 },
  ),
}

describe('why a node', () => {
  it.each(Object.entries(cases))('is %s, in plain words', async (name, why) => {
    await expect(renderNodeWhy(why, view)).toMatchFileSnapshot(`goldens/why-${name}.txt`)
  })

  it.each([40, 60, 132])('fits %i columns', (width) => {
    for (const why of Object.values(cases)) {
      const lines = renderNodeWhy(why, { ...view, width, colour: true }).split('\n')
      expect(Math.max(...lines.map(visibleLength))).toBeLessThanOrEqual(width)
    }
  })

  it('that needs a look comes with what to do', () => {
    for (const why of Object.values(cases)) {
      if (exitCodeOf(why) !== 0) expect(renderNodeWhy(why, view)).toMatch(/\nnext\n {2}→ \S/)
    }
  })

  it('lets no peer write to the terminal', () => {
    const evil = 'x\u001b[2J\r\n● fake\u202e'
    const why = nodeWhy(
      {
        votes: [vote('a', { name: evil })],
        history: [{ at: 0, from: 'alive', to: 'dead', why: evil, boot: 1 }],
        record: { boot: 1, number: 1, ageMs: 1, issuedAt: 1, version: evil, addresses: [evil] },
        alarms: [{ code: 'ERR_X', message: evil, hint: evil }],
      },
      { name: evil, why: evil, state: 'dead' },
    )
    // oxlint-disable-next-line no-control-regex
    expect(renderNodeWhy(why, view)).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f\u202e]/)
  })
})

describe('why an app', () => {
  const reason = { code: 'ERR_APP_TRAP', message: 'it trapped: unreachable', hint: 'see its logs' }
  const held = {
    version: '3.0.0',
    seq: 3,
    code: 'ERR_PLACEMENT_HELD',
    message: '0 nodes of group roof can run it, and it wants 1',
    hint: 'let a node in',
  }
  const base = appWhy()
  const failing = base.places.map((place) =>
    place.name === 'lobby-3' && place.app !== null
      ? { ...place, state: 'alive' as const, app: { ...place.app, state: 'backoff' as const, reason } }
      : place,
  )
  const two = { ...base.terms, placement: { replicas: 2, needs: ['pin:led'] } }
  const apps = {
    runs: base,
    fails: appWhy({ places: failing }),
    held: appWhy({ placement: base.placement === null ? null : { ...base.placement, held }, terms: two }),
    halted: appWhy({
      head: { ...base.head, halted: { of: 'release', reason: 'it burns the LED' } },
      placement: null,
      places: base.places.map((place) => ({ ...place, isPlaced: false, app: null })),
    }),
    nowhere: appWhy({
      placement: {
        ...(base.placement as NonNullable<typeof base.placement>),
        nodes: [],
        why: 'no node can run it now; this node lacks pin:led',
      },
      places: base.places.map((place) => ({ ...place, isPlaced: false, app: null, lacks: ['pin:led'] })),
    }),
  }

  it.each(Object.entries(apps))('%s, in plain words', async (name, why) => {
    await expect(renderAppWhy(why, view)).toMatchFileSnapshot(`goldens/why-app-${name}.txt`)
  })

  it('takes what a node said before it went for what it was', () => {
    const { placement, places } = base
    const [place] = places.filter(({ app }) => app !== null)
    if (place === undefined || placement === null) throw new Error('nobody runs it')
    const gone = { ...place, isPlaced: false, state: 'left' as const, lacks: [] }
    const said = renderAppWhy(appWhy({ places: [...places, gone] }), view).replaceAll(/\s+/g, ' ')
    expect(said).toMatch(/the node is left, and was running \S+ when it was last heard/)
    expect(said).not.toContain('still running')
  })

  it('says with its exit status whether it runs, is on its way, or does not', () => {
    const well = base.places.filter(({ name }) => name === 'lobby-1')
    expect(appExitCodeOf(appWhy({ places: well }))).toBe(0)
    expect(appExitCodeOf(apps.runs)).toBe(3)
    for (const why of [apps.fails, apps.held, apps.halted, apps.nowhere]) expect(appExitCodeOf(why)).toBe(1)
  })
})
