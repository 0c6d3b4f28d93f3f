/**
 * The shape of `selvedge.toml`, with every default and every limit. What a person may write is here and nowhere
 * else; README files of the example apps show it.
 */
import * as v from 'valibot'
import { originOf } from '../http/index.ts'
import { namePattern, networkNames } from '../interfaces/index.ts'
import { argumentsField, quotaFields } from './asks.ts'
import { callsField } from './calls.ts'
import { innerPath } from './inner-path.ts'
import { linksSchema } from './links.ts'
import { storesSchema } from './stores.ts'
import { canStopInTime, placementEntries, tooEarly } from './placement.ts'
import { topicName, topicsField } from './topics.ts'
import { nameRefusal, triggerSchema } from './triggers.ts'
import { variantsField } from './variants.ts'
import { durationField, sizeField } from '../toml/index.ts'

/** Bounds of lists and texts: far above what an app needs, far below what hurts a node that relays them. */
export const manifestBounds = {
  grantsOfAKind: 64,
  triggers: 16,
  groups: 64,
  settings: 64,
  settingKeyLength: 128,
  settingValueLength: 4096,
  descriptionLength: 500,
  instances: 256,
  queuedCalls: 65_536,
  cpuPercent: 25_600,
  commandLength: 1000,
} as const

export const defaultLimits = { memory: '16 MiB', deadline: '1s' } as const
export const defaultWorld = 'sensor-app'

/** https://semver.org, the grammar it suggests, without build metadata: one version, one spelling. */
export const versionPattern =
  /^(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})(-[0-9A-Za-z-]{1,40}(\.[0-9A-Za-z-]{1,40}){0,4})?$/
export const versionRefusal = 'is no version; write MAJOR.MINOR.PATCH, for example "1.0.0" or "1.1.0-beta.1"'

const name = v.pipe(v.string(), v.regex(namePattern, nameRefusal))
const names = (most: number): v.GenericSchema<string[], string[]> =>
  v.pipe(
    v.array(name),
    v.maxLength(most, `has more than ${most} entries; remove some`),
    v.check((list) => new Set(list).size === list.length, 'names something twice; remove the repetition'),
  )

const origin = v.pipe(
  v.string(),
  v.transform((text) => originOf(text) ?? text),
  v.check((text) => originOf(text) === text, 'is no origin; write "https://HOST" or "http://HOST:PORT"'),
)
const origins = (most: number): v.GenericSchema<string[], string[]> =>
  v.pipe(v.array(origin), v.maxLength(most, `has more than ${most} entries; remove some`))

const topicNames = (most: number): v.GenericSchema<string[], string[]> =>
  v.pipe(v.array(topicName), v.maxLength(most, `has more than ${most} entries; remove some`))

const networkUse = v.pipe(
  v.string(),
  v.transform((text) => networkNames.canonical(text) ?? text),
  v.check(
    (text) => networkNames.canonical(text) === text,
    `is no grant of a network; ${networkNames.rule.replace(/network:/g, '')}`,
  ),
)

function wholeNumber(least: number, most: number): v.GenericSchema<number, number> {
  const range = `must be a whole number from ${least} to ${most}`
  return v.pipe(v.number(), v.integer(range), v.minValue(least, range), v.maxValue(most, range))
}

const setting = v.pipe(
  v.union([v.string(), v.number(), v.boolean()]),
  v.transform(String),
  v.maxLength(manifestBounds.settingValueLength, 'is too long; at most 4096 characters'),
)

const component = v.pipe(
  v.strictObject({
    /** The finished component. Default: build/NAME.wasm. */
    file: v.optional(innerPath),
    /** What `selvedge build` makes it with. */
    language: v.optional(v.picklist(['assemblyscript', 'typescript', 'command'])),
    /** For `typescript`: the JavaScript engine inside the component. QuickJS unless said otherwise. */
    engine: v.optional(v.picklist(['quickjs', 'starlingmonkey'])),
    /** The language's main source file; each language has its own default. */
    source: v.optional(innerPath),
    /** For `command`: run in the app's folder, leaves the component in `file`. */
    command: v.optional(
      v.pipe(
        v.string(),
        v.minLength(1, 'is empty; write what to run'),
        v.maxLength(manifestBounds.commandLength, 'is too long; put it into a script'),
      ),
    ),
    /** The WIT world it is built against. */
    world: v.optional(v.pipe(v.string(), v.regex(namePattern, nameRefusal)), defaultWorld),
  }),
  v.forward(
    v.check(
      ({ language, command }) => command === undefined || language === undefined || language === 'command',
      'is for language = "command"; remove either of the two',
    ),
    ['command'],
  ),
  v.forward(
    v.check(
      ({ language, command }) => language !== 'command' || command !== undefined,
      'needs a command; add command = "make", or what builds it',
    ),
    ['language'],
  ),
  v.forward(
    v.check(
      ({ language, engine }) => engine === undefined || language === 'typescript',
      'is for language = "typescript"; remove it, or write that language',
    ),
    ['engine'],
  ),
)

/** How many instances run, and how they are kept apart. What is left out is the node's choice. */
const instances = v.pipe(
  v.strictObject({
    isolation: v.optional(v.picklist(['worker', 'process', 'shared'])),
    /** Nothing of one call can be seen by the next. */
    fresh: v.optional(v.boolean()),
    min: v.optional(wholeNumber(0, manifestBounds.instances)),
    max: v.optional(wholeNumber(1, manifestBounds.instances)),
    /** Calls that may wait; what comes beyond is answered 503. */
    queue: v.optional(wholeNumber(1, manifestBounds.queuedCalls)),
    /** Without work for so long an instance above `min` ends. */
    idle: v.optional(durationField('100ms', '24h')),
    /** Percent of one processor. */
    cpu: v.optional(wholeNumber(1, manifestBounds.cpuPercent)),
  }),
  v.forward(
    v.check(
      ({ min, max }) => min === undefined || max === undefined || min <= max,
      'is more than max; lower it',
    ),
    ['min'],
  ),
)

export const manifestSchema = v.strictObject({
  app: v.strictObject({
    name,
    version: v.pipe(v.string(), v.regex(versionPattern, versionRefusal)),
    description: v.optional(
      v.pipe(
        v.string(),
        v.maxLength(manifestBounds.descriptionLength, 'is too long; at most 500 characters'),
      ),
      '',
    ),
  }),
  component: v.optional(component, {}),
  variants: variantsField,
  grants: v.optional(
    v.strictObject({
      sensors: v.optional(names(manifestBounds.grantsOfAKind), []),
      pins: v.optional(names(manifestBounds.grantsOfAKind), []),
      /** I²C buses that a node's owner named so, each with the addresses that it stands for. */
      i2c: v.optional(names(manifestBounds.grantsOfAKind), []),
      /** Folders that a node's owner named so in its TOML; seen as `/NAME`. */
      folders: v.optional(names(manifestBounds.grantsOfAKind), []),
      /** Buckets of wasi:keyvalue, and containers of wasi:blobstore: the app's own, under these names. */
      keyvalue: v.optional(names(manifestBounds.grantsOfAKind), []),
      blobstore: v.optional(names(manifestBounds.grantsOfAKind), []),
      network: v.optional(
        v.pipe(
          v.array(networkUse),
          v.maxLength(
            manifestBounds.grantsOfAKind,
            `has more than ${manifestBounds.grantsOfAKind} entries; remove some`,
          ),
        ),
        [],
      ),
      /** Origins that it may send requests to. */
      http: v.optional(origins(manifestBounds.grantsOfAKind), []),
      /** Apps whose functions it may call. */
      calls: v.optional(names(manifestBounds.grantsOfAKind), []),
      /** Topics that it may send messages to, and hear. */
      publish: v.optional(topicNames(manifestBounds.grantsOfAKind), []),
      subscribe: v.optional(topicNames(manifestBounds.grantsOfAKind), []),
    }),
    {},
  ),
  triggers: v.optional(
    v.pipe(
      v.array(triggerSchema),
      v.maxLength(manifestBounds.triggers, `has more than ${manifestBounds.triggers} entries; remove some`),
    ),
    [],
  ),
  limits: v.optional(
    v.strictObject({
      /** Linear memory of one instance. One page is the least a module can have; 4 GiB are what it can address. */
      memory: v.optional(sizeField('64 KiB', '4 GiB'), defaultLimits.memory),
      /** Wall time of one call. */
      deadline: v.optional(durationField('10ms', '10min'), defaultLimits.deadline),
      ...quotaFields,
    }),
    {},
  ),
  /** For a command: what it sees behind its name. */
  run: v.optional(v.strictObject({ args: v.optional(argumentsField, []) }), {}),
  instances: v.optional(instances, {}),
  placement: v.optional(
    v.pipe(
      v.strictObject({ groups: v.optional(names(manifestBounds.groups), []), ...placementEntries }),
      v.forward(
        v.check((written) => canStopInTime(written), tooEarly),
        ['replace-after'],
      ),
    ),
    {},
  ),
  calls: callsField,
  /** How far messages of its topics go. */
  topics: topicsField,
  /** Interfaces that it imports and another app exports, by that app's name. */
  links: v.optional(linksSchema, {}),
  /** Buckets that are not each node's own. */
  stores: v.optional(storesSchema, {}),
  config: v.optional(
    v.pipe(
      v.record(
        v.pipe(
          v.string(),
          v.regex(/^[A-Za-z0-9_.-]+$/, 'is no setting; use letters, digits, "_", "-" and "."'),
          v.maxLength(manifestBounds.settingKeyLength, 'is too long; at most 128 characters'),
        ),
        setting,
      ),
      v.check(
        (settings) => Object.keys(settings).length <= manifestBounds.settings,
        `has more than ${manifestBounds.settings} settings; remove some`,
      ),
    ),
    {},
  ),
})
