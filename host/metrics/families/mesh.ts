/** The node among its peers. No metric names one: who it is, `selvedge status` says. */
import type { MetricFamily } from '../contract.ts'
import { byName, countEach } from '../samples.ts'

/** Every verdict there is: a series that is not there yet cannot be alarmed on. */
const verdicts = ['alive', 'suspect', 'dead', 'left', 'cut-off', 'isolated']

export const meshFamilies: readonly MetricFamily[] = [
  {
    name: 'selvedge_mesh_online',
    help: '1 while the network of the mesh is switched on',
    type: 'gauge',
    read: ({ mesh }) => [{ value: mesh.isOnline ? 1 : 0 }],
  },
  {
    name: 'selvedge_mesh_connected_peers',
    help: 'Peers that are connected and admitted',
    type: 'gauge',
    read: ({ mesh }) => [{ value: mesh.connectedPeers }],
  },
  {
    name: 'selvedge_mesh_members',
    help: 'Members of the mesh by what this node holds of them, itself included',
    type: 'gauge',
    labels: ['verdict'],
    read: ({ mesh }) => countEach(mesh.verdicts, 'verdict', verdicts),
  },
  {
    name: 'selvedge_mesh_releases',
    help: 'Apps of the mesh of which this node knows the newest release',
    type: 'gauge',
    read: ({ mesh }) => [{ value: mesh.releases }],
  },
  {
    name: 'selvedge_mesh_refused_connections_total',
    help: 'Connections that this node did not admit, by the code of the problem',
    type: 'counter',
    labels: ['reason'],
    read: ({ mesh }) => byName(mesh.refusedByUs, 'reason'),
  },
  {
    name: 'selvedge_mesh_refused_by_peers_total',
    help: 'Connections on which a peer did not admit this node',
    type: 'counter',
    read: ({ mesh }) => [{ value: mesh.refusedByThem }],
  },
  {
    name: 'selvedge_mesh_refused_heads_total',
    help: 'Releases and other records from peers that did not stand up to their checks, by kind',
    type: 'counter',
    labels: ['kind'],
    read: ({ mesh }) => byName(mesh.headsRefused, 'kind'),
  },
  {
    name: 'selvedge_mesh_bans_total',
    help: 'Times that a peer was shut out for a while for what it sent',
    type: 'counter',
    read: ({ mesh }) => [{ value: mesh.bans }],
  },
  {
    name: 'selvedge_attacks_total',
    help: 'Signs of attacks that were refused, by the name of the attack',
    type: 'counter',
    labels: ['attack'],
    read: ({ mesh }) => byName(mesh.attacks, 'attack'),
  },
  {
    name: 'selvedge_mesh_blob_received_bytes_total',
    help: 'Bytes of components that came from peers',
    type: 'counter',
    read: ({ mesh }) => [{ value: mesh.blobBytesReceived }],
  },
  {
    name: 'selvedge_mesh_blob_sent_bytes_total',
    help: 'Bytes of components that went to peers',
    type: 'counter',
    read: ({ mesh }) => [{ value: mesh.blobBytesSent }],
  },
  {
    name: 'selvedge_mesh_patch_received_bytes_total',
    help: 'Bytes of patches between releases that came from peers',
    type: 'counter',
    read: ({ mesh }) => [{ value: mesh.patchBytesReceived }],
  },
  {
    name: 'selvedge_mesh_patch_sent_bytes_total',
    help: 'Bytes of patches between releases that went to peers',
    type: 'counter',
    read: ({ mesh }) => [{ value: mesh.patchBytesSent }],
  },
  {
    name: 'selvedge_mesh_patches_total',
    help: 'Patches that this node made for others, and components that it got by one',
    type: 'counter',
    labels: ['outcome'],
    read: ({ mesh }) => [
      { labels: { outcome: 'made' }, value: mesh.patchesMade },
      { labels: { outcome: 'applied' }, value: mesh.patchesApplied },
    ],
  },
  {
    name: 'selvedge_mesh_bytes_total',
    help: 'Bytes of messages to and from peers by protocol, before multiplexing, encryption and packets add theirs',
    type: 'counter',
    labels: ['protocol', 'direction'],
    read: ({ mesh }) =>
      mesh.protocols.flatMap(({ protocol, received, sent }) => [
        { labels: { protocol, direction: 'received' }, value: received.bytes },
        { labels: { protocol, direction: 'sent' }, value: sent.bytes },
      ]),
  },
  {
    name: 'selvedge_mesh_messages_total',
    help: 'Messages to and from peers by protocol',
    type: 'counter',
    labels: ['protocol', 'direction'],
    read: ({ mesh }) =>
      mesh.protocols.flatMap(({ protocol, received, sent }) => [
        { labels: { protocol, direction: 'received' }, value: received.messages },
        { labels: { protocol, direction: 'sent' }, value: sent.messages },
      ]),
  },
  {
    name: 'selvedge_mesh_head_bytes_total',
    help: 'Bytes of messages about releases, nodes and other records by what they are about, of those under the protocol of heads',
    type: 'counter',
    labels: ['kind', 'direction'],
    read: ({ mesh }) =>
      mesh.heads.flatMap(({ kind, receivedBytes, sentBytes }) => [
        { labels: { kind, direction: 'received' }, value: receivedBytes },
        { labels: { kind, direction: 'sent' }, value: sentBytes },
      ]),
  },
]
