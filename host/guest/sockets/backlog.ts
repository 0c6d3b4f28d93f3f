/** How many connections may wait for a listening socket's guest, of which it may ask for more or fewer. */
import { fail } from './network.ts'

export const defaultBacklog = 128
/** As Linux has it where nobody changed `net.core.somaxconn`. */
const maxBacklog = 4_096

/** @param state of the socket. @throws WitError `invalid-argument`, `invalid-state`, `not-supported` */
export function backlogOf(value: bigint, state: string): number {
  if (value === 0n) throw fail('invalid-argument')
  if (state === 'connecting' || state === 'connected') throw fail('invalid-state')
  if (state === 'listening') throw fail('not-supported')
  return value > BigInt(maxBacklog) ? maxBacklog : Number(value)
}
