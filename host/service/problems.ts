/** What can go wrong when a node becomes a service of its machine. */
import { defineProblems } from '../../core/index.ts'

export const serviceProblems = defineProblems({
  ERR_SERVICE_MANAGER: {
    kind: 'system',
    text: 'no service manager that selvedge knows runs this machine',
    fix: 'see what it would be given with `selvedge service install --print --manager systemd` (or openrc), and translate it',
  },
  ERR_SERVICE_ROOT: {
    kind: 'user',
    text: 'a service of the machine is for root to install',
    fix: 'run it with sudo, or add --user for one of your own',
  },
  ERR_SERVICE_FOREIGN: {
    kind: 'user',
    text: 'there is a service of this name already, and somebody else made it',
    fix: 'use that one, or take it away first',
  },
  ERR_SERVICE_UNREADABLE: {
    kind: 'user',
    text: 'the service could not read what it is to run on',
    fix: 'put Node.js and selvedge where everybody can read them, as /usr/local/lib, or add --user',
  },
  ERR_SERVICE_WORD: {
    kind: 'user',
    text: 'a service file cannot carry what was typed',
    fix: 'leave out quotes, spaces and backslashes',
  },
  ERR_SERVICE_FILE: {
    kind: 'system',
    text: 'a file of the service could not be read or written; everything is as it was',
    fix: 'see the message: a disk that is full or read-only is the usual reason',
  },
  ERR_SERVICE_COMMAND: {
    kind: 'system',
    text: 'a command of the service manager failed; everything is as it was',
    fix: 'see the message; `selvedge service install --dry-run` shows the commands',
  },
  ERR_SERVICE_DOWN: {
    kind: 'system',
    text: 'the service was started and did not stay up; everything is as it was',
    fix: 'start the node by hand to see why: selvedge up --config FILE --data DIR',
  },
  ERR_SERVICE_UNDO: {
    kind: 'system',
    text: 'an installation failed, and not all of it could be taken back',
    fix: 'do what the message names by hand, then try again',
  },
})
