/**
 * A broker as the node sees it: always there, sometimes connected. It connects again by itself, subscribes anew to
 * what is listened to, and counts what goes wrong.
 */
import { readFile, stat } from 'node:fs/promises'
import { messageOf, within, type Cancel, type Clock, type Log, type Random } from '../../core/index.ts'
import { readTls, tlsTrouble, type TlsFiles } from '../tls/index.ts'
import type {
  Broker,
  BrokerConfig,
  BrokerCounts,
  BrokerHealth,
  BrokerMessage,
  PublishOptions,
} from './contract.ts'
import { Filters, qosOf, type Filter } from './filters.ts'
import type { BrokerLimits } from './limits.ts'
import { mqttProblems } from './problems.ts'
import { Reconnection, type Ending } from './reconnection.ts'
import { Session } from './session.ts'
import { checkTopic } from './topics.ts'

export interface BrokerNeeds {
  /** Where the table names none. */
  readonly clientId: string
  /** The broker is to keep what comes for this node while it is away. */
  readonly isKept: boolean
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly limits: BrokerLimits
}

/** A password is a line. */
const maxFileBytes = 64 * 1024

export class MqttBroker implements Broker {
  readonly name: string
  readonly #config: BrokerConfig
  readonly #needs: BrokerNeeds
  readonly #reconnection: Reconnection
  readonly #filters: Filters
  readonly #counts: BrokerCounts = {
    connections: 0,
    received: 0,
    sent: 0,
    oversized: 0,
    garbage: 0,
    notTaken: 0,
  }
  readonly #listeners = new Set<(health: BrokerHealth) => void>()
  #health: BrokerHealth
  #session: Session | null = null
  #openedMs: number | null = null
  /** Of the attempt that counts: what earlier ones tell is not heard any more. */
  #attempt = 0
  #cancelRetry: Cancel | null = null
  #cancelAgain: Cancel | null = null
  #isRunning = false

  constructor(name: string, config: BrokerConfig, needs: BrokerNeeds) {
    this.name = name
    this.#config = config
    this.#needs = needs
    this.#reconnection = new Reconnection(config.version, needs.random, needs.limits)
    this.#filters = new Filters(needs.limits.filters, {
      wanted: (filter) => void this.#subscribe(filter),
      unwanted: (filter) => void this.#session?.unsubscribe(filter).catch(() => {}),
    })
    this.#health = { state: 'connecting', sinceMs: needs.clock.monotonicMs(), problem: null }
  }

  start(): void {
    if (this.#isRunning) return
    this.#isRunning = true
    void this.#connect()
  }

  async stop(): Promise<void> {
    this.#isRunning = false
    await this.#leave()
  }

  listen(filter: string, listener: (message: BrokerMessage) => void): Cancel {
    return this.#filters.listen(filter, listener)
  }

  take(filter: string, take: (message: BrokerMessage) => Promise<void>): Cancel {
    return this.#filters.take(filter, take)
  }

  async publish(topic: string, payload: Uint8Array, options: PublishOptions = {}): Promise<void> {
    checkTopic(topic)
    options.signal?.throwIfAborted()
    if (this.#session === null) {
      const why = this.#health.problem?.message ?? 'it has not answered yet'
      throw mqttProblems.error('ERR_BROKER_AWAY', `no connection to broker ${this.name}: ${why}`)
    }
    await this.#session.publish(topic, payload, options)
    this.#counts.sent += 1
  }

  health(): BrokerHealth {
    return this.#health
  }

  counts(): Readonly<BrokerCounts> {
    return this.#counts
  }

  onHealth(listener: (health: BrokerHealth) => void): Cancel {
    const own = (health: BrokerHealth): void => listener(health)
    this.#listeners.add(own)
    return () => void this.#listeners.delete(own)
  }

  async #connect(): Promise<void> {
    this.#cancelRetry = null
    this.#attempt += 1
    const attempt = this.#attempt
    const isCurrent = (): boolean => this.#isRunning && attempt === this.#attempt
    this.#openedMs = null
    const { clock, isKept, limits, clientId } = this.#needs
    const { url, username, keepalive, largest, 'client-id': ownId } = this.#config
    let session: Session
    try {
      const { password, tls } = await this.#readFiles()
      if (!isCurrent()) return
      session = await Session.open(
        {
          url: new URL(url),
          tls,
          clientId: ownId ?? clientId,
          username: username ?? null,
          password,
          keepaliveMs: keepalive,
          version: this.#reconnection.version,
          largest,
          isKept,
          limits,
          clock,
        },
        {
          opened: () => isCurrent() && this.#opened(),
          message: async (message) => isCurrent() && this.#message(message),
          oversized: () => void (this.#counts.oversized += 1),
          ended: (ending) => void this.#understand(ending, tls, isCurrent),
        },
      )
    } catch (error) {
      // Of the files that its table names: everything about the connection comes as its end.
      if (isCurrent()) this.#ended({ code: 'ERR_BROKER_SECRET', message: messageOf(error) })
      return
    }
    if (isCurrent()) this.#session = session
    else await session.close()
  }

  async #readFiles(): Promise<{ password: string | null; tls: TlsFiles }> {
    const { 'password-file': passwordFile } = this.#config
    const [tls, secret = null] = await Promise.all([
      readTls(this.#config, this.#needs.clock),
      passwordFile === undefined ? null : readSmall(passwordFile),
    ])
    // Editors end a file with a line break; a password has none.
    return { password: secret?.replace(/\r?\n$/, '') ?? null, tls }
  }

  /** An end before the welcome may be one of TLS that nothing was said of. */
  async #understand(ending: Ending, tls: TlsFiles, isCurrent: () => boolean): Promise<void> {
    const { protocol, hostname, host, port } = new URL(this.#config.url)
    const isUnclear = ending.code === 'ERR_BROKER_UNREACHABLE' || ending.code === 'ERR_BROKER_GARBAGE'
    let told = ending
    if (isCurrent() && isUnclear && this.#openedMs === null && /^(mqtts|wss):/.test(protocol)) {
      const usual = protocol === 'wss:' ? 443 : 8883
      const probe = { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port) || usual, tls }
      const why = await tlsTrouble(null, probe, this.#needs.clock)
      if (why !== null) told = { code: 'ERR_BROKER_TLS', message: `${host} and this node: ${why}` }
    }
    if (isCurrent()) this.#ended(told)
  }

  #opened(): void {
    this.#openedMs = this.#needs.clock.monotonicMs()
    this.#reconnection.opened()
    this.#counts.connections += 1
    this.#tell('up', null)
    this.#needs.log.info('broker:up', {
      broker: this.name,
      mqtt: this.#reconnection.version === 5 ? '5' : '3.1.1',
    })
    for (const filter of this.#filters.all()) {
      filter.isBehind = false
      void this.#subscribe(filter)
    }
  }

  #ended(ending: Ending): void {
    const { clock, log } = this.#needs
    const openMs = this.#openedMs === null ? null : clock.monotonicMs() - this.#openedMs
    this.#session = null
    this.#attempt += 1
    this.#cancelAgain?.()
    this.#cancelAgain = null
    if (ending.code === 'ERR_BROKER_GARBAGE') this.#counts.garbage += 1
    const { afterMs } = this.#reconnection.ended(ending, openMs)
    const { code, message } = ending
    if (this.#health.problem?.message !== message) {
      log.warn('broker:down', { broker: this.name, code, why: message, retryMs: Math.round(afterMs) })
    }
    this.#cancelRetry = clock.after(afterMs, () => void this.#connect())
    this.#tell('down', { code, message })
  }

  /** @returns whether the broker may forget it */
  async #message(message: BrokerMessage): Promise<boolean> {
    this.#counts.received += 1
    const filters = this.#filters.matching(message.topic)
    for (const { listeners } of filters) {
      for (const listener of listeners) listener(message)
    }
    for (const filter of filters) {
      for (const taker of filter.takers) {
        if (!(await this.#take(filter, taker, message))) return false
      }
    }
    return true
  }

  async #take(
    filter: Filter,
    taker: Filter['takers'] extends Set<infer T> ? T : never,
    message: BrokerMessage,
  ): Promise<boolean> {
    const { clock, limits, log } = this.#needs
    if (filter.isBehind && message.isAssured) return false
    try {
      await within({ clock, ms: limits.takeMs }, () => taker(message))
      return true
    } catch (error) {
      this.#counts.notTaken += 1
      log.warn('broker:not-taken', { broker: this.name, filter: filter.text, error: messageOf(error) })
      // What it does not keep it does not give again.
      if (!message.isAssured) return true
      filter.isBehind = true
      this.#cancelAgain ??= clock.after(limits.againMs, () => void this.#again())
      return false
    }
  }

  /** A broker gives again what was not acknowledged only to a new connection. */
  async #again(): Promise<void> {
    this.#cancelAgain = null
    // Before the connection goes: whoever sends while it is up would be refused, and try again at once.
    this.#tell('connecting', null)
    await this.#leave()
    if (this.#isRunning) await this.#connect()
  }

  async #leave(): Promise<void> {
    this.#attempt += 1
    this.#cancelRetry?.()
    this.#cancelAgain?.()
    this.#cancelRetry = null
    this.#cancelAgain = null
    const session = this.#session
    this.#session = null
    await session?.close()
  }

  async #subscribe(filter: Filter): Promise<void> {
    const session = this.#session
    if (session === null || !session.isOpen) return
    try {
      await session.subscribe(filter.text, qosOf(filter))
    } catch (error) {
      // Where the connection is at fault it ends, and everything is subscribed to anew.
      if (!session.isOpen) return
      this.#needs.log.warn('broker:subscription-refused', { broker: this.name, filter: filter.text })
      this.#tell('up', { code: 'ERR_BROKER_REFUSED', message: messageOf(error) })
    }
  }

  #tell(state: BrokerHealth['state'], problem: BrokerHealth['problem']): void {
    const isSame = this.#health.state === state
    const sinceMs = isSame ? this.#health.sinceMs : this.#needs.clock.monotonicMs()
    this.#health = { state, sinceMs, problem }
    for (const listener of this.#listeners) listener(this.#health)
  }
}

async function readSmall(path: string): Promise<string> {
  const { size } = await stat(path)
  if (size > maxFileBytes) throw new Error(`${path} has ${size} bytes, more than ${maxFileBytes}`)
  return readFile(path, 'utf8')
}
