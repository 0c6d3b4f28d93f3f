/**
 * Dials the addresses of an invite, each shortly behind the one before: a dozen that stay silent take hardly longer than one,
 * and where the first answers nobody else is troubled.
 */
import { setMaxListeners } from 'node:events'
import { delay, within, type Clock } from '../../core/index.ts'
import type { Channel, Transport } from '../transport/index.ts'

const nothing = (): void => {}
/** Longer than a connection in a local network takes, also on a small machine. */
const gapMs = 1_000

export interface DialParts {
  readonly transport: Pick<Transport, 'openBeforeAdmission'>
  readonly clock: Clock
}

/** What came of one address: its channel, or why there is none. */
type Dialled =
  | { readonly address: string; readonly channel: Channel }
  | { readonly address: string; readonly channel: null; readonly error: unknown }

/**
 * Yields them as they come. Whoever leaves calls off the others, and closes what nobody took; the reader closes what it took.
 * @param dialMs for each; the signal ends them all
 */
export async function* dialInTurn(
  { transport, clock }: DialParts,
  addresses: readonly string[],
  {
    protocol,
    dialMs,
    signal,
  }: { readonly protocol: string; readonly dialMs: number; readonly signal: AbortSignal },
): AsyncGenerator<Dialled, void, undefined> {
  const ends = new AbortController()
  // One for each dial and each wait between two: Node.js warns a person of a leak from the eleventh on.
  setMaxListeners(0, ends.signal)
  const end = (): void => ends.abort(signal.reason)
  if (signal.aborted) end()
  else signal.addEventListener('abort', end, { once: true })
  // null for one that was called off before it began.
  const arrived: (Dialled | null)[] = []
  let wake = nothing
  const dial = async (address: string): Promise<Dialled | null> => {
    if (ends.signal.aborted) return null
    try {
      const open = (late: AbortSignal): ReturnType<Transport['openBeforeAdmission']> =>
        transport.openBeforeAdmission(address, protocol, late)
      const { channel } = await within({ clock, ms: dialMs, signal: ends.signal }, open)
      return { address, channel }
    } catch (error) {
      return { address, channel: null, error }
    }
  }
  let isOver = false
  let goOn = nothing
  const begin = (at: number): void => {
    const address = addresses[at]
    if (address === undefined || isOver) return
    const failed = dial(address).then((one) => {
      if (isOver) return one?.channel?.close()
      arrived.push(one)
      wake()
      return hasChannel(one) ? new Promise<void>(() => {}) : undefined
    })
    const waited = delay(clock, gapMs, ends.signal).catch(() => {})
    const wanted = new Promise<void>((resolve) => (goOn = resolve))
    void Promise.race([failed, waited, wanted]).then(() => begin(at + 1))
  }
  begin(0)
  try {
    for (let left = addresses.length; left > 0; left -= 1) {
      while (arrived.length === 0) await new Promise<void>((resolve) => (wake = resolve))
      const one = arrived.shift() ?? null
      if (one === null) continue
      yield one
      // It was not what the reader looks for.
      goOn()
    }
  } finally {
    isOver = true
    signal.removeEventListener('abort', end)
    ends.abort(new Error('another address has answered'))
    for (const one of arrived) one?.channel?.close()
  }
}

function hasChannel(one: Dialled | null): boolean {
  return one !== null && one.channel !== null
}
