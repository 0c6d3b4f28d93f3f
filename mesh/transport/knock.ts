/**
 * A knock at a node's port over a TCP connection of its own: what answers there, the process, its host alone, or nobody?
 *
 * The host of a process that stands still takes connections for it and nothing is said on them. A running node answers
 * the opening line of every libp2p connection (multistream-select) before anything is proved, so that is all that is sent.
 */
import { connect } from 'node:net'
import type { Clock } from '../../core/index.ts'

/** `frozen`: the host takes the connection, nobody speaks on it. `refused`: nothing listens there. `silent`: no answer at all. */
export type KnockAnswer = 'speaks' | 'frozen' | 'refused' | 'silent'

export const knockLimits = {
  /** The first packet is sent again after a second; one that was not answered by then is as good as lost. */
  connectMs: 1_200,
  /** A process that runs answers within its round trip; this is what a busy one is given. */
  answerMs: 700,
} as const

/** Its length, then the text: https://github.com/multiformats/multistream-select. */
const opening = new TextEncoder().encode('\u0013/multistream/1.0.0\n')

/** @returns within two seconds, `silent` where it was called off */
export function knock(
  { host, port }: { readonly host: string; readonly port: number },
  clock: Clock,
  signal: AbortSignal,
): Promise<KnockAnswer> {
  return new Promise((resolve) => {
    const socket = connect({ host, port })
    let isTaken = false
    let cancel = clock.after(knockLimits.connectMs, () => end('silent'))
    const onAbort = (): void => end('silent')
    const end = (answer: KnockAnswer): void => {
      cancel()
      signal.removeEventListener('abort', onAbort)
      socket.destroy()
      resolve(answer)
    }
    socket.once('connect', () => {
      isTaken = true
      cancel()
      cancel = clock.after(knockLimits.answerMs, () => end('frozen'))
      socket.write(opening)
    })
    // Whoever hangs up acts as well.
    socket.once('data', () => end('speaks'))
    socket.once('end', () => end('speaks'))
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (isTaken) end('speaks')
      else end(error.code === 'ECONNREFUSED' ? 'refused' : 'silent')
    })
    signal.addEventListener('abort', onAbort, { once: true })
    if (signal.aborted) onAbort()
  })
}
