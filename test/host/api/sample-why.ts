/** Why a node of the sample mesh is what it is, before anything happened to it. */
import type { AppWhy, AskedNode, NodeWhy, WhyVote } from '../../../host/api/index.ts'
import { sampleNow, sampleStatus } from './sample-status.ts'

export const asked: AskedNode = {
  id: '12D3KooWlobby-1',
  name: 'lobby-1',
  state: 'alive',
  why: 'reaches 4 of 4 peers',
  stateSince: sampleNow - 60_000,
  network: 'on',
  counted: 5,
  reached: 5,
}

const nodeOf = (name: string): NodeWhy['node'] => {
  const node = sampleStatus.nodes.find((one) => one.name === name)
  if (node === undefined) throw new Error(`the sample has no ${name}`)
  return node
}

export function vote(name: string, changes: Partial<WhyVote> = {}): WhyVote {
  return {
    observer: `12D3KooW${name}`,
    name,
    verdict: 'suspect',
    evidence: 'no-answer',
    silentMs: 1_400,
    ageMs: 800,
    self: name === asked.name,
    ...changes,
  }
}

/** Of garage-1, which is well; lobby-1 is asked. */
export function nodeWhy(changes: Partial<NodeWhy> = {}, node: Partial<NodeWhy['node']> = {}): NodeWhy {
  return {
    asked,
    node: { ...nodeOf('garage-1'), why: 'answers its probes', apps: [], ...node },
    votes: [],
    watchers: ['lobby-1', 'lobby-2', 'garage-2'].map((name) => ({
      id: `12D3KooW${name}`,
      name,
      state: name === 'garage-2' ? ('dead' as const) : ('alive' as const),
    })),
    probes: {
      isConnected: true,
      heardAgoMs: 300,
      unanswered: 0,
      askedAgoMs: null,
      evidence: null,
      doubtedForMs: null,
      vouchedAgoMs: null,
      isOneWay: false,
      slow: 0,
    },
    word: { kind: 'alive', boot: 4, number: 0, ageMs: 50_000 },
    record: {
      boot: 4,
      number: 7,
      ageMs: 400,
      issuedAt: sampleNow - 400,
      version: '0.1.0',
      addresses: ['/ip4/10.0.0.7/tcp/4001'],
    },
    isTwofold: false,
    history: [],
    alarms: [],
    ...changes,
  }
}

/** Of light-alarm, which runs on two of three nodes. */
export function appWhy(changes: Partial<AppWhy> = {}): AppWhy {
  const placeOf = (name: string, more: Partial<AppWhy['places'][number]>): AppWhy['places'][number] => {
    const { id, groups, state, stateSince, recordAgeMs, apps } = nodeOf(name)
    const app = apps.find(({ app: one }) => one === 'light-alarm') ?? null
    const place = { id, name, groups, state, stateSince, recordAgeMs, app }
    return { ...place, isPlaced: true, isMeant: true, lacks: [], ...more }
  }
  return {
    asked,
    app: 'light-alarm',
    head: {
      app: 'light-alarm',
      seq: 2,
      version: '2.0.0',
      digest: 'd'.repeat(64),
      component: 'e'.repeat(64),
      sizeBytes: 12_390,
      publisher: 'f'.repeat(64),
      signedAt: sampleNow - 90_000,
      receivedAt: sampleNow - 80_000,
      groups: ['lobby'],
      grants: ['pin:led', 'sensor:light'],
      role: 'head',
    },
    terms: {
      grants: ['pin:led', 'sensor:light'],
      groups: ['lobby'],
      triggers: [],
      config: {},
      limits: {},
      quotas: {},
      placement: {},
      instances: {},
      args: [],
    },
    placement: {
      app: 'light-alarm',
      version: '2.0.0',
      seq: 2,
      nodes: ['12D3KooWlobby-1', '12D3KooWlobby-3'],
      instance: null,
      why: 'every node that can runs it',
    },
    places: [
      placeOf('lobby-1', {}),
      placeOf('lobby-3', {}),
      placeOf('lobby-2', { app: null, isPlaced: false, lacks: ['pin:led'] }),
      placeOf('garage-1', { app: null, isPlaced: false, isMeant: false }),
    ],
    ...changes,
  }
}
