/**
 * The way to a Redis server: made when it is first needed, and again after it was lost, by whoever needs it next. Every
 * wait has an end, and a server that is down is asked again only after a moment, so that apps are told at once.
 */
import { createHash } from 'node:crypto'
import { isIP } from 'node:net'
import { messageOf, within, type Cancel, type Clock } from '../../../../core/index.ts'
import { tlsTrouble, tlsWords, type TlsFiles } from '../../../tls/index.ts'
import { storageProblems } from '../../problems.ts'
import { failed } from '../entry-checks.ts'
import { script } from './script.ts'

/** What a server answers: text and values as bytes, counts as numbers. */
export type Reply = Buffer | number | null | readonly Reply[]

export interface RedisTimes {
  /** TCP, TLS and login. */
  readonly connectMs: number
  /** For one answer. */
  readonly answerMs: number
  /** After a failure, before it is tried again. */
  readonly pauseMs: number
}

export interface RedisServer {
  readonly url: string
  readonly username: string | null
  /** Asked for each connection. */
  password(): Promise<string | null>
  /** The same; null without TLS. */
  tls(): Promise<TlsFiles | null>
}

const redisTimes: RedisTimes = { connectMs: 5_000, answerMs: 5_000, pauseMs: 500 }
/** Requests that may wait for answers. */
const maxWaiting = 4_096

/** The part of the library's client that is used here. */
interface Client {
  connect(): Promise<unknown>
  destroy(): void
  on(event: 'error' | 'end', listener: (error: Error) => void): unknown
  sendCommand(args: readonly (string | Buffer)[], options: object): Promise<unknown>
  subscribe(channel: string, listener: (message: Buffer) => void, asBytes: true): Promise<unknown>
}

const sha = createHash('sha1').update(script).digest('hex')

export class RedisConnection {
  readonly #server: RedisServer
  readonly #url: URL
  readonly #clock: Clock
  readonly #times: RedisTimes
  #client: Promise<Client> | null = null
  #isClosed = false
  #waiting = 0
  #lastFailure: { readonly atMs: number; readonly error: Error } | null = null
  /** Of the library, once it is loaded. */
  #asBytes: object = {}

  constructor(server: RedisServer, clock: Clock, times: Partial<RedisTimes> = {}) {
    this.#server = server
    this.#url = new URL(server.url)
    this.#clock = clock
    this.#times = { ...redisTimes, ...times }
  }

  /** Without what is secret in it. */
  get address(): string {
    return `${this.#url.hostname}:${this.#url.port || '6379'}`
  }

  /** Runs the script. @throws ERR_STORAGE_FAILED, ERR_STORAGE_DAMAGED, ERR_STORAGE_CLOSED, within a bound */
  async run(keys: readonly string[], args: readonly (string | Uint8Array)[]): Promise<readonly Reply[]> {
    const rest = [String(keys.length), ...keys, ...args]
    let reply: Reply
    try {
      reply = await this.command(['EVALSHA', sha, ...rest])
    } catch (error) {
      if (!messageOf((error as Error).cause).startsWith('NOSCRIPT')) throw error
      reply = await this.command(['EVAL', script, ...rest])
    }
    if (!Array.isArray(reply)) throw failed(`the Redis server at ${this.address} answered something else`)
    return reply as readonly Reply[]
  }

  /** @throws as run */
  async command(args: readonly (string | Uint8Array)[]): Promise<Reply> {
    if (this.#waiting >= maxWaiting) throw failed(`${maxWaiting} requests wait for the Redis server already`)
    this.#waiting += 1
    // Copies: they may wait for the line, and their owner may use them again.
    const own = args.map((arg) => (typeof arg === 'string' ? arg : Buffer.from(arg)))
    try {
      const client = await this.#connected()
      const late = (): Error => {
        // What it says to this later would be taken for the answer to something else.
        void this.#drop(client)
        return failed(
          `the Redis server at ${this.address} did not answer in ${this.#times.answerMs} ms; whether it did what it was asked is not known`,
        )
      }
      return (await within({ clock: this.#clock, ms: this.#times.answerMs, late }, () =>
        client.sendCommand(own, this.#asBytes),
      )) as Reply
    } catch (error) {
      throw this.#told(error)
    } finally {
      this.#waiting -= 1
    }
  }

  /**
   * Listens on a channel, by a connection of its own that is made again whenever it is lost. What is published while
   * there is none is not heard.
   * @returns `ready` resolves when the first attempt has come to something
   */
  listen(channel: string, listener: (message: Buffer) => void): { ready: Promise<void>; cancel: Cancel } {
    let isOver = false
    let current: Client | null = null
    let cancelRetry: Cancel | null = null
    const again = (): void => {
      if (isOver) return
      cancelRetry?.()
      cancelRetry = this.#clock.after(this.#times.pauseMs, () => void begin())
    }
    const lost = (client: Client): void => {
      if (client !== current) return
      current = null
      // It may be there still: a server that lets nobody listen would have one more of them each time.
      end(client)
      again()
    }
    const begin = async (): Promise<void> => {
      let client: Client
      try {
        client = await this.#connect(lost)
      } catch {
        return again()
      }
      if (isOver || this.#isClosed) return end(client)
      current = client
      await client.subscribe(channel, listener, true).catch(() => lost(client))
    }
    const cancel = (): void => {
      isOver = true
      cancelRetry?.()
      if (current !== null) end(current)
    }
    return { ready: begin(), cancel }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    const client = await this.#client?.catch(() => null)
    this.#client = null
    if (client !== null && client !== undefined) end(client)
  }

  #connected(): Promise<Client> {
    if (this.#isClosed) throw storageProblems.error('ERR_STORAGE_CLOSED', 'the store is closed')
    const last = this.#lastFailure
    if (this.#client === null && last !== null) {
      if (this.#clock.monotonicMs() - last.atMs < this.#times.pauseMs) throw last.error
    }
    this.#client ??= this.#connect((client) => void this.#drop(client)).then(
      (client) => {
        this.#lastFailure = null
        return client
      },
      (error: unknown) => {
        this.#client = null
        const why = failed(
          `no connection to the Redis server at ${this.address}: ${this.#reason(error)}`,
          error,
        )
        this.#lastFailure = { atMs: this.#clock.monotonicMs(), error: why }
        throw why
      },
    )
    return this.#client
  }

  async #connect(lost: (client: Client) => void): Promise<Client> {
    // Heavy, and of no use to a node that keeps its data itself.
    const { createClient, RESP_TYPES } = await import('@redis/client')
    this.#asBytes = { typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer } }
    const { connectMs } = this.#times
    const [password, tls] = await Promise.all([this.#server.password(), this.#server.tls()])
    const { username } = this.#server
    const client = createClient({
      url: this.#url.href,
      ...(username !== null && { username }),
      ...(password !== null && { password }),
      socket: {
        connectTimeout: connectMs,
        reconnectStrategy: false,
        ...(tls !== null && secureSocket(tls, this.#url.hostname)),
      },
      disableOfflineQueue: true,
      commandsQueueMaxLength: maxWaiting,
      disableClientInfo: true,
    }) as unknown as Client
    client.on('error', () => lost(client))
    client.on('end', () => lost(client))
    const late = (): Error => new Error(`no answer in ${connectMs} ms`)
    try {
      await within({ clock: this.#clock, ms: connectMs, late }, async () => {
        await client.connect()
        // The library takes a line for a server: only an answer shows that there is one, and that it lets us in.
        await client.sendCommand(['PING'], {})
      })
      return client
    } catch (error) {
      end(client)
      const probe = { host: this.#url.hostname, port: Number(this.#url.port) || 6379, tls }
      const why = await tlsTrouble(error, probe, this.#clock)
      throw why === null ? error : new Error(why, { cause: error })
    }
  }

  async #drop(client: Client): Promise<void> {
    if ((await this.#client?.catch(() => null)) === client) this.#client = null
    end(client)
  }

  #told(error: unknown): unknown {
    if (this.#isClosed) return storageProblems.error('ERR_STORAGE_CLOSED', 'the store is closed')
    const text = messageOf(error)
    if ((error as { code?: unknown }).code === 'ERR_STORAGE_FAILED') return error
    if (text.startsWith('WRONGTYPE')) {
      const message = `the Redis server at ${this.address} holds something else under the names of this store`
      return storageProblems.error('ERR_STORAGE_DAMAGED', message, { cause: error })
    }
    return failed(`the Redis server at ${this.address}: ${this.#reason(error)}`, error)
  }

  #reason(error: unknown): string {
    return tlsWords(error, this.#url.hostname) ?? reason(error)
  }
}

/** As `node:tls` takes it; the server's certificate is always checked. */
function secureSocket({ ca, cert, key }: TlsFiles, host: string): object {
  return {
    tls: true,
    rejectUnauthorized: true,
    ...(isIP(host) === 0 && { servername: host }),
    ...(ca !== null && { ca }),
    ...(cert !== null && { cert }),
    ...(key !== null && { key }),
  }
}

/** The library throws where it was ended before. */
function end(client: Client): void {
  try {
    client.destroy()
  } catch {
    // It is what was wanted.
  }
}

const words: Readonly<Record<string, string>> = {
  OOM: 'it has no memory left for this (maxmemory)',
  READONLY: 'it is a replica, and takes no writes',
  NOAUTH: 'it wants a password; name a file with it: password-file',
  WRONGPASS: 'it refuses user or password',
  NOPERM: 'its user may not do this',
  LOADING: 'it is still loading its data',
  MISCONF: 'it cannot write to its disk',
}

function reason(error: unknown): string {
  const text = messageOf(error).slice(0, 200)
  return words[text.split(' ')[0] ?? ''] ?? text
}
