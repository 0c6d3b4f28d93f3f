/** A mesh of 300 nodes in 15 halls: most are well, one hall is gone, and here and there somebody needs a look. */
import type { NodeStatus, StatusReport } from '../../../host/api/index.ts'
import { sampleNow, sampleStatus } from '../api/sample-status.ts'

const perHall = 20

function nodeAt(index: number): NodeStatus {
  const hall = Math.floor(index / perHall) + 1
  const place = (index % perHall) + 1
  const app = {
    version: '2.0.0',
    seq: 2,
    state: 'running' as const,
    since: sampleNow - 9_000_000,
    failures: 0,
  }
  const version = place === 20 ? '1.4.1' : '1.4.2'
  const node: NodeStatus = {
    id: `12D3KooWhall${hall}x${place}`,
    name: `hall${hall}-${place}`,
    groups: [`hall-${hall}`],
    roles: [],
    arch: place % 2 === 0 ? 'arm64' : 'x64',
    runtime: 'node 24.1.0',
    state: 'alive',
    why: 'the nodes that watch it hear it',
    stateSince: sampleNow - 9_000_000,
    rttMs: place < 3 ? 2 : null,
    recordAgeMs: 1_000 * place,
    devices: [],
    apps: [
      { ...app, app: 'light-alarm' },
      { ...app, app: 'uplink', version },
    ],
  }
  if (hall === 7) return { ...node, state: 'dead', why: '3 of the 8 nodes that watch it get no answer' }
  if (index === 41)
    return { ...node, state: 'suspect', why: 'its probes get no answer', stateSince: sampleNow - 2_000 }
  if (index === 42) return { ...node, state: 'left', why: 'it said that it leaves' }
  const reason = { code: 'ERR_APP_TRAP', message: 'it trapped: unreachable', hint: 'see its last lines' }
  if (index === 99) {
    return { ...node, apps: [{ ...app, app: 'light-alarm', state: 'backoff', failures: 3, reason }] }
  }
  return node
}

export const status300: StatusReport = {
  ...sampleStatus,
  self: { ...sampleStatus.self, id: '12D3KooWhall3x1', name: 'hall3-1' },
  nodes: Array.from({ length: 300 }, (_, index) => nodeAt(index)),
  attacks: [],
  problems: [],
}
