/** What can be wrong with the node's own TOML. A driver nobody knows is ERR_DRIVER_UNKNOWN of host/devices. */
import { defineProblems } from '../../core/index.ts'

export const configProblems = defineProblems({
  ERR_CONFIG_INVALID: {
    kind: 'user',
    text: 'the node’s TOML does not say what it should',
    fix: 'correct the named lines and start the node again; nothing was changed',
  },
  ERR_CONFIG_UNREADABLE: {
    kind: 'user',
    text: 'the node’s TOML cannot be read',
    fix: 'check the path given with --config, and that this user may read the file',
  },
})
