/**
 * `kind = "start"`: runs the app's command once, as soon as an instance can: a program of Go, C or Rust with a `main`.
 * It runs again when the node starts, with a new release, and, with the app's backoff, after it failed.
 */
import * as v from 'valibot'
import type { TriggerKind } from '../contract.ts'

export const startTrigger: TriggerKind<Record<string, never>> = {
  kind: 'start',
  summary: 'runs the app’s command once, when it starts',
  written: {},
  toSpec: () => ({}),
  fromOption: () => ({}),
  options: v.strictObject({}),
  handlers: ['wasi:cli/run@0.2.12'],
  method: 'run',
  firesAtStart: true,
  delivery: null,
  requiredGrants: () => [],
  args: () => [],
  start: () => ({ stop() {} }),
}
