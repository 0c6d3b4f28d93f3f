/** What can go wrong between a client and its daemon. */
import { defineProblems } from '../../core/index.ts'

export const apiProblems = defineProblems({
  ERR_NODE_NOT_RUNNING: {
    kind: 'user',
    text: 'no daemon answers for this data folder',
    fix: 'start one with `selvedge up --data DIR`, or name the right folder with --data DIR or SELVEDGE_DATA',
  },
  ERR_NODE_FORBIDDEN: {
    kind: 'user',
    text: 'the control socket belongs to another user',
    fix: 'run the command as the user who started the daemon',
  },
  ERR_DATA_IN_USE: {
    kind: 'user',
    text: 'another daemon uses this data folder',
    fix: 'stop it with `selvedge stop --data DIR`, or choose another folder with --data DIR',
  },
  ERR_SOCKET_FOLDER: {
    kind: 'system',
    text: 'the folder for control sockets is not private to this user',
    fix: 'remove that folder (or have its owner remove it), or choose a data folder with a shorter path',
  },
  ERR_SOCKET_LISTEN: {
    kind: 'system',
    text: 'the control socket cannot be opened',
    fix: 'choose a data folder on a file system that has Unix sockets',
  },
  ERR_NODE_URL: {
    kind: 'user',
    text: 'the URL of a node cannot be used',
    fix: 'write the address that the node was given with `selvedge up --deploy`: http://127.0.0.1:PORT, or https://HOST of a proxy before it',
  },
  ERR_NODE_UNREACHABLE: {
    kind: 'system',
    text: 'no node answers at this URL',
    fix: 'see that the node runs with `selvedge up --deploy HOST:PORT`, and that its address can be reached from here',
  },
  ERR_DEPLOY_LISTEN: {
    kind: 'user',
    text: 'the address for build jobs cannot be listened on',
    fix: 'choose another with --deploy HOST:PORT, or end what uses it',
  },
  ERR_DEPLOY_KEY: {
    kind: 'user',
    text: 'a build job’s request is not signed by a key that may publish in this mesh',
    fix: 'use the line that `selvedge trust add-publisher --deploy` printed; a key that was removed or revoked needs a new one',
  },
  ERR_API_TIMEOUT: {
    kind: 'system',
    text: 'the daemon did not answer in time',
    fix: 'look at its log; when the machine is only busy, try again',
  },
  ERR_API_ANSWER: {
    kind: 'system',
    text: 'the daemon’s answer could not be understood',
    fix: 'use the same release of selvedge for the daemon and for its commands',
  },
  ERR_API_ROUTE: {
    kind: 'user',
    text: 'the daemon does not know this request',
    fix: 'use the same release of selvedge for the daemon and for its commands',
  },
  ERR_API_REQUEST: {
    kind: 'user',
    text: 'a request to the daemon has a field that is missing or wrong',
    fix: 'see the fields of each route in the reference of the control API',
  },
  ERR_API_BODY_TOO_LARGE: {
    kind: 'user',
    text: 'the body of a request is over its limit',
    fix: 'make it smaller; a component may have 64 MiB, a signed record 64 KiB',
  },
  ERR_API_BUSY: {
    kind: 'system',
    text: 'the daemon already follows as many logs as it may',
    fix: 'end another `selvedge logs -f` and try again',
  },
  ERR_INTERNAL: {
    kind: 'system',
    text: 'something failed that should not',
    fix: 'this is a fault of selvedge; please report it with the message and the daemon’s log',
  },
})
