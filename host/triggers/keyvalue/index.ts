/**
 * `kind = "keyvalue"`: an event when a key of a granted bucket is set or deleted, by whom ever.
 *
 * Where the store keeps a feed, what changed is read from the store itself, from where the trigger got to: nothing is
 * missed, whatever stopped meanwhile. Of several changes of a key that come before the event is made only the last one
 * makes one. Where the store keeps none (another machine's may not), what changes while the app is down is not told.
 */
import * as v from 'valibot'
import { every, type SelvedgeError } from '../../../core/index.ts'
import type { ChangeFeed, KeyChange } from '../../storage/index.ts'
import type { RunningTrigger, TriggerContext, TriggerKind } from '../contract.ts'
import { nameField, said } from '../fields.ts'
import { triggerProblems } from '../problems.ts'
import { Pursuit } from '../pursuit.ts'
import { fits, patternField } from '../text-pattern.ts'

const moments = ['set', 'delete', 'any'] as const
const on = v.optional(v.picklist(moments, `is no change; write "${moments.join('", "')}"`))
const options = v.strictObject({
  bucket: nameField,
  /** Only keys that fit; all where it is not said. */
  keys: v.optional(patternField),
  /** `any` where it is not said. */
  on,
})
type KeyOptions = v.InferOutput<typeof options>

type KeyPayload = {
  readonly kind: KeyChange['kind']
  readonly bucket: string
  readonly key: string
  readonly version: number
}

/** Changes that are read at once. */
const pageChanges = 100
/** How far the trigger got is on the disk so late: each time costs a write, and what was told twice is told once. */
const advanceEveryMs = 1_000

export const keyValueTrigger: TriggerKind<KeyOptions, KeyPayload> = {
  kind: 'keyvalue',
  summary: 'an event when a key of a granted bucket is set or deleted',
  written: { bucket: nameField, keys: v.optional(patternField), on },
  toSpec: ({ bucket, keys, on: moment }) => said({ bucket, keys, on: moment } as Record<string, string>),
  fromOption(text) {
    const [bucket = '', ...keys] = text.split(':')
    return { bucket, ...(keys.length > 0 && { keys: keys.join(':') }) }
  },
  options,
  handlers: ['selvedge:edge/change-handler@0.1.0'],
  method: 'handle',
  delivery: 'at-least-once',
  requiredGrants: ({ bucket }) => [`keyvalue:${bucket}`],
  args: ({ kind, bucket, key, version }, { id, attempt }) => [
    {
      id: BigInt(id),
      attempt,
      source: 'keyvalue',
      kind: kind === 'set' ? 'written' : 'deleted',
      store: bucket,
      key,
      version: BigInt(version),
      size: undefined,
    },
  ],
  start(chosen, context) {
    const { failed } = context
    const changes = context.changes?.storeOf?.(chosen.bucket) ?? context.changes
    if (changes === null) {
      failed(
        triggerProblems.error('ERR_TRIGGER_SOURCE', 'there is no store here whose keys could be told of'),
      )
      return { stop() {} }
    }
    const { feed } = changes
    const source = { ...context, changes }
    return feed === undefined ? listen(chosen, source) : follow(chosen, source, feed)
  },
}

function concerns({ bucket, keys, on: moment = 'any' }: KeyOptions): (change: KeyChange) => boolean {
  const isAbout = fits(keys)
  return (change) =>
    change.bucket === bucket && (moment === 'any' || change.kind === moment) && isAbout(change.key)
}

type Event = Parameters<TriggerContext<KeyPayload>['offer']>[0]

function eventOf({ bucket, key, version, kind }: KeyChange): Event {
  return { payload: { kind, bucket, key, version }, key, unique: `${bucket}/${version}` }
}

function listen(chosen: KeyOptions, { changes, emit }: TriggerContext<KeyPayload>): RunningTrigger {
  const isMeant = concerns(chosen)
  const stop = changes?.onChange((change) => {
    if (isMeant(change)) emit(eventOf(change))
  })
  return { stop: () => stop?.() }
}

function follow(chosen: KeyOptions, context: TriggerContext<KeyPayload>, feed: ChangeFeed): RunningTrigger {
  const { changes, clock, lane, offer, failed } = context
  const { bucket } = chosen
  const isMeant = concerns(chosen)
  let [last, kept]: [number | null, number] = [null, 0]
  let hasMissed = false
  const pursuit = new Pursuit(context, async (stopped) => {
    last ??= kept = await feed.follow(lane)
    for (let isMore = true; isMore && !stopped.aborted;) {
      const page = await feed.changes(bucket, last, pageChanges)
      if (page.isIncomplete && !hasMissed) failed(missed(bucket))
      hasMissed = page.isIncomplete
      for (const change of page.changes) {
        if (stopped.aborted) return
        if (isMeant(change)) await offer(eventOf(change))
        last = change.version
      }
      last = page.last
      isMore = page.isMore
    }
  })
  const stopListening = changes?.onChange((change) => {
    if (change.bucket === bucket) pursuit.wake()
  })
  const advance = (): void => {
    if (last === null || last === kept) return
    const reached = (kept = last)
    // Not kept is told again, and known by its name.
    feed.advance(lane, reached).catch(() => (kept = Math.min(kept, reached - 1)))
  }
  const stopAdvancing = every(clock, advanceEveryMs, advance)
  pursuit.wake()
  return {
    stop() {
      pursuit.stop()
      stopListening?.()
      stopAdvancing()
      advance()
    },
  }
}

function missed(bucket: string): SelvedgeError {
  return triggerProblems.error(
    'ERR_TRIGGER_MISSED',
    `more keys of ${bucket} were deleted than are remembered: some deletions were not told`,
  )
}
