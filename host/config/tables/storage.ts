/** `[storage]`: where apps store, the most that one of them may, how sure it is, and how long entries live. */
import * as v from 'valibot'
import {
  blobDrivers,
  keyValueDrivers,
  usualStorage,
  type DriverConfig,
  type LifeRule,
} from '../../storage/index.ts'
import { tlsTableIssue, type TlsPaths } from '../../tls/index.ts'
import { durationField } from '../../toml/index.ts'
import { bounded, maxNames, mostItems, size } from '../fields.ts'

interface Driver {
  readonly kind: string
  readonly options: { readonly entries: v.ObjectEntries }
}

/** The options of the driver that is named, beside the limits; the first driver where none is named. */
function storeTable<const Limits extends v.ObjectEntries>(drivers: readonly Driver[], limits: Limits) {
  const [usual] = drivers.map(({ kind }) => kind)
  const known = drivers.map(({ kind }) => `"${kind}"`).join(' or ')
  const tables = drivers.map(({ kind, options: { entries } }) =>
    v.strictObject({
      ...entries,
      ...limits,
      driver: kind === usual ? v.optional(v.literal(kind), kind) : v.literal(kind),
    }),
  )
  return v.pipe(
    v.variant('driver', tables, `is no driver; write ${known}`),
    v.rawCheck(({ dataset, addIssue }) => {
      const { url, ...table } = (dataset.typed ? dataset.value : {}) as { url?: string } & TlsPaths
      const message = url === undefined ? null : tlsTableIssue(url, table)
      if (message !== null) addIssue({ message })
    }),
    v.transform((table): DriverConfig & v.InferOutput<v.StrictObjectSchema<Limits, undefined>> => {
      const { driver, ...rest } = table as { driver: string } & Record<string, unknown>
      const named = Object.keys(limits)
      const pick = (isLimit: boolean): Record<string, unknown> =>
        Object.fromEntries(Object.entries(rest).filter(([name]) => named.includes(name) === isLimit))
      return {
        driver,
        options: pick(false),
        ...(pick(true) as v.InferOutput<v.StrictObjectSchema<Limits, undefined>>),
      }
    }),
  )
}

const namePattern = '[a-z0-9*][a-z0-9*-]{0,62}'
const lifePattern = v.pipe(
  v.string(),
  v.regex(
    new RegExp(`^${namePattern}/[^/]{1,128}$`),
    'is no pattern; write "APP/BUCKET", where * stands for any text',
  ),
)

/** `"sessions/*" = "1h"` */
const lifeTable = v.pipe(
  v.record(lifePattern, durationField('1s', '3650d')),
  v.check(
    (table: Record<string, number>) => Object.keys(table).length <= maxNames,
    `has too many entries; at most ${maxNames} fit`,
  ),
  v.transform((table): LifeRule[] => Object.entries(table).map(([pattern, ms]) => ({ pattern, ms }))),
)

export const storageTable = v.strictObject({
  keyvalue: v.optional(
    storeTable(keyValueDrivers, {
      size: size(usualStorage.keyValue.bytes),
      keys: bounded(usualStorage.keyValue.items, 0, mostItems),
    }),
    {},
  ),
  blobstore: v.optional(
    storeTable(blobDrivers, {
      size: size(usualStorage.blobs.bytes),
      objects: bounded(usualStorage.blobs.items, 0, mostItems),
    }),
    {},
  ),
  /** How long entries live after they were last written; for ever where no pattern fits. */
  ttl: v.optional(lifeTable, {}),
})
