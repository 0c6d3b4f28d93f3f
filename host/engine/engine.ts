/** The engine itself: what the cache has is used, what it lacks is made by a child, and started in a sandbox. */
import * as v from 'valibot'
import {
  digestOf,
  isSelvedgeError,
  messageOf,
  plainLines,
  type Clock,
  type DurableFolder,
  type Log,
  type SelvedgeError,
} from '../../core/index.ts'
import type { IdleThread } from '../threads/index.ts'
import { entryOf, parseStored, PreparedCache } from './cache.ts'
import { Preparer } from './child.ts'
import { refuseOtherForms } from './component-form.ts'
import type {
  AppSize,
  ComponentFacts,
  Engine,
  Isolation,
  Prepared,
  PrepareRequest,
  Sandbox,
  StartRequest,
  AppPool,
  AppsMemory,
  PoolShape,
  StartCounts,
} from './contract.ts'
import { pageBytes } from './core-module.ts'
import { refusalOfFeatures } from './feature-check.ts'
import { refusalOf } from './import-check.ts'
import { refusalOfSize } from './memory-ledger.ts'
import { defaultLimits, type EngineLimits } from './limits.ts'
import { unpack } from './packed.ts'
import { p3Offers, withClient, withGrantedClient } from './p3-offers.ts'
import { memoryRefusal } from './memory-refusal.ts'
import type { PrepareJob } from './prepare-protocol.ts'
import { knownFeatures, supportedFeatures } from './probe.ts'
import { engineProblems } from './problems.ts'
import { findProgram, type Program } from './program.ts'
import { Sandboxes } from './sandboxes.ts'
import { engineOffers } from './wasi-offers.ts'

export interface EngineOptions {
  /** Where prepared components are kept. */
  readonly cacheFolder: DurableFolder
  readonly clock: Clock
  readonly log: Log
  readonly limits?: Partial<EngineLimits>
  /** WebAssembly features that apps may use; all that this engine has unless given. */
  readonly features?: readonly string[]
  /** Hears of what was prepared, kept, and is not as it was. */
  readonly onDamaged?: (detail: string) => void
  /** For apps that do not say; `worker` unless given. */
  readonly isolation?: Isolation
  /** Start one at once, for the first app: whoever runs a single program waits for both. */
  readonly warm?: 'worker' | 'process'
  /** A thread that was started for the first app already. */
  readonly firstThread?: IdleThread
  /** Where prepare.mjs and sandbox.mjs lie; by default beside the program, or in dist/ when run from source. */
  readonly programFolder?: URL
}

/** Makes the engine of one node. It holds no process and no thread until asked. */
export function createEngine(options: EngineOptions): Engine {
  return new ComponentEngine(options)
}

const refusalSchema = v.object({
  v: v.literal(1),
  refusal: v.object({ code: v.string(), message: v.string(), hint: v.string() }),
})

class ComponentEngine implements Engine {
  readonly #options: EngineOptions
  readonly #limits: EngineLimits
  readonly #cache: PreparedCache
  readonly #preparer: Preparer
  readonly #sandboxes: Sandboxes
  #program: Promise<Program> | null = null

  constructor(options: EngineOptions) {
    this.#options = options
    this.#limits = { ...defaultLimits, ...options.limits }
    const { cacheFolder, log, onDamaged = () => {} } = options
    this.#cache = new PreparedCache(cacheFolder, this.#limits, log, onDamaged)
    this.#preparer = new Preparer(options.clock, this.#limits)
    this.#sandboxes = new Sandboxes({
      cache: this.#cache,
      clock: options.clock,
      log: options.log,
      limits: this.#limits,
      isolation: options.isolation ?? 'worker',
      program: () => this.#findProgram(),
    })
    const { warm, firstThread } = options
    const isolation = firstThread === undefined ? warm : 'worker'
    // Where that fails, the start that comes says so.
    if (isolation !== undefined) this.#sandboxes.warm(isolation, firstThread).catch(() => {})
  }

  async inspect(bytes: Uint8Array): Promise<ComponentFacts> {
    this.#refuseEarly(bytes)
    const job: PrepareJob = { mode: 'inspect', memoryBytes: 0, tableEntries: 0, features: knownFeatures }
    const answer = await this.#preparer.run(await this.#findProgram(), job, bytes)
    return acceptAnswer(answer, bytes).facts
  }

  async examine(request: PrepareRequest): Promise<ComponentFacts> {
    const { bytes, memoryBytes } = request
    try {
      return (await this.prepare(request)).facts
    } catch (error) {
      if (!isSelvedgeError(error, 'ERR_FEATURE_MISSING')) throw error
      const facts = await this.inspect(bytes)
      refuse(facts, request)
      const startBytes = facts.memory?.startBytes ?? 0
      if (startBytes > memoryBytes) throw memoryRefusal(startBytes / pageBytes, memoryBytes)
      return facts
    }
  }

  async prepare(request: PrepareRequest): Promise<Prepared> {
    const { bytes, digest, memoryBytes } = request
    this.#refuseEarly(bytes)
    const program = await this.#findProgram()
    const { tableEntries } = this.#limits
    const entry = entryOf({ digest, build: program.build, memoryBytes, tableEntries })
    const features = this.#options.features ?? supportedFeatures()
    const known = await this.#cache.load(entry)
    if (known !== null) {
      refuse(known.facts, request, features)
      return { facts: known.facts, entry, fresh: false }
    }
    const job: PrepareJob = { mode: 'prepare', memoryBytes, tableEntries, features }
    const answer = await this.#preparer.run(program, job, bytes)
    const { facts } = acceptAnswer(answer, bytes)
    if (facts.digest !== digest) {
      throw engineProblems.error(
        'ERR_PREPARE_FAILED',
        `the bytes are those of ${facts.digest}, not of ${digest}`,
      )
    }
    refuse(facts, request, features)
    await this.#cache.store(entry, answer)
    return { facts, entry, fresh: true }
  }

  get starts(): Readonly<StartCounts> {
    return this.#sandboxes.starts
  }

  get memory(): AppsMemory {
    return this.#sandboxes.memory
  }

  refusalOfSize(app: string, size: AppSize): SelvedgeError | null {
    return refusalOfSize(this.#limits, app, size)
  }

  start(request: StartRequest): Promise<Sandbox> {
    return this.#sandboxes.start(request)
  }

  open(request: StartRequest, shape: Partial<PoolShape>): Promise<AppPool> {
    return this.#sandboxes.open(request, shape)
  }

  async stop(): Promise<void> {
    this.#preparer.stop()
    await this.#sandboxes.stop()
  }

  #refuseEarly(bytes: Uint8Array): void {
    refuseOtherForms(bytes)
    const { componentBytes } = this.#limits
    if (bytes.length <= componentBytes) return
    throw engineProblems.error(
      'ERR_COMPONENT_TOO_LARGE',
      `the component has ${bytes.length} bytes; this node takes at most ${componentBytes}`,
    )
  }

  #findProgram(): Promise<Program> {
    this.#program ??= findProgram(this.#options.programFolder).catch((error: unknown) => {
      this.#program = null
      throw error
    })
    return this.#program
  }
}

/**
 * What this node has itself is offered and granted to everyone.
 * @param features those that apps may use here; without them a component that needs more is no reason to refuse
 */
function refuse(facts: ComponentFacts, request: PrepareRequest, features?: readonly string[]): void {
  const lacking = features === undefined ? null : refusalOfFeatures(facts.features, features)
  if (lacking !== null) throw lacking
  const refusal = refusalOf(facts, {
    granted: [...withGrantedClient(request.granted), ...[...engineOffers, ...p3Offers].map(({ id }) => id)],
    offered: [...withClient(request.offered), ...engineOffers, ...p3Offers],
    requiredExports: request.requiredExports,
    ...(request.howToGrant === undefined ? {} : { howToGrant: request.howToGrant }),
  })
  if (refusal !== null) throw refusal
}

/** The child ran hostile input: its answer is checked like any other input. */
function acceptAnswer(answer: Uint8Array, component: Uint8Array): { facts: ComponentFacts } {
  let facts: ComponentFacts
  try {
    const refused = v.safeParse(refusalSchema, unpack(answer).header)
    if (refused.success) throw errorFrom(refused.output.refusal)
    facts = parseStored(answer).facts
  } catch (error) {
    if (error instanceof Error && 'code' in error) throw error
    throw engineProblems.error('ERR_PREPARE_FAILED', `the child's answer cannot be used: ${messageOf(error)}`)
  }
  if (facts.digest !== digestOf(component)) {
    throw engineProblems.error('ERR_PREPARE_FAILED', 'the child answered for other bytes than it was given')
  }
  return { facts }
}

/** Of what a child says. A refusal lists at most some forty names of a thousand characters. */
const maxRefusalChars = 50_000

function errorFrom(refusal: { code: string; message: string; hint: string }): Error {
  const { code } = refusal
  const message = plainLines(refusal.message.slice(0, maxRefusalChars))
  const hint = plainLines(refusal.hint.slice(0, maxRefusalChars))
  const known = Object.hasOwn(engineProblems.problems, code)
  const row = (known ? code : 'ERR_PREPARE_FAILED') as keyof typeof engineProblems.problems
  return engineProblems.error(row, message, hint === '' ? {} : { hint })
}
