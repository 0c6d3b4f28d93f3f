/**
 * selvedge:edge/call: functions of other apps, by name. Arguments and results are text, so that a guest of a few KB needs
 * no types for them; the node that runs the called app reads and writes it, as only that one has the types.
 */
import { messageOf } from '../../../core/index.ts'
import { WitError, type BoundFunction, type GuestCaller } from '../../engine/index.ts'
import type { AppContext } from '../context.ts'
import type { InterfaceOffer } from '../offer.ts'
import { callFailure, reserved } from './failure.ts'

/** What the node of the called app answers in its place. */
const writtenCall = 'selvedge:node/functions@0.1.0#call'

interface CallOptions {
  readonly deadlineMs?: number | undefined
  readonly key?: string | undefined
  readonly form: 'wave' | 'json'
}

type CallError =
  | { readonly tag: 'not-granted' | 'timeout' }
  | {
      readonly tag: 'not-found' | 'invalid-arguments' | 'refused' | 'unavailable' | 'failed' | 'returned'
      readonly val: string
    }

export const call: InterfaceOffer = {
  id: 'selvedge:edge/call@0.1.0',
  summary: 'call functions of the granted apps, by name',
  grantKind: 'call',
  bind: (context) => ({
    call: {
      mode: 'call',
      run: ([app, name, args], caller) => perform(context, [app, name, args], { form: 'wave' }, caller),
    },
    'call-with': {
      mode: 'call',
      run: ([app, name, args, options], caller) =>
        perform(context, [app, name, args], optionsOf(options), caller),
    } satisfies BoundFunction,
  }),
}

async function perform(
  { app: self, callees, call: invoke }: AppContext,
  [app, name, args]: readonly unknown[],
  { deadlineMs = Infinity, key, form }: CallOptions,
  caller: GuestCaller | undefined,
): Promise<string> {
  // Of an app that was not granted nobody learns whether it exists.
  if (typeof app !== 'string' || !callees.has(app)) throw fail({ tag: 'not-granted' })
  const terms = reserved(caller, deadlineMs)
  let value: unknown
  try {
    const request = { function: String(name), arguments: String(args), form }
    const answer = await invoke({
      app,
      target: writtenCall,
      args: [request],
      caller: self,
      ...terms,
      ...(key !== undefined && { key }),
    })
    value = answer.value
  } catch (error) {
    const { tag, message } = callFailure(error)
    throw fail(tag === 'timeout' ? { tag } : { tag, val: message })
  }
  return textOf(value)
}

/** What the other node said, which is checked like all that comes from one. */
function textOf(value: unknown): string {
  const { isError, text } = (value ?? {}) as { readonly isError?: unknown; readonly text?: unknown }
  if (typeof isError !== 'boolean' || typeof text !== 'string')
    throw fail({ tag: 'failed', val: 'the node that was asked answered with something else' })
  if (isError) throw fail({ tag: 'returned', val: text })
  return text
}

/** A guest may declare the function with other types than WIT's: what it passes is looked at like any input. */
function optionsOf(value: unknown): CallOptions {
  if (typeof value !== 'object' || value === null) throw new TypeError('the options are no record')
  const { deadlineMs, key, form } = value as Readonly<Record<string, unknown>>
  if (form !== 'wave' && form !== 'json') throw new TypeError(`the form is ${messageOf(form)}`)
  return {
    form,
    deadlineMs: typeof deadlineMs === 'number' ? deadlineMs : undefined,
    key: typeof key === 'string' ? key : undefined,
  }
}

function fail(error: CallError): WitError {
  return new WitError(error)
}
