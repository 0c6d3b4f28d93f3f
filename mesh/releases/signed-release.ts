/**
 * Release records as they travel: signed by a publisher, read only after the signature held, bounded in every field.
 */
import * as v from 'valibot'
import {
  digestOf,
  encodeCbor,
  isSelvedgeError,
  sign1,
  topicPattern,
  verify1,
  type Digest,
  type KeyPair,
} from '../../core/index.ts'
import {
  criticalField,
  digestField,
  groupsField,
  readPayload,
  textField,
  timeField,
} from '../identity/index.ts'
import type { PublisherEntry } from '../identity/index.ts'
import { isBelow } from './ceiling.ts'
import { componentsOf } from './components.ts'
import { fitsPattern } from './pattern.ts'
import { releasesProblems } from './problems.ts'
import type { ReleaseRecord } from './record.ts'
import { topicScopes } from './topic.ts'

export const releaseLimits = {
  recordBytes: 65_536,
  componentBytes: 64 * 1024 * 1024,
  /** The list of a component's chunks: 64 MiB in chunks of 4 KiB at 100 bytes each is 1.6 MiB. */
  chunkListBytes: 2 * 1024 * 1024,
  grants: 64,
  triggers: 32,
  triggerOptions: 16,
  configEntries: 64,
  configChars: 4_096,
  features: 32,
  variants: 8,
  imports: 128,
  memoryBytes: 4 * 1024 * 1024 * 1024,
  deadlineMs: 3_600_000,
  instances: 256,
  queuedCalls: 65_536,
  idleMs: 86_400_000,
  cpuPercent: 25_600,
  args: 64,
  argChars: 4_096,
  /** Of all arguments together, in UTF-16 units: they share the record with its settings. */
  argsChars: 16_384,
  needs: 32,
  replicas: 4_096,
  /** A node that is away for a month has its place taken. */
  replaceAfterMs: 2_678_400_000,
  links: 32,
  stores: 32,
  topics: 64,
  /** A year: who was away for longer is told by other means. */
  keepMs: 31_536_000_000,
} as const

/** `^[a-z][a-z0-9-]{0,62}$` */
export const appNamePattern = /^[a-z][a-z0-9-]{0,62}$/
/** `sensor:light`, `logging`. */
const grantPattern = /^[a-z][a-z0-9-]*(:[\x21-\x7e]{1,128})?$/
/** `wasi:http/types@0.2.3`. */
const interfacePattern =
  /^(?=.{3,160}$)[a-z][a-z0-9-]*:[a-z][a-z0-9-]*\/[a-z][a-z0-9-]*(@[0-9A-Za-z.+-]{1,48})?$/
/** `simd`, `component-model-async`. */
const featurePattern = /^[a-z][a-z0-9-]{0,62}$/
/** `simd`. */
const variantPattern = /^[a-z][a-z0-9-]{0,30}$/
/** `arch:arm64`, `role:gateway`. */
const needPattern = /^[a-z][a-z0-9-]{0,31}:[\x21-\x7e]{1,64}$/
const stickyPattern = /^(header|cookie):[A-Za-z0-9_-]{1,64}$/
const versionPattern = /^\d{1,9}\.\d{1,9}\.\d{1,9}(-[0-9A-Za-z.-]{1,32})?(\+[0-9A-Za-z.-]{1,32})?$/

/** A release whose signature holds; whether its publisher may release it is what {@link requireDelegation} decides. */
export interface SignedRelease {
  readonly bytes: Uint8Array
  /** SHA-256 of the signed bytes: how nodes name it, and what `previous` of the next one holds. */
  readonly digest: Digest
  readonly record: ReleaseRecord
  /** Public key of the publisher. */
  readonly publisher: Uint8Array
  /** False where the record names a critical field that this version does not know: relay it, do not run it. */
  readonly runnable: boolean
  readonly unknownCritical: readonly string[]
}

const positive = v.pipe(v.number(), v.integer(), v.minValue(1))
const quota = v.optional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(Number.MAX_SAFE_INTEGER)))
const option = v.union([v.pipe(v.string(), v.maxLength(1_024)), v.number(), v.boolean()])

const blob = { digest: digestField, sizeBytes: v.pipe(positive, v.maxValue(Number.MAX_SAFE_INTEGER)) }

function isSortedSet(list: string[]): boolean {
  return list.every((item, index) => index === 0 || (list[index - 1] ?? '') < item)
}

const componentField = v.looseObject({ ...blob, chunks: v.looseObject(blob) })

const featuresField = v.optional(
  v.pipe(
    v.array(v.pipe(v.string(), v.regex(featurePattern, 'must be the name of a WebAssembly feature'))),
    v.maxLength(releaseLimits.features),
    v.check(isSortedSet, 'must be sorted, each once'),
  ),
)

const bytesField = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(Number.MAX_SAFE_INTEGER))
const memoryField = v.optional(v.looseObject({ startBytes: bytesField, maxBytes: v.optional(bytesField) }))

const variantsField = v.optional(
  v.pipe(
    v.array(
      v.looseObject({
        name: v.pipe(v.string(), v.regex(variantPattern, 'must be the name of a variant')),
        component: componentField,
        features: featuresField,
        memory: memoryField,
      }),
    ),
    v.maxLength(releaseLimits.variants),
    v.check((list) => new Set(list.map(({ name }) => name)).size === list.length, 'names a variant twice'),
  ),
)

const schema = v.looseObject({
  v: v.literal(1),
  mesh: digestField,
  app: v.pipe(
    v.string(),
    v.regex(appNamePattern, 'must be lower-case letters, digits and dashes, a letter first'),
  ),
  seq: v.pipe(positive, v.maxValue(Number.MAX_SAFE_INTEGER)),
  version: v.pipe(v.string(), v.regex(versionPattern, 'must be a semantic version')),
  component: componentField,
  grants: v.pipe(
    v.array(v.pipe(v.string(), v.maxLength(192), v.regex(grantPattern, 'must look like sensor:light'))),
    v.maxLength(releaseLimits.grants),
    v.check(isSortedSet, 'must be sorted, each once'),
  ),
  triggers: v.pipe(
    v.array(
      v.pipe(
        v.objectWithRest({ kind: v.pipe(v.string(), v.regex(/^[a-z][a-z0-9-]{0,31}$/)) }, option),
        v.check(
          (trigger) => Object.keys(trigger).length <= releaseLimits.triggerOptions,
          'has too many options',
        ),
      ),
    ),
    v.maxLength(releaseLimits.triggers),
  ),
  config: v.pipe(
    v.record(textField(128), v.pipe(v.string(), v.maxLength(releaseLimits.configChars))),
    v.check((config) => Object.keys(config).length <= releaseLimits.configEntries, 'has too many entries'),
  ),
  limits: v.looseObject({
    memoryBytes: v.pipe(positive, v.maxValue(releaseLimits.memoryBytes)),
    deadlineMs: v.pipe(positive, v.maxValue(releaseLimits.deadlineMs)),
  }),
  features: featuresField,
  memory: memoryField,
  variants: variantsField,
  imports: v.optional(
    v.pipe(
      v.array(v.pipe(v.string(), v.regex(interfacePattern, 'must be the name of an interface'))),
      v.maxLength(releaseLimits.imports),
      v.check(isSortedSet, 'must be sorted, each once'),
    ),
  ),
  instances: v.optional(
    v.looseObject({
      isolation: v.optional(v.pipe(v.string(), v.regex(/^[a-z][a-z-]{0,31}$/))),
      fresh: v.optional(v.boolean()),
      min: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(releaseLimits.instances))),
      max: v.optional(v.pipe(positive, v.maxValue(releaseLimits.instances))),
      queue: v.optional(v.pipe(positive, v.maxValue(releaseLimits.queuedCalls))),
      idleMs: v.optional(v.pipe(positive, v.maxValue(releaseLimits.idleMs))),
      cpuPercent: v.optional(v.pipe(positive, v.maxValue(releaseLimits.cpuPercent))),
    }),
  ),
  run: v.optional(
    v.looseObject({
      args: v.optional(
        v.pipe(
          v.array(
            v.pipe(
              v.string(),
              v.maxLength(releaseLimits.argChars),
              v.check((text) => !text.includes('\0'), 'must not hold a zero character'),
            ),
          ),
          v.maxLength(releaseLimits.args),
          v.check((args) => args.join('').length <= releaseLimits.argsChars, 'are too long together'),
        ),
      ),
    }),
  ),
  quotas: v.optional(
    v.looseObject({
      folderBytes: quota,
      folderFiles: quota,
      keyValueBytes: quota,
      keyValueKeys: quota,
      blobBytes: quota,
      blobObjects: quota,
    }),
  ),
  groups: groupsField,
  placement: v.optional(
    v.looseObject({
      replicas: v.optional(v.pipe(positive, v.maxValue(releaseLimits.replicas))),
      per: v.optional(v.picklist(['group', 'mesh'])),
      needs: v.optional(
        v.pipe(
          v.array(v.pipe(v.string(), v.regex(needPattern, 'must look like arch:arm64'))),
          v.maxLength(releaseLimits.needs),
          v.check(isSortedSet, 'must be sorted, each once'),
        ),
      ),
      everyGroup: v.optional(v.boolean()),
      replaceAfterMs: v.optional(v.pipe(positive, v.maxValue(releaseLimits.replaceAfterMs))),
      minority: v.optional(v.picklist(['run', 'stop'])),
      stableNames: v.optional(v.boolean()),
    }),
  ),
  calls: v.optional(
    v.looseObject({
      scope: v.optional(v.picklist(['node', 'group', 'mesh'])),
      idempotent: v.optional(v.boolean()),
      sticky: v.optional(v.pipe(v.string(), v.regex(stickyPattern, 'must look like cookie:session'))),
    }),
  ),
  links: v.optional(
    v.pipe(
      v.record(
        v.pipe(v.string(), v.regex(interfacePattern, 'must be the name of an interface')),
        v.pipe(v.string(), v.regex(appNamePattern, 'must be the name of an app')),
      ),
      v.check((links) => Object.keys(links).length <= releaseLimits.links, 'has too many entries'),
    ),
  ),
  stores: v.optional(
    v.pipe(
      v.record(
        v.pipe(v.string(), v.regex(/^[a-z][a-z0-9-]{0,62}$/, 'must be the name of a bucket')),
        v.looseObject({ scope: v.literal('group') }),
      ),
      v.check((stores) => Object.keys(stores).length <= releaseLimits.stores, 'has too many entries'),
    ),
  ),
  topics: v.optional(
    v.pipe(
      v.record(
        v.pipe(v.string(), v.regex(topicPattern, 'must be the name of a topic')),
        v.looseObject({
          scope: v.picklist(topicScopes),
          keepMs: v.optional(v.pipe(positive, v.maxValue(releaseLimits.keepMs))),
        }),
      ),
      v.check((topics) => Object.keys(topics).length <= releaseLimits.topics, 'has too many entries'),
    ),
  ),
  previous: v.nullable(digestField),
  signedAt: timeField,
  critical: criticalField,
})

/** @throws ERR_RELEASE_INVALID, ERR_RELEASE_TOO_LARGE where nodes would refuse the record */
export function signRelease(key: KeyPair, record: ReleaseRecord): Uint8Array {
  const bytes = sign1({ purpose: 'release', payload: encodeCbor(record), key })
  readRelease(bytes)
  return bytes
}

/** @throws ERR_RELEASE_TOO_LARGE, ERR_RELEASE_SIGNATURE, ERR_RELEASE_INVALID */
export function readRelease(bytes: Uint8Array): SignedRelease {
  if (bytes.length > releaseLimits.recordBytes) {
    throw tooLarge(`a release record has ${bytes.length} bytes; ${releaseLimits.recordBytes} are allowed`)
  }
  const { payload, kid } = verified(bytes)
  const record = readPayload(schema, payload, releaseLimits.recordBytes, invalid)
  requireSizes(record)
  const unknownCritical = record.critical.filter((field) => !Object.hasOwn(schema.entries, field))
  return {
    bytes,
    digest: digestOf(bytes),
    record,
    publisher: kid,
    runnable: unknownCritical.length === 0,
    unknownCritical,
  }
}

/**
 * Checks that a publisher may release this app with these grants.
 * @throws ERR_RELEASE_DELEGATION naming all that it may not
 */
export function requireDelegation(record: ReleaseRecord, entry: PublisherEntry): void {
  const { app } = record
  if (!entry.apps.some((pattern) => fitsPattern(pattern, app))) {
    throw delegation(`its publisher may release ${entry.apps.join(', ') || 'no app'}, not ${app}`)
  }
  const beyond = record.grants.filter((grant) => !isBelow(entry.grants, grant))
  if (beyond.length > 0)
    throw delegation(`${app} asks for ${beyond.join(', ')}, which its publisher may not give`)
}

function verified(bytes: Uint8Array): { payload: Uint8Array; kid: Uint8Array } {
  try {
    return verify1(bytes, { purpose: 'release', maxBytes: releaseLimits.recordBytes })
  } catch (cause) {
    if (!isSelvedgeError(cause, 'ERR_SIGNATURE')) throw cause
    throw releasesProblems.error('ERR_RELEASE_SIGNATURE', `a release record was refused: ${cause.message}`, {
      cause,
    })
  }
}

function requireSizes(record: ReleaseRecord): void {
  const { componentBytes, chunkListBytes } = releaseLimits
  const { app } = record
  for (const { sizeBytes, chunks } of componentsOf(record)) {
    if (sizeBytes > componentBytes) {
      throw tooLarge(`the component of ${app} has ${sizeBytes} bytes; ${componentBytes} (64 MiB) are allowed`)
    }
    if (chunks.sizeBytes > chunkListBytes) {
      throw tooLarge(`the chunk list of ${app} has ${chunks.sizeBytes} bytes; ${chunkListBytes} are allowed`)
    }
  }
}

function invalid(what: string, cause?: unknown): Error {
  return releasesProblems.error('ERR_RELEASE_INVALID', `a release record was refused: ${what}`, { cause })
}

function tooLarge(message: string): Error {
  return releasesProblems.error('ERR_RELEASE_TOO_LARGE', message)
}

function delegation(message: string): Error {
  return releasesProblems.error('ERR_RELEASE_DELEGATION', message)
}
