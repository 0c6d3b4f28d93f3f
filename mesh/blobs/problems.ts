import { defineProblems } from '../../core/index.ts'

export const blobsProblems = defineProblems({
  ERR_BLOB_SIZE: {
    kind: 'user',
    text: 'a component is empty or over the size limit',
    fix: 'check that the file is the built component; strip debug information or optimise for size, then publish again',
  },
  ERR_BLOB_DIGEST: {
    kind: 'remote',
    text: 'bytes do not have the digest they were handed over with',
    fix: 'nothing to do: they were thrown away; the node asks another peer',
  },
  ERR_CHUNK_LIST: {
    kind: 'remote',
    text: 'the list of chunks that a release names cannot be used',
    fix: 'publish the component again; update this node where other nodes can read the list',
  },
  ERR_BLOB_MISMATCH: {
    kind: 'remote',
    text: 'the chunks of a release add up to other bytes than the release was signed over',
    fix: 'publish the component again; the release that runs now keeps running',
  },
  ERR_BLOB_STORE: {
    kind: 'system',
    text: 'the disk does not take, or does not give back, what is written to it',
    fix: 'check the disk or memory card of this node; it fetches the component again when it can be trusted',
  },
  ERR_BLOB_QUOTA: {
    kind: 'system',
    text: 'components may take no more room on this disk',
    fix: "raise `size` under [components] in the node's TOML and start the node again; until then what runs keeps running, and other components get the room",
  },
  ERR_BLOB_PROTOCOL: {
    kind: 'remote',
    text: 'a peer sent a message of the blob exchange that cannot be read',
    fix: 'check that both nodes run this or the adjacent release',
  },
  ERR_BLOB_ENDLESS: {
    kind: 'remote',
    text: 'a peer sends blobs that nobody asked it for',
    fix: 'nothing to do: it was disconnected for a while; look at that node if it happens again',
  },
  ERR_FETCH_LIMIT: {
    kind: 'system',
    text: 'too many components are being fetched at once',
    fix: 'nothing to do: the node tries again when others have arrived',
  },
  ERR_BLOBS_STOPPED: {
    kind: 'system',
    text: 'the blob exchange is not running',
    fix: 'nothing to do: fetches go on from what is on the disk when the node runs again',
  },
})
