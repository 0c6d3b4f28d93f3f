/**
 * Prepared components on disk, one file each, checked on every load.
 *
 * The key holds everything that shapes the output: the component, the transpiler's own bytes and our options. A
 * damaged entry is thrown away and made again. The digest guards against disks, not against someone who can
 * write to the node's data directory.
 */
import * as v from 'valibot'
import {
  plainLines,
  plainText,
  digestOf,
  isDigest,
  isSelvedgeError,
  type Digest,
  type DurableFolder,
  type Log,
} from '../../core/index.ts'
import { messageOf } from '../../core/index.ts'
import { MalformedError } from './byte-reader.ts'
import { docsLimits } from './component-docs.ts'
import type { ComponentFacts } from './contract.ts'
import type { EngineLimits } from './limits.ts'
import type { GlueScript } from '../guest/index.ts'
import { unpack } from './packed.ts'
import { glueName } from './prepare-protocol.ts'
import { signatureSchema } from './signature-schema.ts'

export interface CoreModule {
  readonly name: string
  readonly hasMemory: boolean
  readonly bytes: Uint8Array
}

export interface StoredComponent {
  readonly facts: ComponentFacts
  /** null for a core module, which needs none. */
  readonly glue: GlueScript | null
  /** What the names of exported state begin with; null where an instance cannot be put back as it began. */
  readonly restore: string | null
  readonly modules: readonly CoreModule[]
}

const suffix = '.prepared'
/** Also as text that people read. */
const name = v.pipe(
  v.string(),
  v.maxLength(1_000),
  v.check((text) => plainText(text) === text),
)

const docs = v.optional(
  v.pipe(
    v.string(),
    v.maxLength(docsLimits.chars),
    v.check((text) => plainLines(text) === text),
  ),
)
const functions = v.array(
  v.object({
    id: name,
    docs,
    functions: v.array(v.object({ name, docs, signature: v.nullable(signatureSchema) })),
  }),
)

const headerSchema = v.object({
  v: v.literal(1),
  facts: v.object({
    kind: v.picklist(['component', 'module']),
    digest: v.custom<Digest>(isDigest),
    sizeBytes: v.pipe(v.number(), v.integer(), v.minValue(0)),
    imports: v.array(name),
    exports: v.array(name),
    features: v.array(name),
    memory: v.optional(
      v.object({
        startBytes: v.pipe(v.number(), v.integer(), v.minValue(0)),
        maxBytes: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0))),
      }),
    ),
    functions: v.optional(v.object({ imports: functions, exports: functions })),
  }),
  restore: v.nullable(name),
  modules: v.array(v.object({ name, hasMemory: v.boolean() })),
})

/** What makes one preparation different from another, beside the component. */
export interface CacheKey {
  readonly digest: Digest
  readonly build: string
  readonly memoryBytes: number
  readonly tableEntries: number
}

export function entryOf(key: CacheKey): string {
  const { digest, build, memoryBytes, tableEntries } = key
  const options = digestOf(Buffer.from(JSON.stringify({ v: 1, build, memoryBytes, tableEntries })))
  return `${digest}-${options.slice(0, 16)}${suffix}`
}

/** @throws MalformedError, or valibot's error, where the bytes are not what a child writes */
export function parseStored(bytes: Uint8Array): StoredComponent {
  const { header, parts } = unpack(bytes)
  const { facts, restore, modules } = v.parse(headerSchema, header)
  const part = (name: string): Uint8Array => {
    const found = parts.get(name)
    if (found === undefined) throw new MalformedError(`its part ${name} is missing`)
    return found
  }
  return {
    facts,
    restore,
    glue:
      parts.size === 0 || facts.kind === 'module'
        ? null
        : { text: Buffer.from(part(glueName)).toString('utf8'), code: null },
    modules: modules.map((module) => ({ ...module, bytes: part(module.name) })),
  }
}

export class PreparedCache {
  readonly #folder: DurableFolder
  readonly #limits: EngineLimits
  readonly #log: Log
  readonly #onDamaged: (detail: string) => void
  /** Entries of this run, least recently used first: what eviction spares longest. */
  readonly #used = new Set<string>()

  /** @param onDamaged hears of each entry that was not as it was written */
  constructor(folder: DurableFolder, limits: EngineLimits, log: Log, onDamaged: (detail: string) => void) {
    this.#folder = folder
    this.#limits = limits
    this.#log = log
    this.#onDamaged = onDamaged
  }

  /** @returns null where there is no entry, or where it was damaged and has been removed */
  async load(entry: string): Promise<StoredComponent | null> {
    try {
      const bytes = await this.#folder.read(entry, this.#limits.preparedBytes)
      if (bytes === null) return null
      const stored = parseStored(bytes)
      if (!entry.startsWith(stored.facts.digest)) throw new MalformedError('it is of another component')
      this.#touch(entry)
      return stored
    } catch (error) {
      const damaged = error instanceof MalformedError || error instanceof SyntaxError || v.isValiError(error)
      if (!damaged && !isSelvedgeError(error, 'ERR_FILE_TOO_LARGE')) throw error
      const reason = messageOf(error)
      this.#log.warn('cache:entry-damaged', { entry, reason })
      this.#onDamaged(
        `the prepared form of component ${entry.slice(0, 8)} was altered on the disk: ${reason}`,
      )
      await this.#folder.remove(entry)
      return null
    }
  }

  async store(entry: string, bytes: Uint8Array): Promise<void> {
    await this.#folder.write(entry, bytes)
    this.#touch(entry)
    const sizes = await this.#folder.sizes()
    const entries = [...sizes.keys()].filter((file) => file.endsWith(suffix))
    let heldBytes = entries.reduce((sum, file) => sum + (sizes.get(file) ?? 0), 0)
    let count = entries.length
    const { cacheEntries, cacheBytes } = this.#limits
    const used = [...this.#used].filter((file) => sizes.has(file))
    const order = [...entries.filter((file) => !this.#used.has(file)), ...used]
    // The newest is the last of them, and stays.
    for (const old of order.slice(0, -1)) {
      if (count <= cacheEntries && heldBytes <= cacheBytes) return
      count -= 1
      heldBytes -= sizes.get(old) ?? 0
      this.#used.delete(old)
      await this.#folder.remove(old)
    }
  }

  #touch(entry: string): void {
    this.#used.delete(entry)
    this.#used.add(entry)
  }
}
