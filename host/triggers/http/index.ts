/**
 * `kind = "http"`: the node's HTTP server hands the app the requests for it. They are not events: each has somebody
 * who waits for its answer, so they take a way of their own (host/apps/ingress.ts) and are neither numbered nor
 * queued here.
 */
import * as v from 'valibot'
import { incomingHandlerId } from '../../guest/http/index.ts'
import { asyncHandlerId, httpHandlerId } from '../../http/index.ts'
import type { TriggerKind } from '../contract.ts'

export const httpTriggerKind = 'http'

export const httpTrigger: TriggerKind<Record<string, never>> = {
  kind: httpTriggerKind,
  summary: 'requests to /APP/… of the node, or to a host name of the app',
  written: {},
  toSpec: () => ({}),
  fromOption: () => ({}),
  options: v.strictObject({}),
  handlers: [incomingHandlerId, asyncHandlerId, httpHandlerId],
  method: 'handle',
  delivery: null,
  requiredGrants: () => [],
  args: () => [],
  start: () => ({ stop() {} }),
}
