/**
 * Admission: the one exchange that comes before all others on a connection.
 *
 * Both sides at once: send a greeting, judge the other's, send the verdict. A node is through when it has sent
 * *and* received a welcome, so neither side believes in a membership that the other denies. The peer id the
 * greeting is judged against is the one noise has authenticated.
 */
import {
  decodeCbor,
  encodeCbor,
  isSelvedgeError,
  messageOf,
  SelvedgeError,
  type Clock,
} from '../../core/index.ts'
import { transportLimits, type AdmissionGate, type Channel, type NodeId } from './contract.ts'
import { transportProblems } from './problems.ts'

export const admissionProtocol = '/selvedge/admission/1'
/** A greeting and a little around it. */
export const admissionFrameBytes = transportLimits.greetingBytes + 1024

const maxRefusalText = 512
const codePattern = /^ERR_[A-Z0-9_]{1,60}$/

/** Where an exchange ended without a welcome; `by` says who refused. */
export class AdmissionRefusal extends Error {
  override readonly name = 'AdmissionRefusal'
  readonly by: 'us' | 'them'
  readonly error: SelvedgeError

  constructor(by: 'us' | 'them', error: SelvedgeError) {
    super(error.message, { cause: error })
    this.by = by
    this.error = error
  }
}

type Message =
  | { readonly t: 'hello'; readonly greeting: Uint8Array }
  | { readonly t: 'welcome' }
  | { readonly t: 'refused'; readonly code: string; readonly message: string }

/**
 * Runs the exchange to its end; the same on both sides.
 * @param onApproved called when our own gate let the peer in, before its verdict on us is known
 * @throws AdmissionRefusal, or whatever the channel throws
 */
export async function runAdmission(options: {
  readonly peer: NodeId
  readonly channel: Channel
  readonly gate: AdmissionGate
  readonly clock: Clock
  readonly onApproved: () => void
}): Promise<void> {
  const { peer, channel, clock } = options
  let isLate = false
  const cancel = clock.after(transportLimits.admissionMs, () => {
    isLate = true
    channel.close()
  })
  try {
    await exchange(options)
  } catch (error) {
    if (!isLate || error instanceof AdmissionRefusal) throw error
    throw transportProblems.error('ERR_ADMISSION_PROTOCOL', `${peer} did not finish admission in time`, {
      cause: error,
    })
  } finally {
    cancel()
    channel.close()
  }
}

async function exchange(options: Parameters<typeof runAdmission>[0]): Promise<void> {
  const { peer, channel, gate, onApproved } = options
  const incoming = channel.messages[Symbol.asyncIterator]()
  await channel.send(encodeCbor({ t: 'hello', greeting: await gate.greet(peer) }))
  const hello = await nextMessage(incoming, peer)
  if (hello.t === 'refused') throw refusedByThem(peer, hello)
  if (hello.t !== 'hello') throw protocolError(peer, `it began with "${hello.t}"`)
  try {
    await gate.check(peer, hello.greeting)
  } catch (error) {
    const refusal = asSelvedgeError(error, peer)
    const { code, message } = refusal
    await channel
      .send(encodeCbor({ t: 'refused', code, message: message.slice(0, maxRefusalText) }))
      .catch(() => {})
    throw new AdmissionRefusal('us', refusal)
  }
  onApproved()
  await channel.send(encodeCbor({ t: 'welcome' }))
  const verdict = await nextMessage(incoming, peer)
  if (verdict.t === 'refused') throw refusedByThem(peer, verdict)
  if (verdict.t !== 'welcome') throw protocolError(peer, `it answered "${verdict.t}" where a verdict was due`)
}

async function nextMessage(incoming: AsyncIterator<Uint8Array>, peer: NodeId): Promise<Message> {
  const { done, value } = await incoming.next()
  if (done === true) throw protocolError(peer, 'it hung up')
  let decoded: unknown
  try {
    decoded = decodeCbor(value, { maxBytes: admissionFrameBytes, maxDepth: 2, maxItems: 8 })
  } catch (error) {
    throw protocolError(peer, messageOf(error), error)
  }
  const { t, greeting, code, message } = (decoded ?? {}) as Record<string, unknown>
  if (t === 'hello' && greeting instanceof Uint8Array && greeting.length <= transportLimits.greetingBytes) {
    return { t, greeting }
  }
  if (t === 'welcome') return { t }
  if (t === 'refused' && typeof code === 'string' && codePattern.test(code) && typeof message === 'string') {
    return { t, code, message: printable(message) }
  }
  throw protocolError(peer, 'it sent a message of no known form')
}

function refusedByThem(peer: NodeId, refusal: { code: string; message: string }): AdmissionRefusal {
  const text = `${peer} did not admit this node: ${refusal.message} [${refusal.code}]`
  const cause = new SelvedgeError(refusal.code, 'remote', refusal.message, '')
  return new AdmissionRefusal('them', transportProblems.error('ERR_ADMISSION_REFUSED', text, { cause }))
}

function protocolError(peer: NodeId, what: string, cause?: unknown): SelvedgeError {
  return transportProblems.error('ERR_ADMISSION_PROTOCOL', `admission with ${peer} failed: ${what}`, {
    cause,
  })
}

function asSelvedgeError(error: unknown, peer: NodeId): SelvedgeError {
  if (isSelvedgeError(error)) return error
  return transportProblems.error(
    'ERR_ADMISSION_PROTOCOL',
    `${peer} could not be checked: ${messageOf(error)}`,
    {
      cause: error,
    },
  )
}

/** A peer's words end up on a terminal. */
function printable(text: string): string {
  return text.slice(0, maxRefusalText).replace(/[^\P{C}\n]/gu, '')
}
