/**
 * Redeeming an invite, both sides: the one conversation that a stranger may have with a member.
 *
 * One frame each way on `/selvedge/join/1`. The newcomer sends its application (invite and certificate); the
 * member answers with a receipt, the trust bundles so far, and the vouchers behind its own credential, so that
 * the newcomer can check all of it against the mesh id in its token.
 */
import {
  decodeCbor,
  encodeCbor,
  isSelvedgeError,
  messageOf,
  SelvedgeError,
  within,
  type Log,
  type ProblemKind,
} from '../../core/index.ts'
import type { AdmissionDesk, CredentialBook, Invite, TrustStore } from '../identity/index.ts'
import type { Channel, NodeId, Transport } from '../transport/index.ts'
import { dialInTurn, type DialParts } from './dials.ts'
import { admissionProblems } from './problems.ts'

export const joinProtocol = '/selvedge/join/1'
const maxFrameBytes = 1024 * 1024
/** Applications judged at once. */
const maxApplications = 8
/** Who has connected and not yet applied; the longest waiting makes room, so that silence keeps nobody out. */
const maxSilent = 32
/** A member has to take the connection and answer within this time; whatever the network says of it meanwhile. */
const answerMs = 15_000
/**
 * How often an address is dialled that could not be reached in time. On a small machine the first handshake of a process
 * runs code that was never run before, and may miss a time that is long for the next.
 */
const dialRounds = 3
/** The kinds a refusal may have. */
const kinds: ReadonlySet<string> = new Set(['user', 'system', 'remote'] satisfies ProblemKind[])

/** What a member gives a newcomer. */
export interface Welcome {
  readonly receipt: Uint8Array
  /** The trust bundles, version 1 first. */
  readonly trust: readonly Uint8Array[]
  /** Credentials from the member up to an admin. */
  readonly vouchers: readonly Uint8Array[]
}

export interface JoinServerOptions {
  readonly transport: Transport
  readonly desk: AdmissionDesk
  readonly trust: TrustStore
  readonly credentials: CredentialBook
  readonly log: Log
  /** Called with the complete credential of a node just let in. */
  onJoined(credential: Uint8Array): void
  /** Called with why a stranger's application was refused. */
  onRefused?(peer: NodeId, error: SelvedgeError): void
}

/** Answers applications, a few at a time. @returns how to stop */
export function serveJoins(options: JoinServerOptions): () => void {
  const { transport, desk, trust, credentials, log } = options
  let open = 0
  const silent = new Map<NodeId, Channel>()
  const speaks = async (peer: NodeId, channel: Channel): Promise<Uint8Array | null> => {
    silent.get(peer)?.close()
    // Deleted first: a Map keeps the place of a key that is set again.
    silent.delete(peer)
    silent.set(peer, channel)
    for (const [oldest, waiting] of silent) {
      if (silent.size <= maxSilent) break
      waiting.close()
      silent.delete(oldest)
    }
    const frame = await firstFrame(channel).finally(() => {
      if (silent.get(peer) === channel) silent.delete(peer)
    })
    return open < maxApplications ? frame : null
  }
  return transport.handleBeforeAdmission(
    joinProtocol,
    (peer, channel) => {
      const answer = async (): Promise<void> => {
        const application = await speaks(peer, channel)
        // Who was turned out has nobody's trust to give.
        if (application === null || !credentials.isMember(transport.self)) return
        open += 1
        try {
          const { receipt, credential } = await desk.redeem(application, peer)
          const welcome = {
            v: 1,
            receipt,
            trust: trust.chain(),
            vouchers: credentials.chainFor(transport.self),
          }
          await channel.send(encodeCbor(welcome))
          log.info('join:admitted', { peer })
          options.onJoined(credential)
        } catch (error) {
          if (!isSelvedgeError(error)) throw error
          options.onRefused?.(peer, error)
          log.warn('join:refused', { peer, code: error.code, message: error.message })
          const { code, kind, message, hint } = error
          await channel.send(encodeCbor({ v: 1, error: { code, kind, message, hint } }))
        } finally {
          open -= 1
        }
      }
      answer()
        .catch((error: unknown) => log.warn('join:failed', { peer, error: messageOf(error) }))
        .finally(() => channel.close())
    },
    { maxFrameBytes },
  )
}

/**
 * Hands an application to the first member that answers. Asking the next where one stayed silent is safe: a member
 * gives the same node the same receipt, and of two receipts every node settles on one.
 * @throws ERR_JOIN_UNREACHABLE naming each address and why, ERR_JOIN_ANSWER, or the member's refusal
 *   (ERR_TOKEN_USED, ERR_TOKEN_EXPIRED …)
 */
export async function askToJoin(
  parts: DialParts,
  invite: Invite,
  application: Uint8Array,
  signal: AbortSignal,
): Promise<Welcome> {
  const failures = new Map<string, string>()
  let left = invite.record.addresses
  for (let round = 0; round < dialRounds && left.length > 0; round += 1) {
    const late: string[] = []
    const how = { protocol: joinProtocol, dialMs: answerMs, signal }
    for await (const dialled of dialInTurn(parts, left, how)) {
      const { address, channel } = dialled
      if (channel === null) {
        const { error } = dialled
        failures.set(address, messageOf(error))
        if (isSelvedgeError(error, 'ERR_DIAL_TIMEOUT', 'ERR_DIAL_UNREACHABLE')) late.push(address)
        continue
      }
      const answer = await ask(parts, channel, application, signal).catch((error: unknown) => {
        failures.set(address, messageOf(error))
      })
      if (answer instanceof Uint8Array) return readWelcome(answer)
      if (answer === null) failures.set(address, 'closed without an answer')
    }
    left = late
  }
  if (failures.size === 0) signal.throwIfAborted()
  throw admissionProblems.error(
    'ERR_JOIN_UNREACHABLE',
    `no member of the mesh answered: ${[...failures].map(([address, why]) => `${address}: ${why}`).join('; ')}`,
  )
}

/** Closes the channel in every case. */
async function ask(
  { clock }: Pick<DialParts, 'clock'>,
  channel: Channel,
  application: Uint8Array,
  signal: AbortSignal,
): Promise<Uint8Array | null> {
  try {
    return await within({ clock, ms: answerMs, signal }, async () => {
      await channel.send(application)
      return firstFrame(channel)
    })
  } finally {
    channel.close()
  }
}

/** Not by `for await`: leaving such a loop closes the channel, and the answer is still to be sent. */
async function firstFrame(channel: Channel): Promise<Uint8Array | null> {
  const { done, value } = await channel.messages[Symbol.asyncIterator]().next()
  return done === true ? null : value
}

function readWelcome(bytes: Uint8Array): Welcome {
  let value: unknown
  try {
    value = decodeCbor(bytes, { maxBytes: maxFrameBytes, maxDepth: 3, maxItems: 1_024 })
  } catch (cause) {
    throw admissionProblems.error('ERR_JOIN_ANSWER', `the answer is not readable: ${messageOf(cause)}`, {
      cause,
    })
  }
  const { v, error, receipt, trust, vouchers } = (value ?? {}) as Record<string, unknown>
  if (v === 1 && error !== undefined) throw readRefusal(error)
  if (v !== 1 || !(receipt instanceof Uint8Array) || !isBytesList(trust) || !isBytesList(vouchers)) {
    throw admissionProblems.error('ERR_JOIN_ANSWER', 'the answer is of a version this node does not read')
  }
  return { receipt, trust, vouchers }
}

function readRefusal(value: unknown): Error {
  const { code, kind, message, hint } = (value ?? {}) as Record<string, unknown>
  const texts = [code, kind, message, hint]
  const isReadable = texts.every((text) => typeof text === 'string' && text.length <= 2_000)
  if (!isReadable || !/^ERR_[A-Z_]+$/.test(String(code)) || !kinds.has(String(kind))) {
    return admissionProblems.error('ERR_JOIN_ANSWER', 'the member refused without a readable reason')
  }
  // What a peer sends may end on a person's terminal: no control characters.
  const [safeCode, safeKind, safeMessage, safeHint] = texts.map((text) =>
    String(text).replace(/\p{Cc}/gu, ' '),
  ) as [string, string, string, string]
  return new SelvedgeError(safeCode, safeKind as ProblemKind, safeMessage, safeHint)
}

function isBytesList(value: unknown): value is Uint8Array[] {
  return Array.isArray(value) && value.every((item) => item instanceof Uint8Array)
}
