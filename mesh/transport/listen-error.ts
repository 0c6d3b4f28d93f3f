/** Why a node cannot listen where it was told to, in words for a person. */
import { messageOf } from '../../core/index.ts'
import { transportProblems } from './problems.ts'

/** What a failed start means to a person. */
export function listenError(error: unknown, listen: readonly string[]): unknown {
  // libp2p folds the system errors of all listeners into one text.
  const text = messageOf(error)
  const place = /(EADDRINUSE|EADDRNOTAVAIL|EACCES|ENOTFOUND)[^\n]*?(\S+:\d+)?\s*$/m.exec(text)
  if (place === null) return error
  const where = place[2] ?? listen.join(', ')
  switch (place[1]) {
    case 'EADDRINUSE':
      return transportProblems.error('ERR_PORT_IN_USE', `another program listens on ${where}`, {
        cause: error,
      })
    case 'EACCES':
      return transportProblems.error('ERR_ADDRESS', `this user may not listen on ${where}`, {
        cause: error,
        hint: 'choose a port over 1023 with --listen',
      })
    default:
      return transportProblems.error('ERR_ADDRESS', `this machine has no address ${where}`, {
        cause: error,
        hint: 'listen on 0.0.0.0 or on an address that `ip addr` shows',
      })
  }
}
