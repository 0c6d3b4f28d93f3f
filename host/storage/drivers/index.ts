/** The lists of drivers: a new one is one file and one line here. The first of a list is the one nobody has to name. */
import type { BlobDriver, DriverConfig, KeyValueDriver, StorageBackend, StorageContext } from './contract.ts'
import type { BlobStore, KeyValueStore } from '../contract.ts'
import { storageProblems } from '../problems.ts'
import { diskDriver } from './disk.ts'
import { natsBlobDriver } from './nats-blobs.ts'
import { natsKeyValueDriver } from './nats-keyvalue.ts'
import { redisDriver } from './redis.ts'
import { sqliteDriver } from './sqlite.ts'

export const keyValueDrivers: readonly KeyValueDriver[] = [sqliteDriver, redisDriver, natsKeyValueDriver]
export const blobDrivers: readonly BlobDriver[] = [diskDriver, natsBlobDriver]

export function openKeyValue(config: DriverConfig, context: StorageContext): StorageBackend<KeyValueStore> {
  return chosen(keyValueDrivers, config.driver).open(config.options, context)
}

export function openBlobs(config: DriverConfig, context: StorageContext): StorageBackend<BlobStore> {
  return chosen(blobDrivers, config.driver).open(config.options, context)
}

/** The TOML's schema lets no other name pass. */
function chosen<Driver extends { readonly kind: string }>(drivers: readonly Driver[], name: string): Driver {
  const found = drivers.find(({ kind }) => kind === name)
  if (found !== undefined) return found
  throw storageProblems.error('ERR_STORAGE_FAILED', `there is no storage driver ${name.slice(0, 60)}`)
}
