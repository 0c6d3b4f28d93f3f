/** A mesh in which something of everything happens: the one that the goldens draw. */
import type { AppStatus, AuditLine, NodeStatus, StatusReport, TrustReport } from '../../../host/api/index.ts'

/** The time of the goldens. */
export const sampleNow = 1_700_000_060_000

const running: AppStatus = {
  app: 'light-alarm',
  version: '2.0.0',
  seq: 2,
  state: 'running',
  since: sampleNow - 50_000,
  failures: 0,
}

const uplink: AppStatus = { ...running, app: 'uplink', version: '1.4.1', seq: 7 }

function node(name: string, changes: Partial<NodeStatus>): NodeStatus {
  return {
    id: `12D3KooW${name}`,
    name,
    groups: ['lobby'],
    roles: [],
    arch: 'x64',
    runtime: 'node 24.1.0',
    state: 'alive',
    why: 'answers probes',
    stateSince: sampleNow - 50_000,
    rttMs: 3,
    recordAgeMs: 400,
    devices: [],
    apps: [running],
    ...changes,
  }
}

export const sampleStatus: StatusReport = {
  mesh: { id: `7q2f${'0'.repeat(60)}`, name: 'harbor', trustVersion: 3 },
  self: {
    id: '12D3KooWlobby-1',
    name: 'lobby-1',
    version: '0.1.0',
    network: 'on',
    addresses: ['/ip4/127.0.0.1/tcp/4001/p2p/12D3KooWlobby-1'],
    startedAt: sampleNow - 60_000,
  },
  nodes: [
    node('lobby-1', { rttMs: null, recordAgeMs: null, arch: 'arm64', apps: [running, uplink] }),
    node('lobby-2', {
      apps: [running, { ...uplink, next: { version: '1.4.2', seq: 8, state: 'fetching', progress: 0.634 } }],
    }),
    node('lobby-3', {
      arch: 'mips64el',
      state: 'suspect',
      why: '2 of 3 watchers get no answer',
      stateSince: sampleNow - 4_000,
      recordAgeMs: 5_200,
      apps: [{ ...running, version: '1.0.0', seq: 1 }],
    }),
    node('garage-1', { groups: ['garage'], arch: 'arm', rttMs: 31.4 }),
    node('garage-2', {
      groups: ['garage'],
      arch: 'arm',
      state: 'dead',
      why: 'lobby-1: connection refused',
      stateSince: sampleNow - 3_720_000,
      rttMs: null,
      recordAgeMs: 3_725_000,
    }),
    node('roof-1', {
      groups: [],
      apps: [
        {
          ...running,
          state: 'backoff',
          failures: 3,
          reason: {
            code: 'ERR_APP_TRAP',
            message: 'light-alarm 2.0.0 trapped: unreachable',
            hint: 'see its last lines with `selvedge logs light-alarm`',
          },
        },
      ],
    }),
  ],
  heartbeat: {
    state: 'fresh',
    admin: '1b'.repeat(32),
    counter: 12,
    at: sampleNow - 240_000,
    everyMs: 3_600_000,
    ageMs: 240_000,
  },
  attacks: [
    {
      attack: 'wrong-bytes',
      peer: '12D3KooWgarage-2',
      name: 'garage-2',
      count: 3,
      lastAgoMs: 4_000,
      detail: 'blobs: it sent other bytes',
    },
    {
      attack: 'before-admission',
      peer: '12D3KooWstranger',
      name: null,
      count: 1,
      lastAgoMs: 90_000,
      detail: 'it asked for heads',
    },
  ],
  components: { usedBytes: 1_200_000, quotaBytes: 32_000_000, evictedBytes: 4_000_000 },
  problems: [
    {
      code: 'ERR_PEER_DEAD',
      message: 'garage-2 is dead since 1 h 2 min',
      hint: 'look at its power and its network',
    },
  ],
}

/** Whom that mesh believes, with something of everything. */
export const sampleTrust: TrustReport = {
  mesh: sampleStatus.mesh.id,
  name: 'harbor',
  version: 3,
  threshold: 1,
  roots: ['0a'.repeat(32)],
  admins: [
    { key: '1b'.repeat(32), revoked: false },
    { key: '2c'.repeat(32), revoked: true },
  ],
  publishers: [
    { key: 'f'.repeat(64), apps: ['light-*'], grants: ['sensor:*', 'pin:led'], revoked: false },
    { key: '3d'.repeat(32), apps: ['*'], grants: [], revoked: true },
  ],
  revocations: [
    {
      digest: '4e'.repeat(32),
      kind: 'publisher',
      of: '3d'.repeat(32),
      text: 'publisher, releases of uplink stay',
      reason: 'left the company',
      at: sampleNow - 7_200_000,
      signers: ['0a'.repeat(32)],
      counts: true,
    },
  ],
  revocationCount: 1,
  nodes: [
    {
      id: '12D3KooWlobby-1',
      key: '51'.repeat(32),
      name: 'lobby-1',
      state: 'alive',
      trustVersion: 3,
      recordAgeMs: 0,
    },
    {
      id: '12D3KooWlobby-2',
      key: '52'.repeat(32),
      name: 'lobby-2',
      state: 'alive',
      trustVersion: 2,
      recordAgeMs: 400,
    },
    {
      id: '12D3KooWroof-1',
      key: '53'.repeat(32),
      name: 'roof-1',
      state: 'dead',
      trustVersion: null,
      recordAgeMs: null,
    },
  ],
  heartbeat: {
    state: 'fresh',
    admin: '1b'.repeat(32),
    counter: 12,
    at: sampleNow - 240_000,
    everyMs: 3_600_000,
    ageMs: 240_000,
  },
  nextHeartbeat: { ['1b'.repeat(32)]: 13 },
  releases: '6f'.repeat(32),
  chain: [],
}

const entry: AuditLine = {
  seq: 7,
  at: sampleNow - 120_000,
  boot: 2,
  uptimeMs: 5_000,
  kind: 'taken',
  what: 'release',
  text: 'light-alarm 2.0.0 (number 2)',
  signers: ['f'.repeat(64)],
  from: '12D3KooWlobby-2',
  code: null,
  attack: null,
  count: 1,
  lastAt: sampleNow - 120_000,
}

export const sampleAudit: readonly AuditLine[] = [
  { ...entry, seq: 6, what: 'trust', text: 'trust version 3', signers: ['0a'.repeat(32)], from: null },
  entry,
  {
    ...entry,
    seq: 8,
    kind: 'refused',
    text: 'uplink asks for pin:door, which its publisher may not give',
    from: '12D3KooWgarage-1',
    code: 'ERR_RELEASE_DELEGATION',
    attack: 'beyond-delegation',
    count: 3,
    lastAt: sampleNow - 60_000,
  },
]
