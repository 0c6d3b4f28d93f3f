/**
 * The way to a NATS server with JetStream: made when it is first needed. The library keeps it alive; while it is away
 * requests fail at once, and every other wait has an end.
 */
import { isIP } from 'node:net'
import type { Auth, NatsConnection } from '@nats-io/transport-node'
import type { JetStreamManager } from '@nats-io/jetstream'
import type { KV } from '@nats-io/kv'
import type { ObjectStore } from '@nats-io/obj'
import { messageOf, within, type Clock } from '../../../../core/index.ts'
import { tlsTrouble, tlsWords, type TlsFiles } from '../../../tls/index.ts'
import { storageProblems } from '../../problems.ts'
import { failed } from '../entry-checks.ts'

export interface NatsServer {
  readonly url: string
  readonly username: string | null
  /** Copies of what is stored, in a cluster. */
  readonly replicas: number
  /** Asked for each connection. */
  password(): Promise<string | null>
  /** The same, but of those that the library makes again by itself; null without TLS. */
  tls(): Promise<TlsFiles | null>
}

export interface NatsTimes {
  readonly connectMs: number
  readonly answerMs: number
  /** After a failure, before it is tried again. */
  readonly pauseMs: number
}

const natsTimes: NatsTimes = { connectMs: 5_000, answerMs: 5_000, pauseMs: 500 }

export class NatsServerConnection {
  readonly #server: NatsServer
  readonly clock: Clock
  readonly #times: NatsTimes
  #connection: Promise<NatsConnection> | null = null
  #isAway = false
  #password: string | null = null
  #isClosed = false
  #lastFailure: { readonly atMs: number; readonly error: Error } | null = null

  constructor(server: NatsServer, clock: Clock, times: Partial<NatsTimes> = {}) {
    this.#server = server
    this.clock = clock
    this.#times = { ...natsTimes, ...times }
  }

  /** Without what is secret in it. */
  get address(): string {
    return new URL(this.#server.url).host
  }

  get #host(): string {
    return new URL(this.#server.url).hostname.replace(/^\[|\]$/g, '')
  }

  get #port(): number {
    return Number(new URL(this.#server.url).port) || 4222
  }

  /** Bytes that fit into one message. */
  async mostBytes(): Promise<number> {
    return (await this.#connected()).info?.max_payload ?? 1024 * 1024
  }

  /** Opens a bucket, or makes it. @throws ERR_STORAGE_FAILED */
  async bucket(name: string): Promise<{ kv: KV; streams: JetStreamManager['streams'] }> {
    const connection = await this.#connected()
    const [{ jetstream, jetstreamManager }, { Kvm }] = await Promise.all([
      import('@nats-io/jetstream'),
      import('@nats-io/kv'),
    ])
    return this.ask(async () => {
      const options = { timeout: this.#times.answerMs }
      const manager = await jetstreamManager(connection, options)
      const kv = await new Kvm(jetstream(connection, options)).create(name, {
        history: 1,
        replicas: this.#server.replicas,
        // A replica that lags behind would answer with what was there before.
        allow_direct: false,
      })
      return { kv, streams: manager.streams }
    })
  }

  /** Opens an object store, or makes it. @throws ERR_STORAGE_FAILED */
  async objects(name: string): Promise<ObjectStore> {
    const connection = await this.#connected()
    const [{ jetstream }, { Objm }] = await Promise.all([
      import('@nats-io/jetstream'),
      import('@nats-io/obj'),
    ])
    return this.ask(() =>
      new Objm(jetstream(connection, { timeout: this.#times.answerMs })).create(name, {
        replicas: this.#server.replicas,
      }),
    )
  }

  /** Waits for one answer. @throws ERR_STORAGE_FAILED within a bound; what `work` throws of this program’s own */
  async ask<Result>(work: () => Promise<Result>, ms = this.#times.answerMs): Promise<Result> {
    if (this.#isClosed) throw closed()
    if (this.#isAway) throw failed(`the NATS server at ${this.address} is away`)
    const late = (): Error =>
      failed(
        `the NATS server at ${this.address} did not answer in ${ms} ms; whether it did what it was asked is not known`,
      )
    try {
      return await within({ clock: this.clock, ms, late }, work)
    } catch (error) {
      if (this.#isClosed) throw closed()
      throw error
    }
  }

  /** What went wrong in words, for an error of the library. */
  told(error: unknown): Error {
    if (String((error as { code?: unknown }).code).startsWith('ERR_')) return error as Error
    return failed(`the NATS server at ${this.address}: ${this.#reason(error)}`, error)
  }

  #reason(error: unknown): string {
    return tlsWords(error, this.#host) ?? messageOf(error).slice(0, 200)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    const connection = await this.#connection?.catch(() => null)
    this.#connection = null
    await connection?.close().catch(() => {})
  }

  #connected(): Promise<NatsConnection> {
    if (this.#isClosed) throw closed()
    const last = this.#lastFailure
    if (this.#connection === null && last !== null) {
      if (this.clock.monotonicMs() - last.atMs < this.#times.pauseMs) throw last.error
    }
    this.#connection ??= this.#connect().then(
      (connection) => {
        this.#lastFailure = null
        this.#isAway = false
        return connection
      },
      (error: unknown) => {
        this.#connection = null
        const why = failed(
          `no connection to the NATS server at ${this.address}: ${this.#reason(error)}`,
          error,
        )
        this.#lastFailure = { atMs: this.clock.monotonicMs(), error: why }
        throw why
      },
    )
    return this.#connection
  }

  async #connect(): Promise<NatsConnection> {
    // Heavy, and of no use to a node that keeps its data itself.
    const { connect } = await import('@nats-io/transport-node')
    const { connectMs } = this.#times
    const { url, username } = this.#server
    await this.#readPassword()
    const tls = await this.#server.tls()
    const late = (): Error => new Error(`no answer in ${connectMs} ms`)
    const connecting = within({ clock: this.clock, ms: connectMs, late }, () =>
      connect({
        servers: url.replace(/^nats:\/\//, ''),
        ...(tls !== null && { tls: secureOptions(tls, this.#host) }),
        // Asked for each connection, also those that the library makes again by itself.
        authenticator: () => this.#credentials(username),
        timeout: connectMs,
        maxReconnectAttempts: -1,
        reconnectTimeWait: 250,
        reconnectJitter: 250,
        ignoreAuthErrorAbort: true,
        pingInterval: 5_000,
        maxPingOut: 2,
      }),
    )
    const connection = await connecting.catch(async (error: unknown) => {
      const probe = { host: this.#host, port: this.#port, tls, greetsFirst: true }
      const why = await tlsTrouble(error, probe, this.clock)
      throw why === null ? error : new Error(why, { cause: error })
    })
    void this.#follow(connection)
    return connection
  }

  #credentials(username: string | null): Auth {
    const password = this.#password
    if (username !== null) return { user: username, ...(password !== null && { pass: password }) }
    return password === null ? undefined : { auth_token: password }
  }

  /** @throws what the file says; the one of before stays */
  async #readPassword(): Promise<void> {
    this.#password = await this.#server.password()
  }

  /** Until it ends for good. */
  async #follow(connection: NatsConnection): Promise<void> {
    for await (const { type } of connection.status()) {
      if (type === 'disconnect') this.#isAway = true
      // It may have been changed, here and there: the next attempt has the new one.
      if (type === 'disconnect' || type === 'reconnecting') await this.#readPassword().catch(() => {})
      if (type === 'reconnect') this.#isAway = false
    }
    if ((await this.#connection?.catch(() => null)) === connection) {
      this.#connection = null
      this.#isAway = false
    }
  }
}

/** As `node:tls` takes it. Of a server that has an address and no name, the library says nothing to hold its certificate against. */
function secureOptions({ ca, cert, key }: TlsFiles, host: string): object {
  return {
    ...(isIP(host) !== 0 && { host }),
    ...(ca !== null && { ca }),
    ...(cert !== null && { cert }),
    ...(key !== null && { key }),
  }
}

function closed(): Error {
  return storageProblems.error('ERR_STORAGE_CLOSED', 'the store is closed')
}
