/** Answers the calls that come from other nodes, with what runs on this one and nothing else: so no call goes in a circle. */
import { isSelvedgeError } from '../../core/index.ts'
import {
  NotStarted,
  type CallAnswer,
  type CallHandler,
  type CallStream,
  type IncomingCall,
} from '../../mesh/index.ts'
import type { AppSupervisor } from '../apps/index.ts'
import { WitError } from '../engine/index.ts'
import { callRules, type CallScope } from './contract.ts'
import type { Directory } from './directory.ts'
import { packFunctionAnswer, readRequestHead } from './heads.ts'
import { answerOf, requestFrom } from './http-call.ts'
import { callProblems } from './problems.ts'
import { isWithin } from './resolver.ts'
import { decodeValue, encodeValue } from './values.ts'

export interface AnsweringNeeds {
  readonly self: string
  readonly directory: Directory
  readonly apps: Pick<AppSupervisor, 'ingressOf' | 'functionsOf'>
}

/** Of an instance that did not come to the call. */
const notBegun = ['ERR_APP_BUSY', 'ERR_APP_NOT_BEGUN'] as const

export function answering(needs: AnsweringNeeds): CallHandler {
  return async (call) => {
    try {
      const head = begun(() => readRequestHead(call.head))
      begun(() => checkScope(needs, head.app, call.peer))
      return head.k === 'http'
        ? await answerHttp(needs, head, call)
        : await answerFunction(needs, head.app, head.target, call)
    } catch (error) {
      if (isSelvedgeError(error, ...notBegun)) throw new NotStarted(error, true)
      throw error
    }
  }
}

/** What is thrown before an app has seen anything of the call. */
function begun<Result>(check: () => Result): Result {
  try {
    return check()
  } catch (error) {
    throw isSelvedgeError(error) ? new NotStarted(error, true) : error
  }
}

/** The caller checked as much; this node goes by its own records. */
function checkScope({ self, directory }: AnsweringNeeds, app: string, peer: string): void {
  const reach: CallScope = directory.find(app)?.policy.scope ?? 'group'
  const scope: CallScope = directory.shareGroup(self, peer) ? 'group' : 'mesh'
  if (isWithin(scope, reach)) return
  const text = `${app} takes calls ${reach === 'node' ? 'of its own node' : 'of its groups'} only, not of ${directory.nameOf(peer)}`
  throw callProblems.error('ERR_CALL_SCOPE', text)
}

async function answerHttp(
  { apps }: AnsweringNeeds,
  head: Parameters<typeof requestFrom>[0],
  { body, hops, signal }: IncomingCall,
): Promise<CallAnswer> {
  const ingress = apps.ingressOf(head.app)
  if (ingress === null || ingress === 'down') throw notHere(head.app)
  return answerOf(await ingress.handle(requestFrom(head, body, signal, hops)))
}

async function answerFunction(
  { apps }: AnsweringNeeds,
  app: string,
  target: string,
  { body, deadlineMs, hops, signal }: IncomingCall,
): Promise<CallAnswer> {
  const functions = apps.functionsOf(app)
  if (functions === null) throw notHere(app)
  const packed = body === null || body instanceof Uint8Array ? body : await whole(body)
  const args = begun(() => (packed === null ? [] : decodeValue(packed)))
  if (!Array.isArray(args)) {
    throw new NotStarted(callProblems.error('ERR_CALL_MALFORMED', 'the arguments are no list'), true)
  }
  const { value, isError, queueMs, runMs } = await functions(target, args as unknown[], {
    deadlineMs,
    hops,
    signal,
  }).then(
    (returned) => ({ ...returned, isError: false }),
    (error: unknown) => {
      if (error instanceof WitError) return { value: error.payload, isError: true, queueMs: 0, runMs: 0 }
      throw error
    },
  )
  return { head: packFunctionAnswer({ isError, queueMs, runMs }), body: encodeValue(value) }
}

/** @throws ERR_CALL_VALUE above the bound of values */
export async function whole(body: CallStream): Promise<Uint8Array> {
  const pieces: Uint8Array[] = []
  let size = 0
  for await (const piece of body.chunks) {
    size += piece.length
    if (size > callRules.valueBytes) {
      throw callProblems.error('ERR_CALL_VALUE', `a value takes more than ${callRules.valueBytes} bytes`)
    }
    pieces.push(piece)
  }
  return new Uint8Array(Buffer.concat(pieces))
}

function notHere(app: string): NotStarted {
  return new NotStarted(callProblems.error('ERR_CALL_NOT_HERE', `${app} does not run here just now`), true)
}
