/**
 * One connection to a broker, from the first packet to its end. The library does the protocol; everything here is a
 * wait with an end, and a name for each way in which it can go wrong. It never connects again by itself.
 */
import type { Socket } from 'node:net'
import type { IPublishPacket, MqttClient } from 'mqtt'
import { messageOf, within, type Clock } from '../../core/index.ts'
import { tlsWords, type TlsFiles } from '../tls/index.ts'
import type { BrokerMessage, MetadataPair, PublishOptions } from './contract.ts'
import { maxMetadataPairs, packetOverheadBytes, type BrokerLimits } from './limits.ts'
import { lineOpener, type Line, type OpenLine } from './line.ts'
import { mqttProblems } from './problems.ts'
import type { Ending, ProtocolVersion } from './reconnection.ts'

/** By the standard, where the broker does not say. */
const maxUnderWay = 65_535

export interface SessionOptions {
  readonly url: URL
  readonly tls: TlsFiles
  readonly clientId: string
  readonly username: string | null
  readonly password: string | null
  readonly keepaliveMs: number
  readonly version: ProtocolVersion
  /** Largest payload in bytes. */
  readonly largest: number
  /** The broker keeps what comes for this node while it is away. */
  readonly isKept: boolean
  readonly limits: BrokerLimits
  readonly clock: Clock
}

export interface SessionEvents {
  opened(): void
  /** @returns whether the broker may forget it */
  message(message: BrokerMessage): Promise<boolean>
  oversized(): void
  /** Once, and nothing after it. */
  ended(ending: Ending): void
}

/** Refusals of MQTT 3.1.1 (1) and 5 (132) that mean the version of the protocol. */
const versionCodes: ReadonlySet<number> = new Set([1, 132])
/** MQTT 3.1.1 has only these; those of MQTT 5 begin at 128. */
const oldRefusals: Readonly<Record<number, string>> = {
  1: 'it does not know this version of the protocol',
  2: 'it does not take this client-id',
  3: 'it is not available',
  4: 'bad user name or password',
  5: 'not authorized',
}
/** "Server unavailable", "busy", "shutting down" and "moved": the broker's trouble, and not this node's fault. */
const busyCodes: ReadonlySet<number> = new Set([3, 136, 137, 139, 156, 157, 159])

export class Session {
  readonly #options: SessionOptions
  readonly #events: SessionEvents
  readonly #client: MqttClient
  readonly #address: string
  #line!: Line
  #isOpen = false
  #hasEnded = false
  #underWay = 0
  #waiting: (() => void)[] = []
  /** Ends what waits for an answer. */
  readonly #over = new AbortController()

  /** Begins to connect. @throws where the library cannot be loaded */
  static async open(options: SessionOptions, events: SessionEvents): Promise<Session> {
    // Heavy, and of no use to a node without brokers.
    const { default: module } = await import('mqtt/lib/client')
    // CommonJS that calls itself a module: some loaders hand over its default, some what it is in.
    const Client = ('default' in module ? module.default : module) as typeof MqttClient
    return new Session(options, events, Client, await lineOpener(options.url))
  }

  private constructor(
    options: SessionOptions,
    events: SessionEvents,
    Client: typeof MqttClient,
    openLine: OpenLine,
  ) {
    this.#options = options
    this.#events = events
    this.#address = options.url.host
    const { limits, clock, version, largest } = options
    const mostBytes = largest + packetOverheadBytes
    this.#client = new Client(
      () => {
        this.#line = openLine({ url: options.url, tls: options.tls, mostBytes: 2 * mostBytes }, () =>
          this.#end('ERR_BROKER_GARBAGE', `sends a packet of more than ${mostBytes} bytes`),
        )
        // The library keeps some of its errors to itself.
        this.#line.stream.on('error', (error) => this.#failed(error))
        return this.#line.stream as Socket
      },
      {
        protocolVersion: version,
        clientId: options.clientId,
        ...(options.username !== null && { username: options.username }),
        ...(options.password !== null && { password: options.password }),
        keepalive: Math.max(1, Math.round(options.keepaliveMs / 1_000)),
        clean: !options.isKept,
        connectTimeout: limits.connectMs,
        // Connecting again is decided elsewhere, with another session.
        reconnectPeriod: 0,
        resubscribe: false,
        queueQoSZero: false,
        timerVariant: 'native',
        ...(version === 5 && {
          properties: {
            maximumPacketSize: mostBytes,
            receiveMaximum: limits.underWay,
            sessionExpiryInterval: options.isKept ? limits.sessionSeconds : 0,
          },
        }),
      },
    )
    this.#attach()
    const cancel = clock.after(limits.connectMs, () => {
      this.#end('ERR_BROKER_SILENT', `takes the connection and says nothing for ${limits.connectMs} ms`)
    })
    this.#over.signal.addEventListener('abort', cancel, { once: true })
    this.#client.once('connect', cancel)
  }

  get isOpen(): boolean {
    return this.#isOpen && !this.#hasEnded
  }

  /** Resolves when the broker has acknowledged it. @throws ERR_BROKER_AWAY, ERR_BROKER_SILENT, ERR_BROKER_REFUSED */
  async publish(topic: string, payload: Uint8Array, options: PublishOptions): Promise<void> {
    const properties = this.#options.version === 5 ? propertiesOf(options) : undefined
    const what = `a message for ${JSON.stringify(topic.slice(0, 80))}`
    // A broker hangs up on whoever sends it more at once, or more in one, than it said it takes.
    const { receiveMaximum = maxUnderWay, maximumPacketSize = Infinity } = this.#client.serverProperties ?? {}
    const roughBytes =
      payload.length + topic.length * 3 + (properties === undefined ? 0 : sizeOf(options)) + 64
    if (roughBytes > maximumPacketSize) {
      const message = `the broker takes at most ${maximumPacketSize} bytes, and ${what} has ${roughBytes}`
      throw mqttProblems.error('ERR_BROKER_REFUSED', message)
    }
    await this.#turn(Math.min(receiveMaximum, this.#options.limits.underWay), options.signal)
    try {
      await this.#answer(what, options.signal, (done) =>
        this.#client.publish(
          topic,
          Buffer.from(payload),
          { qos: 1, retain: options.isRetained === true, ...(properties !== undefined && { properties }) },
          done,
        ),
      )
    } finally {
      this.#underWay -= 1
      this.#waiting.shift()?.()
    }
  }

  /** @throws as publish */
  async subscribe(filter: string, qos: 0 | 1): Promise<void> {
    await this.#answer(`the subscription ${JSON.stringify(filter.slice(0, 80))}`, undefined, (done) =>
      this.#client.subscribe(filter, { qos }, (error) => done(error ?? undefined)),
    )
  }

  /** @throws as publish */
  async unsubscribe(filter: string): Promise<void> {
    await this.#answer('the end of a subscription', undefined, (done) =>
      this.#client.unsubscribe(filter, (error) => done(error ?? undefined)),
    )
  }

  /** Says goodbye, or cuts the line where that takes too long. Nothing is told afterwards. */
  async close(): Promise<void> {
    const wasOpen = this.isOpen
    this.#finish()
    const { clock, limits } = this.#options
    try {
      if (wasOpen) {
        await within(
          { clock, ms: limits.stopMs },
          () =>
            new Promise<void>((resolve) => {
              this.#client.end(false, {}, () => resolve())
            }),
        )
      }
    } catch {
      // It does not answer: then without its answer.
    }
    this.#cut()
  }

  /** Gives the connection up, for a reason that is told as its end. */
  end(code: Ending['code'], message: string): void {
    this.#end(code, message)
  }

  /** In the order in which they were asked for. @throws ERR_BROKER_AWAY, the signal's reason */
  async #turn(most: number, signal: AbortSignal | undefined): Promise<void> {
    while (this.isOpen && this.#underWay >= most) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
    if (!this.isOpen) throw away('the connection to the broker ended')
    signal?.throwIfAborted()
    this.#underWay += 1
  }

  #attach(): void {
    const client = this.#client
    client.on('packetreceive', () => this.#line.packetRead())
    client.on('connect', () => {
      if (this.#hasEnded) return
      this.#isOpen = true
      this.#events.opened()
    })
    client.on('error', (error) => this.#failed(error))
    client.on('disconnect', (packet) => {
      const code = packet.reasonCode ?? 0
      const why =
        packet.properties?.reasonString ??
        (code === 142 ? 'another client took its client-id' : `reason ${code}`)
      this.#end(
        code === 142 ? 'ERR_BROKER_REFUSED' : 'ERR_BROKER_UNREACHABLE',
        `closed the connection: ${why.slice(0, 200)}`,
      )
    })
    client.on('close', () => {
      if (this.#isOpen) this.#end('ERR_BROKER_UNREACHABLE', 'the connection ended')
      else this.#end('ERR_BROKER_GARBAGE', 'hung up before it said a word')
    })
    // In place of the library's, which acknowledges at once. It hands over the next one when this one is done.
    client.handleMessage = async (packet, done) => {
      const isTaken = await this.#take(packet)
      done(isTaken ? undefined : new Error('not taken'))
    }
  }

  async #take(packet: IPublishPacket): Promise<boolean> {
    if (this.#hasEnded) return false
    const payload = typeof packet.payload === 'string' ? Buffer.from(packet.payload) : packet.payload
    if (payload.length > this.#options.largest) {
      this.#events.oversized()
      return true
    }
    return this.#events.message(messageOfPacket(packet, payload))
  }

  #failed(error: Error & { code?: unknown }): void {
    const { code } = error
    if (typeof code === 'number') return this.#refused(code, error)
    if (error.message === 'connack timeout') {
      return this.#end('ERR_BROKER_SILENT', 'takes the connection and says nothing')
    }
    const tls = tlsWords(error, this.#options.url.hostname)
    if (tls !== null) return this.#end('ERR_BROKER_TLS', `and this node: ${tls}`)
    const answer = /^Unexpected server response: (\d+)$/.exec(error.message)?.[1]
    if (answer !== undefined)
      return this.#end('ERR_BROKER_REFUSED', `refused the WebSocket with HTTP ${answer}; is the path right?`)
    if (typeof code === 'string') return this.#end('ERR_BROKER_UNREACHABLE', unreachable(error, code))
    this.#end('ERR_BROKER_GARBAGE', `sends what is not MQTT: ${error.message.slice(0, 200)}`)
  }

  #refused(code: number, error: Error): void {
    if (this.#isOpen || code === 130 || code === 149) {
      return this.#end('ERR_BROKER_GARBAGE', `breaks the protocol: ${error.message.slice(0, 200)}`)
    }
    const why = oldRefusals[code] ?? error.message.replace('Connection refused: ', '').toLowerCase()
    if (busyCodes.has(code)) return this.#end('ERR_BROKER_UNREACHABLE', `does not take connections: ${why}`)
    this.#end('ERR_BROKER_REFUSED', `refused this node: ${why}`, versionCodes.has(code))
  }

  #end(code: Ending['code'], what: string, isVersion = false): void {
    if (this.#hasEnded) return
    this.#finish(code === 'ERR_BROKER_SILENT' ? code : 'ERR_BROKER_AWAY')
    this.#cut()
    const verb = code === 'ERR_BROKER_UNREACHABLE' && /^(the|nothing|no|its)\b/.test(what) ? ': ' : ' '
    this.#events.ended({ code, message: `${this.#address}${verb}${what}`, isVersion })
  }

  #finish(code: 'ERR_BROKER_AWAY' | 'ERR_BROKER_SILENT' = 'ERR_BROKER_AWAY'): void {
    this.#hasEnded = true
    this.#over.abort(mqttProblems.error(code, 'the connection to the broker ended'))
    for (const wake of this.#waiting.splice(0)) wake()
  }

  /** The library may tell of errors until it has noticed: its listener stays. */
  #cut(): void {
    this.#client.end(true)
    this.#line.stream.destroy()
  }

  async #answer(
    what: string,
    signal: AbortSignal | undefined,
    ask: (done: (error?: Error) => void) => unknown,
  ): Promise<void> {
    if (!this.isOpen) throw away('there is no connection to the broker')
    const { clock, limits } = this.#options
    const late = (): Error => {
      // It took what was sent and says nothing: whatever else is under way waits for nothing too.
      this.#end('ERR_BROKER_SILENT', `did not acknowledge ${what} in ${limits.answerMs} ms`)
      return mqttProblems.error('ERR_BROKER_SILENT', `the broker did not acknowledge ${what}`)
    }
    const asked = new Promise<void>((resolve, reject) => {
      ask((error) => (error === undefined || error === null ? resolve() : reject(refusedThis(what, error))))
    })
    // Where nobody waits any more, its refusal is nobody's.
    asked.catch(() => {})
    const deadline = { clock, ms: limits.answerMs, signal: this.#over.signal, late }
    await within(deadline, (over) => unlessAborted(asked, signal, over))
  }
}

/** In characters of up to three bytes each. */
function sizeOf({ contentType, metadata = [] }: PublishOptions): number {
  const characters = metadata.reduce((sum, [name, value]) => sum + name.length + value.length + 2, 0)
  return 3 * (characters + (contentType?.length ?? 0))
}

/** A caller that gives up does not end the connection. */
function unlessAborted(
  work: Promise<void>,
  signal: AbortSignal | undefined,
  over: AbortSignal,
): Promise<void> {
  if (signal === undefined) return work
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason as Error)
    if (signal.aborted) return abort()
    signal.addEventListener('abort', abort, { once: true })
    const forget = (): void => signal.removeEventListener('abort', abort)
    over.addEventListener('abort', forget, { once: true })
    work.then(resolve, reject).finally(forget)
  })
}

function unreachable(error: Error, code: string): string {
  if (code === 'ECONNREFUSED') return 'nothing listens there'
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'its name is not known'
  if (code === 'ECONNRESET' || code === 'EPIPE') return 'the connection was cut'
  return `no connection: ${messageOf(error).slice(0, 200)} (${code})`
}

function refusedThis(what: string, error: Error): Error {
  return mqttProblems.error(
    'ERR_BROKER_REFUSED',
    `the broker refused ${what}: ${error.message.slice(0, 200)}`,
    {
      cause: error,
    },
  )
}

function away(message: string): Error {
  return mqttProblems.error('ERR_BROKER_AWAY', message)
}

function messageOfPacket(packet: IPublishPacket, payload: Buffer): BrokerMessage {
  const { properties } = packet
  const pairs: MetadataPair[] = []
  for (const [name, value] of Object.entries(properties?.userProperties ?? {})) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (pairs.length < maxMetadataPairs) pairs.push([name, String(one)])
    }
  }
  return {
    topic: packet.topic,
    payload: Uint8Array.from(payload),
    isRetained: packet.retain,
    isRepeated: packet.dup,
    isAssured: packet.qos > 0,
    number: packet.messageId ?? null,
    contentType: properties?.contentType ?? null,
    metadata: pairs,
  }
}

function propertiesOf({ contentType, metadata = [] }: PublishOptions): IPublishPacket['properties'] {
  // Without a prototype: a name may be `__proto__`.
  const userProperties = Object.create(null) as Record<string, string[]>
  for (const [name, value] of metadata.slice(0, maxMetadataPairs))
    (userProperties[plain(name)] ??= []).push(plain(value))
  return {
    ...(contentType !== null && contentType !== undefined && { contentType: plain(contentType) }),
    ...(metadata.length > 0 && { userProperties }),
  }
}

/**
 * MQTT lets a broker hang up on control characters and on what is no character (MQTT 5, 1.5.4), and mosquitto does so:
 * one message with a line break in its metadata would be sent again with each connection, and end each.
 */
function plain(text: string): string {
  return text.replace(/[\p{Cc}\p{Noncharacter_Code_Point}\p{Surrogate}]/gu, '\ufffd')
}
