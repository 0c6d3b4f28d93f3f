/** What the control API says of trust: drawn from what this node holds, for people and for the commands that sign. */
import {
  digestOfHeads,
  hexOf,
  nodeIdOf,
  publicKeyOf,
  type Mesh,
  type SignedRevocation,
} from '../../mesh/index.ts'
import { maxListedRevocations } from '../api/index.ts'
import type { HeartbeatStatus, KeyFacts, RevocationEntry, TrustReport } from '../api/index.ts'

type TrustHolder = Pick<Mesh, 'trust' | 'releases' | 'credentials' | 'heartbeats' | 'members'>

/** @param nowMs monotonic */
export function trustReport(
  mesh: TrustHolder,
  heartbeat: HeartbeatStatus | null,
  nowMs: number,
): TrustReport {
  const { trust, heartbeats, releases } = mesh
  const { record } = trust.current ?? { record: null }
  const counting = new Set(trust.revoked.counting.map(({ digest }) => digest))
  const all = trust.revocations.all()
  const admins = record?.admins ?? []
  return {
    mesh: trust.meshId,
    name: record?.name ?? '',
    version: record?.version ?? 0,
    threshold: record?.threshold ?? 0,
    roots: (record?.roots ?? []).map(hexOf),
    admins: admins.map((key) => ({ key: hexOf(key), revoked: trust.revoked.isAdminRevoked(key) })),
    publishers: (record?.publishers ?? []).map(({ key, apps, grants }) => {
      return { key: hexOf(key), apps, grants, revoked: trust.revoked.isPublisherRevoked(key) }
    }),
    revocations: all
      .map((revocation) => revocationEntry(revocation, counting.has(revocation.digest)))
      .sort((a, b) => b.at - a.at || (a.digest < b.digest ? -1 : 1))
      .slice(0, maxListedRevocations),
    revocationCount: all.length,
    nodes: mesh.members().map(({ id, name, opinion, held }) => {
      const receivedAtMs = held?.receivedAtMs ?? null
      return {
        id,
        key: hexOf(publicKeyOf(id)),
        name,
        state: opinion.verdict,
        trustVersion: held?.record.report.trust ?? null,
        recordAgeMs: receivedAtMs === null ? null : Math.round(nowMs - receivedAtMs),
      }
    }),
    heartbeat,
    nextHeartbeat: Object.fromEntries(admins.map((key) => [hexOf(key), heartbeats.nextCounter(key)])),
    releases: digestOfHeads(releases.heads()),
    chain: trust.chain().map((bytes) => Buffer.from(bytes).toString('base64')),
  }
}

function revocationEntry({ record, digest, signers }: SignedRevocation, counts: boolean): RevocationEntry {
  const { kind, reason, at } = record
  const of = record.kind === 'release' ? record.release : hexOf(record.key)
  const common = { digest, kind, of, reason, at, signers: signers.map(hexOf), counts }
  return { ...common, text: textOf(record) }
}

function textOf(record: SignedRevocation['record']): string {
  switch (record.kind) {
    case 'node':
      return `node ${nodeIdOf(record.key)}, ${record.nodes.length} that rest on its word stay`
    case 'admin':
      return `admin, ${record.nodes.length} nodes and ${record.revocations.length} revocations of it stay`
    case 'publisher': {
      const apps = Object.keys(record.accepted)
      const stay =
        apps.length === 0 ? 'no release of it stays' : `releases of ${apps.slice(0, 8).join(', ')} stay`
      return `publisher, ${stay}${record.running === 'stop' ? ', and do not run' : ''}`
    }
    case 'release':
      return `release of ${record.app}, ${record.effect === 'stop' ? 'the app stops' : 'the one before it runs'}`
  }
}

/** What rests on a key of any role. */
export function keyFacts(mesh: TrustHolder, key: Uint8Array): KeyFacts {
  const hex = hexOf(key)
  return {
    releases: mesh.releases.lastOf(key).map(({ record, digest }) => {
      return { app: record.app, version: record.version, seq: record.seq, digest }
    }),
    nodes: mesh.credentials
      .restingOn(key)
      // A node's own credential does not keep it in.
      .map(({ node, certificate }) => ({ key: hexOf(publicKeyOf(node)), name: certificate.record.name }))
      .filter((node) => node.key !== hex),
    revocations: mesh.trust.revocations
      .all()
      .filter(({ signers, record }) => {
        return (
          record.kind !== 'admin' &&
          record.kind !== 'publisher' &&
          signers.some((signer) => hexOf(signer) === hex)
        )
      })
      .map(({ digest }) => digest),
  }
}
