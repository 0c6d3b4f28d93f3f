/** A mesh in which something of everything happens: the one that the goldens draw. */
import type { AppStatus, NodeStatus, StatusReport } from '../../../host/api/index.ts'

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
  problems: [
    {
      code: 'ERR_PEER_DEAD',
      message: 'garage-2 is dead since 1 h 2 min',
      hint: 'look at its power and its network',
    },
  ],
}
