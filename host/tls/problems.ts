/** What can be wrong with the files that TLS to a server is made with. */
import { defineProblems } from '../../core/index.ts'

export const tlsProblems = defineProblems({
  ERR_TLS_FILE: {
    kind: 'user',
    text: 'a file with certificates or a key cannot be used',
    fix: 'name PEM files: ca with the certificates to trust, certificate and key for this node’s own; they are read again for each connection',
  },
})
