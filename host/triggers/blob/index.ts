/**
 * `kind = "blob"`: an event when an object of a granted container is put or deleted.
 *
 * Where the store numbers its objects, those that were put since the trigger last got to are found again among the objects
 * themselves, whatever stopped meanwhile; of an object that was put several times only the last one. A deletion is told
 * when it is made: one whose event was not in the queue yet when the power failed is not told.
 */
import * as v from 'valibot'
import { every } from '../../../core/index.ts'
import type { ObjectChange, ObjectFeed } from '../../storage/index.ts'
import type { RunningTrigger, TriggerContext, TriggerKind } from '../contract.ts'
import { nameField, said } from '../fields.ts'
import { triggerProblems } from '../problems.ts'
import { Pursuit } from '../pursuit.ts'
import { fits, patternField } from '../text-pattern.ts'

const moments = ['put', 'delete', 'any'] as const
const on = v.optional(v.picklist(moments, `is no change; write "${moments.join('", "')}"`))
const options = v.strictObject({
  container: nameField,
  /** Only objects whose names fit; all where it is not said. */
  objects: v.optional(patternField),
  /** `any` where it is not said. */
  on,
})
type BlobOptions = v.InferOutput<typeof options>

type BlobPayload = {
  readonly kind: ObjectChange['kind']
  readonly container: string
  readonly object: string
  readonly sizeBytes: number | null
}

/** Changes that wait to be put into the queue; beyond it they are found again among the objects. */
const maxWaiting = 1_000
const rememberEveryMs = 1_000

export const blobTrigger: TriggerKind<BlobOptions, BlobPayload> = {
  kind: 'blob',
  summary: 'an event when an object of a granted container is put or deleted',
  written: { container: nameField, objects: v.optional(patternField), on },
  toSpec: ({ container, objects, on: moment }) =>
    said({ container, objects, on: moment } as Record<string, string>),
  fromOption(text) {
    const [container = '', ...objects] = text.split(':')
    return { container, ...(objects.length > 0 && { objects: objects.join(':') }) }
  },
  options,
  handlers: ['selvedge:edge/change-handler@0.1.0'],
  method: 'handle',
  delivery: 'at-least-once',
  requiredGrants: ({ container }) => [`blobstore:${container}`],
  args: ({ kind, container, object, sizeBytes }, { id, attempt }) => [
    {
      id: BigInt(id),
      attempt,
      source: 'blob',
      kind: kind === 'put' ? 'written' : 'deleted',
      store: container,
      key: object,
      version: 0n,
      size: sizeBytes === null ? undefined : BigInt(sizeBytes),
    },
  ],
  start(chosen, context) {
    const { objects, failed } = context
    if (objects === null) {
      failed(
        triggerProblems.error('ERR_TRIGGER_SOURCE', 'there is no store here whose objects could be told of'),
      )
      return { stop() {} }
    }
    return new BlobWatch(chosen, context, objects.feed ?? null).start()
  },
}

class BlobWatch {
  readonly #options: BlobOptions
  readonly #context: TriggerContext<BlobPayload>
  readonly #feed: ObjectFeed | null
  readonly #fits: (name: string) => boolean
  #waiting: ObjectChange[] = []
  /** All that was put up to it is in the queue; null until it is known. */
  #reached: number | null = null
  #kept: number | null = null
  /** What was put must be looked for: at the start, and where too much was waiting. */
  #mustLook: boolean

  constructor(options: BlobOptions, context: TriggerContext<BlobPayload>, feed: ObjectFeed | null) {
    this.#options = options
    this.#context = context
    this.#feed = feed
    this.#fits = fits(options.objects)
    this.#mustLook = feed !== null
  }

  start(): RunningTrigger {
    const pursuit = new Pursuit(this.#context, (stopped) => this.#tellAll(stopped))
    const stopListening = this.#context.objects?.onChange((change) => {
      if (!this.#isMeant(change)) return
      if (this.#waiting.length < maxWaiting) this.#waiting.push(change)
      else this.#overflow(change)
      pursuit.wake()
    })
    const stopRemembering = every(this.#context.clock, rememberEveryMs, () => this.#remember())
    pursuit.wake()
    return {
      stop: () => {
        pursuit.stop()
        stopListening?.()
        stopRemembering()
        this.#remember()
      },
    }
  }

  #isMeant({ container, object, kind }: ObjectChange): boolean {
    const { container: wanted, on: moment = 'any' } = this.#options
    return container === wanted && (moment === 'any' || kind === moment) && this.#fits(object)
  }

  /** The app makes more than its queue takes. */
  #overflow({ kind, container, object }: ObjectChange): void {
    if (kind === 'put' && this.#feed !== null) {
      this.#mustLook = true
      return
    }
    const what = `${container}/${object.slice(0, 80)} was ${kind === 'put' ? 'put' : 'deleted'}`
    this.#context.failed(
      triggerProblems.error('ERR_TRIGGER_MISSED', `${maxWaiting} events wait already: ${what}`),
    )
  }

  async #tellAll(stopped: AbortSignal): Promise<void> {
    if (this.#mustLook) await this.#look(stopped)
    for (let change = this.#waiting[0]; change !== undefined && !stopped.aborted; change = this.#waiting[0]) {
      await this.#tell(change)
      this.#waiting.shift()
    }
  }

  /** Finds what was put since the trigger last got to. */
  async #look(stopped: AbortSignal): Promise<void> {
    const feed = this.#feed
    if (feed === null) return
    this.#reached ??= await this.#begin(feed)
    this.#mustLook = false
    try {
      for (const change of await feed.puts(this.#options.container, this.#reached)) {
        if (stopped.aborted) return
        if (this.#isMeant(change)) await this.#tell(change)
      }
    } catch (error) {
      this.#mustLook = true
      throw error
    }
  }

  /** Where it got to; a new one begins with what is put from now on, and must know so after a crash. */
  async #begin(feed: ObjectFeed): Promise<number> {
    const { memory } = this.#context
    const kept = await memory.read()
    if (typeof kept === 'number') return (this.#kept = kept)
    const position = await feed.position()
    await memory.write(position)
    return (this.#kept = position)
  }

  async #tell({ kind, container, object, sizeBytes, digest, number }: ObjectChange): Promise<void> {
    const isKnown = number !== null && kind === 'put' && number <= (this.#reached ?? -1)
    if (isKnown) return
    await this.#context.offer({
      payload: { kind, container, object, sizeBytes },
      key: object,
      ...(number !== null && { unique: `${container}/${number}/${digest ?? ''}` }),
    })
    if (number !== null && kind === 'put') this.#reached = Math.max(this.#reached ?? 0, number)
  }

  #remember(): void {
    const reached = this.#reached
    if (reached === null || reached === this.#kept || this.#mustLook) return
    this.#kept = reached
    // Not kept is told again, and known by its name.
    this.#context.memory.write(reached).catch(() => (this.#kept = null))
  }
}
