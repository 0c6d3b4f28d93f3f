import { defineProblems } from '../../core/index.ts'

export const admissionProblems = defineProblems({
  ERR_ADMISSION_GREETING: {
    kind: 'remote',
    text: 'a peer’s greeting could not be read',
    fix: 'update the older of the two nodes; two adjacent releases work together',
  },
  ERR_ADMISSION_MESH: {
    kind: 'remote',
    text: 'a peer belongs to another mesh',
    fix: 'nothing to do where two meshes share a network; otherwise invite the node into this mesh',
  },
  ERR_ADMISSION_STRANGER: {
    kind: 'remote',
    text: 'a peer showed no credential of its own',
    fix: 'let the node in with `selvedge invite`',
  },
  ERR_ADMISSION_REVOKED: {
    kind: 'remote',
    text: 'a peer was revoked by an admin of the mesh',
    fix: 'nothing to do where that was meant; a revoked node can come back with an empty data folder and a new invite',
  },
  ERR_ADMISSION_TURNED_OUT: {
    kind: 'remote',
    text: 'a member says that this node was revoked, and does not let it in',
    fix: 'ask an admin whether that was meant; this machine can come back with an empty data folder and a new invite, and its apps go on here until then',
  },
  ERR_JOIN_UNREACHABLE: {
    kind: 'remote',
    text: 'no member named in the invite could be reached',
    fix: 'check that the inviting node runs and that this machine can reach one of its addresses, then start again with the same token',
  },
  ERR_JOIN_ANSWER: {
    kind: 'remote',
    text: 'the member answered the application with something unreadable',
    fix: 'update the older of the two nodes, then start again with the same token',
  },
})
