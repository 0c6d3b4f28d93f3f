/** What every store does with entries, asked by name of wherever they are: a table in memory, or one on a thread. */
import type { KeyValueStore } from './contract.ts'

export type EntryMethod =
  | 'get'
  | 'set'
  | 'delete'
  | 'exists'
  | 'version'
  | 'keys'
  | 'increment'
  | 'compareAndSwap'
  | 'getMany'
  | 'setMany'
  | 'deleteMany'
  | 'usage'

/** Those that may leave something else than was there. */
export const changingMethods: ReadonlySet<string> = new Set<EntryMethod>([
  'set',
  'delete',
  'increment',
  'compareAndSwap',
  'setMany',
  'deleteMany',
])

export abstract class AskedEntries implements Pick<KeyValueStore, EntryMethod> {
  protected abstract ask<Result>(method: EntryMethod, ...args: unknown[]): Promise<Result>

  readonly get: KeyValueStore['get'] = (...args) => this.ask('get', ...args)
  readonly set: KeyValueStore['set'] = (...args) => this.ask('set', ...args)
  readonly delete: KeyValueStore['delete'] = (...args) => this.ask('delete', ...args)
  readonly exists: KeyValueStore['exists'] = (...args) => this.ask('exists', ...args)
  readonly version: KeyValueStore['version'] = (...args) => this.ask('version', ...args)
  readonly keys: KeyValueStore['keys'] = (...args) => this.ask('keys', ...args)
  readonly increment: KeyValueStore['increment'] = (...args) => this.ask('increment', ...args)
  readonly compareAndSwap: KeyValueStore['compareAndSwap'] = (...args) => this.ask('compareAndSwap', ...args)
  readonly getMany: KeyValueStore['getMany'] = (...args) => this.ask('getMany', ...args)
  readonly setMany: KeyValueStore['setMany'] = (...args) => this.ask('setMany', ...args)
  readonly deleteMany: KeyValueStore['deleteMany'] = (...args) => this.ask('deleteMany', ...args)
  readonly usage: KeyValueStore['usage'] = () => this.ask('usage')
}
