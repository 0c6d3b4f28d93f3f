/** Which containers and objects an app has at a NATS server: small documents in a bucket beside the objects' bytes. */
import * as v from 'valibot'
import { decodeCbor, encodeCbor } from '../../../../core/index.ts'
import { storageProblems } from '../../problems.ts'
import type { NatsServerConnection } from './connection.ts'
import type { Bucket } from './ledger.ts'

export interface IndexedObject {
  /** Where its bytes are. */
  readonly ref: string
  readonly size: number
  /** Seconds since the epoch. */
  readonly createdAt: number
  readonly digest: string
}

const whole = v.pipe(v.number(), v.safeInteger(), v.minValue(0))
const containerSchema = v.strictObject({ createdAt: whole })
const objectSchema = v.strictObject({ ref: v.string(), size: whole, createdAt: whole, digest: v.string() })
/** The server’s word for "somebody else was there first". */
const wrongSequence = 10_071
/** For all names of a container. */
const listMs = 30_000

const encoded = (text: string): string => `b${Buffer.from(text).toString('base64url')}`
const containerName = (name: string): string => `c.${encoded(name)}`
const objectName = (container: string, name: string): string => `o.${encoded(container)}.${encoded(name)}`

export class BlobIndex {
  readonly #connection: NatsServerConnection
  readonly #name: string
  readonly #bucket: Bucket

  constructor(connection: NatsServerConnection, name: string, bucket: Bucket) {
    this.#connection = connection
    this.#name = name
    this.#bucket = bucket
  }

  /** Of all containers. */
  async totals(): Promise<{ objects: number; bytes: number }> {
    return this.#ask(async () => {
      let [objects, bytes] = [0, 0]
      for await (const { key, value, operation } of await this.#bucket.kv.history()) {
        if (operation !== 'PUT') continue
        objects += 1
        if (key.startsWith('o.')) bytes += decoded(objectSchema, value).size
      }
      return { objects, bytes }
    }, listMs)
  }

  /** @returns whether there was none */
  async addContainer(name: string, createdAt: number): Promise<boolean> {
    return this.#ask(async () => {
      try {
        await this.#bucket.kv.put(containerName(name), encodeCbor({ createdAt }), { previousSeq: 0 })
        return true
      } catch (error) {
        if ((error as { code?: unknown }).code === wrongSequence) return false
        throw error
      }
    })
  }

  async container(name: string): Promise<{ createdAt: number } | null> {
    const found = await this.#ask(() => this.#bucket.kv.get(containerName(name)))
    return found === null || found.operation !== 'PUT' ? null : decoded(containerSchema, found.value)
  }

  async removeContainer(name: string): Promise<void> {
    await this.#purge(containerName(name))
  }

  async object(container: string, name: string): Promise<IndexedObject | null> {
    const found = await this.#ask(() => this.#bucket.kv.get(objectName(container, name)))
    return found === null || found.operation !== 'PUT' ? null : decoded(objectSchema, found.value)
  }

  /** @returns the number of this change: it grows from one to the next */
  async setObject(container: string, name: string, object: IndexedObject): Promise<number> {
    return this.#ask(() => this.#bucket.kv.put(objectName(container, name), encodeCbor(object)))
  }

  /** The number of the last change. */
  async position(): Promise<number> {
    return (await this.#ask(() => this.#bucket.kv.status())).streamInfo.state.last_seq
  }

  /** What was put after a change and is there, in the order of numbers. */
  async putsAfter(
    container: string,
    after: number,
  ): Promise<(IndexedObject & { name: string; number: number })[]> {
    const prefix = `o.${encoded(container)}.b`
    return this.#ask(async () => {
      const puts: (IndexedObject & { name: string; number: number })[] = []
      const found = await this.#bucket.kv.history({ key: `o.${encoded(container)}.*` })
      for await (const { key, value, operation, revision } of found) {
        if (operation !== 'PUT' || revision <= after) continue
        const name = Buffer.from(key.slice(prefix.length), 'base64url').toString('utf8')
        puts.push({ ...decoded(objectSchema, value), name, number: revision })
      }
      return puts.sort((one, other) => one.number - other.number)
    }, listMs)
  }

  async removeObject(container: string, name: string): Promise<void> {
    await this.#purge(objectName(container, name))
  }

  /** In the order of their text. */
  async names(container: string): Promise<string[]> {
    const prefix = `o.${encoded(container)}.b`
    return this.#ask(async () => {
      const names: string[] = []
      for await (const key of await this.#bucket.kv.keys(`o.${encoded(container)}.*`)) {
        names.push(Buffer.from(key.slice(prefix.length), 'base64url').toString('utf8'))
      }
      return names.sort()
    }, listMs)
  }

  async #purge(name: string): Promise<void> {
    const filter = `$KV.${this.#name}.${name}`
    await this.#ask(() => this.#bucket.streams.purge(`KV_${this.#name}`, { filter }))
  }

  async #ask<Result>(work: () => Promise<Result>, ms?: number): Promise<Result> {
    try {
      return await this.#connection.ask(work, ms)
    } catch (error) {
      throw this.#connection.told(error)
    }
  }
}

function decoded<Schema extends v.GenericSchema>(schema: Schema, bytes: Uint8Array): v.InferOutput<Schema> {
  try {
    return v.parse(schema, decodeCbor(bytes, { maxBytes: bytes.length, maxDepth: 4, maxItems: 64 }))
  } catch (cause) {
    const message = 'a record of the objects at the NATS server is none'
    throw storageProblems.error('ERR_STORAGE_DAMAGED', message, { cause })
  }
}
