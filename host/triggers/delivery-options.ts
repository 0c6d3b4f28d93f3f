/** What any trigger may say about how its events get to the app: as the signed record has it, and as a person writes it. */
import * as v from 'valibot'
import { durationField } from '../toml/index.ts'
import type { DeliveryPromise, DeliveryTerms } from './contract.ts'

export const deliveryBounds = { attempts: 100, concurrency: 64, batch: 1_000 } as const
const defaultAttempts = 5
const defaultBackoffMs = 500
const defaultWithinMs = 1_000
const hourMs = 3_600_000

const promises = ['at-most-once', 'at-least-once'] as const

function wholeNumber(least: number, most: number): v.GenericSchema<number, number> {
  const range = `must be a whole number from ${least} to ${most}`
  return v.pipe(v.number(range), v.integer(range), v.minValue(least, range), v.maxValue(most, range))
}

/** In the signed record, beside the kind's own. */
export const deliveryEntries = {
  delivery: v.optional(v.picklist(promises, `is no delivery; write "${promises.join('" or "')}"`)),
  attempts: v.optional(wholeNumber(1, deliveryBounds.attempts)),
  backoffMs: v.optional(wholeNumber(10, hourMs)),
  concurrency: v.optional(wholeNumber(1, deliveryBounds.concurrency)),
  batchMost: v.optional(wholeNumber(1, deliveryBounds.batch)),
  batchWithinMs: v.optional(wholeNumber(1, hourMs)),
}
export const deliverySchema = v.object(deliveryEntries)
export type DeliveryOptions = v.InferOutput<typeof deliverySchema>

/** In `selvedge.toml`: `delivery = "at-least-once"`, `batch = { most = 100, within = "1s" }`. */
export const writtenDelivery = {
  delivery: deliveryEntries.delivery,
  /** How often an event is handed over before it becomes a dead letter. */
  attempts: deliveryEntries.attempts,
  /** Before the first retry. */
  backoff: v.optional(durationField('10ms', '1h')),
  /** Events handled at once. */
  concurrency: deliveryEntries.concurrency,
  batch: v.optional(
    v.strictObject({
      most: wholeNumber(1, deliveryBounds.batch),
      within: v.optional(durationField('1ms', '1h')),
    }),
  ),
}
const writtenSchema = v.object(writtenDelivery)
export type WrittenDelivery = v.InferOutput<typeof writtenSchema>

/** The signed form of what was written, without what was not. */
export function deliverySpec({
  delivery,
  attempts,
  backoff,
  concurrency,
  batch,
}: WrittenDelivery): Readonly<Record<string, string | number>> {
  return {
    ...(delivery !== undefined && { delivery }),
    ...(attempts !== undefined && { attempts }),
    ...(backoff !== undefined && { backoffMs: backoff }),
    ...(concurrency !== undefined && { concurrency }),
    ...(batch !== undefined && { batchMost: batch.most }),
    ...(batch?.within !== undefined && { batchWithinMs: batch.within }),
  }
}

/** The kind's say in what its events may be promised. */
export interface DeliveryRules {
  readonly delivery: DeliveryPromise | null
  readonly mayBatch: boolean
}

/** @returns the terms, or in words what is wrong with them: the field, and why */
export function termsOf(
  options: DeliveryOptions,
  { delivery: usual, mayBatch }: DeliveryRules,
): DeliveryTerms | { readonly field: string; readonly why: string } {
  const { attempts, backoffMs, concurrency = 1, batchMost, batchWithinMs } = options
  if (usual === null) {
    const [field] = Object.keys(options)
    if (field !== undefined) return { field, why: 'is nothing that this kind of trigger has; remove it' }
  }
  const promise = options.delivery ?? usual ?? 'at-most-once'
  if (promise === 'at-most-once') {
    const only = 'is only for delivery = "at-least-once"; write that too, or remove it'
    if (attempts !== undefined) return { field: 'attempts', why: only }
    if (backoffMs !== undefined) return { field: 'backoffMs', why: only }
  }
  if (batchMost !== undefined && !mayBatch) {
    return { field: 'batchMost', why: 'is nothing that this kind of trigger has: it has no handler of lists' }
  }
  if (batchMost === undefined && batchWithinMs !== undefined) {
    return { field: 'batchWithinMs', why: 'needs batchMost beside it' }
  }
  return {
    promise,
    attempts: promise === 'at-most-once' ? 1 : (attempts ?? defaultAttempts),
    backoffMs: backoffMs ?? defaultBackoffMs,
    concurrency,
    batch: batchMost === undefined ? null : { most: batchMost, withinMs: batchWithinMs ?? defaultWithinMs },
  }
}
