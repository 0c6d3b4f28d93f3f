import { defineProblems } from '../../core/index.ts'

export const releasesProblems = defineProblems({
  ERR_RELEASE_SIGNATURE: {
    kind: 'remote',
    text: 'a release record is not signed, or was altered after it was signed',
    fix: 'publish it again from the machine that has the publisher key; nothing was changed here',
  },
  ERR_RELEASE_STRANGER: {
    kind: 'user',
    text: 'a release record is signed by a key that is no publisher of this mesh',
    fix: 'sign with a publisher key of this mesh ($SELVEDGE_KEYS), or have the roots add this key to the trust bundle',
  },
  ERR_RELEASE_REVOKED: {
    kind: 'remote',
    text: 'a release was revoked, or is of a revoked publisher and not among those still accepted',
    fix: 'publish it again, with a number above the newest that counts, and a key that was not revoked',
  },
  ERR_RELEASE_DELEGATION: {
    kind: 'user',
    text: 'a publisher released an app, or asked for grants, that it was not given',
    fix: 'publish with a key that may do this, or have the roots widen what this publisher may do',
  },
  ERR_RELEASE_MESH: {
    kind: 'user',
    text: 'a release record is meant for another mesh',
    fix: 'publish it at a node of the mesh it was signed for, or sign it again for this one',
  },
  ERR_RELEASE_INVALID: {
    kind: 'user',
    text: 'a release record does not have the form this version reads',
    fix: 'correct the field it names and sign again; update this node where other nodes read it',
  },
  ERR_RELEASE_TOO_LARGE: {
    kind: 'user',
    text: 'a release record or its component is over the size limit',
    fix: 'make the component smaller (strip debug information, optimise for size), then publish again',
  },
  ERR_RELEASE_SEQUENCE: {
    kind: 'user',
    text: 'a release record does not follow the newest one of its app',
    fix: 'publish again: the command asks the node for the newest release and signs one that follows it',
  },
  ERR_RELEASE_APPS: {
    kind: 'system',
    text: 'the mesh has more apps than a node keeps releases of',
    fix: 'release under the name of an app that is there already; the limit is maxApps',
  },
  ERR_RELEASES_UNREAD: {
    kind: 'system',
    text: 'the releases that the node keeps of an app cannot be read from its disk',
    fix: 'check the disk and start the node again; until then it takes no release of that app',
  },
  ERR_RELEASE_FORK: {
    kind: 'remote',
    text: 'two release records of one app have the same sequence number',
    fix: 'find out whether two people published at once or a key was stolen, then publish a release that follows',
  },
})
