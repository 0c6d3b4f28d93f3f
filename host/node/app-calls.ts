/** What people ask of apps through the control API: which functions there are, one call, one request. */
import { isSelvedgeError, messageOf } from '../../core/index.ts'
import type { CallIntent, CallReport, FunctionReport } from '../api/index.ts'
import {
  readDescription,
  readWrittenAnswer,
  shortestName,
  shortName,
  writtenInterface,
  type WrittenCall,
} from '../apps/index.ts'
import { callProblems, traceOf, type CallRequest, type CallRouter } from '../calls/index.ts'
import { isWhole, type HttpResponse } from '../http/index.ts'
import { sampleArguments, shownFunction, witDefinitions, witFunction } from '../values/index.ts'
import { nodeProblems } from './problems.ts'

type Router = Pick<CallRouter, 'invoke' | 'ingressOf'>
type Intent<Kind extends CallIntent['kind']> = Extract<CallIntent, { kind: Kind }>

/** Of a response's body, shown or printed whole. */
const maxBodyBytes = 8 * 1024 * 1024

/**
 * @throws where it came to nothing before anybody was asked; else the report says what was tried
 */
export async function callFor(router: Router, intent: CallIntent): Promise<CallReport> {
  try {
    if (intent.kind === 'list') return await listed(router, intent)
    return intent.kind === 'http' ? await requested(router, intent) : await called(router, intent)
  } catch (error) {
    const trace = traceOf(error)
    if (trace === null || !isSelvedgeError(error)) throw error
    const { code, kind, message, hint } = error
    return { kind: 'failed', error: { code, kind, message, hint }, trace }
  }
}

function toApp({ app, node, deadlineMs, key }: CallIntent): Omit<CallRequest, 'target' | 'args'> {
  return {
    app,
    caller: null,
    ...(node !== undefined && { node }),
    ...(deadlineMs !== undefined && { deadlineMs }),
    ...(key !== undefined && { key }),
  }
}

async function listed(router: Router, intent: Intent<'list'>): Promise<CallReport> {
  const { value } = await router.invoke({ ...toApp(intent), target: `${writtenInterface}#list`, args: [] })
  const described = checked(() => readDescription(value))
  const functions = described.map((found): FunctionReport => {
    const { target, interface: id, signature, docs, about } = found
    return {
      target,
      name: shortName(found),
      type: shownFunction(signature),
      parameters: signature.parameters,
      result: signature.result,
      interface: id,
      short: shortestName(found, described),
      wit: witFunction(signature),
      types: witDefinitions(signature),
      sample: sampleArguments(signature),
      ...(docs !== undefined && { docs }),
      ...(about !== undefined && { about }),
    }
  })
  return { kind: 'list', functions, http: router.ingressOf(intent.app) !== null }
}

async function called(router: Router, intent: Intent<'function'>): Promise<CallReport> {
  const call: WrittenCall = {
    function: intent.function,
    arguments: typeof intent.arguments === 'string' ? intent.arguments : [...intent.arguments],
    form: intent.form,
  }
  const request = { ...toApp(intent), target: `${writtenInterface}#call`, args: [call] }
  const { value, trace } = await router.invoke(request)
  const { target, isError, text } = checked(() => readWrittenAnswer(value))
  return { kind: 'function', target, isError, text, trace }
}

async function requested(router: Router, intent: Intent<'http'>): Promise<CallReport> {
  const { app, method, path, body } = intent
  const ingress = router.ingressOf(app)
  if (ingress === null)
    throw callProblems.error('ERR_CALL_APP', `no app ${app} of this mesh answers requests`)
  if (ingress === 'down') throw callProblems.error('ERR_CALL_NOWHERE', `${app} takes no requests just now`)
  const bytes = body === undefined ? null : new Uint8Array(Buffer.from(body, 'base64'))
  const { status, headers, ...rest } = await ingress.handle({
    method,
    path,
    scheme: 'http',
    authority: 'localhost',
    headers: bytes === null ? [] : ['content-length', String(bytes.length)],
    body: bytes,
  })
  const pairs = headers.flatMap((name, at) => (at % 2 === 0 ? [[name, headers[at + 1] ?? ''] as const] : []))
  return { kind: 'http', status, headers: pairs, body: (await wholeOf(rest.body)).toString('base64') }
}

async function wholeOf(body: HttpResponse['body']): Promise<Buffer> {
  if (isWhole(body)) return typeof body === 'string' ? Buffer.from(body, 'latin1') : Buffer.from(body ?? [])
  const pieces: Uint8Array[] = []
  let size = 0
  for await (const piece of body) {
    size += piece.length
    if (size > maxBodyBytes) {
      const message = `the response has more than ${maxBodyBytes} bytes`
      throw nodeProblems.error('ERR_CALL_RESPONSE', message)
    }
    pieces.push(piece)
  }
  return Buffer.concat(pieces)
}

/** What another node said. */
function checked<Value>(read: () => Value): Value {
  try {
    return read()
  } catch (cause) {
    const message = `the node that was asked answered with something else: ${messageOf(cause)}`
    throw callProblems.error('ERR_CALL_MALFORMED', message, { cause })
  }
}
