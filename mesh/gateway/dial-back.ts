/**
 * "Can you connect to me?", asked of members: the one asked dials the addresses over new connections and says whether
 * the right node answered.
 *
 * It dials nothing that the asker's own record could not make it dial, and not often.
 */
import * as v from 'valibot'
import {
  decodeCbor,
  encodeCbor,
  messageOf,
  within,
  type Cancel,
  type Clock,
  type Log,
} from '../../core/index.ts'
import { isCircuit, parseAddress, type Channel, type NodeId, type Transport } from '../transport/index.ts'
import { gatewayLimits } from './limits.ts'
import { gatewayProblems } from './problems.ts'

export const dialBackProtocol = '/selvedge/dial-back/1'

export interface DialBackParts {
  readonly transport: Transport
  readonly clock: Clock
  readonly log: Log
}

const maxFrameBytes = 4_096
const bounds = { maxBytes: maxFrameBytes, maxDepth: 2, maxItems: 16 }
const request = v.looseObject({
  addresses: v.pipe(
    v.array(v.pipe(v.string(), v.maxLength(256))),
    v.maxLength(gatewayLimits.dialBackAddresses),
  ),
})
const answer = v.looseObject({ reached: v.boolean() })

/**
 * Asks a connected member. @returns whether it reached this node
 * @throws ERR_GATEWAY_REQUEST for an answer that is none, and what the channel throws
 */
export async function askToDialBack(
  { transport }: DialBackParts,
  peer: NodeId,
  addresses: readonly string[],
  signal: AbortSignal,
): Promise<boolean> {
  const channel = await transport.open(peer, dialBackProtocol, signal)
  const onAbort = (): void => channel.close()
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    await channel.send(encodeCbor({ addresses: addresses.slice(0, gatewayLimits.dialBackAddresses) }))
    const bytes = await firstOf(channel)
    return read(answer, bytes).reached
  } finally {
    signal.removeEventListener('abort', onAbort)
    channel.close()
  }
}

/** Answers members that ask. @returns how to stop */
export function serveDialBack(parts: DialBackParts): Cancel {
  const { transport, clock, log } = parts
  const ways = transport.ways
  if (ways === undefined) return () => {}
  const askedMs = new Map<NodeId, number>()
  const serve = async (peer: NodeId, channel: Channel): Promise<void> => {
    try {
      const nowMs = clock.monotonicMs()
      for (const [node, atMs] of askedMs) {
        if (nowMs - atMs >= gatewayLimits.dialBackEveryMs) askedMs.delete(node)
      }
      if (askedMs.has(peer)) return
      askedMs.set(peer, nowMs)
      const limit = { clock, ms: gatewayLimits.askMs }
      const { addresses } = read(request, await within(limit, () => firstOf(channel)))
      const places = addresses.filter((address) => !isCircuit(address)).map(parseAddress)
      const tries = places.map((place) =>
        within({ clock, ms: gatewayLimits.dialBackMs }, (signal) =>
          ways.answersAt(peer, place, signal),
        ).catch(() => false),
      )
      await channel.send(encodeCbor({ reached: await anyTrue(tries) }))
    } catch (error) {
      log.debug('dial-back:failed', { peer, error: messageOf(error) })
    } finally {
      channel.close()
    }
  }
  const limits = { maxFrameBytes, maxStreams: 2 }
  return transport.handle(dialBackProtocol, (peer, channel) => void serve(peer, channel), limits)
}

/** Without waiting for the rest where one is. */
function anyTrue(tries: readonly Promise<boolean>[]): Promise<boolean> {
  const first = tries.map(async (attempt) => {
    if (!(await attempt)) throw new Error('no answer there')
    return true
  })
  return Promise.any(first).catch(() => false)
}

async function firstOf(channel: Channel): Promise<Uint8Array> {
  // Not by `for await`: to leave that closes the channel, and the answer is still to come.
  const { done, value } = await channel.messages[Symbol.asyncIterator]().next()
  if (done !== true) return value
  throw gatewayProblems.error('ERR_GATEWAY_REQUEST', 'the other side hung up')
}

function read<Schema extends v.GenericSchema>(schema: Schema, bytes: Uint8Array): v.InferOutput<Schema> {
  const result = v.safeParse(schema, decodeCbor(bytes, bounds), { abortEarly: true })
  if (result.success) return result.output
  const text = `a message about being dialled back was refused: ${result.issues[0].message}`
  throw gatewayProblems.error('ERR_GATEWAY_REQUEST', text)
}
