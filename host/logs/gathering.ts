/**
 * What one reader sees of an app's log on several nodes: each is asked for a page after the other, no faster than the
 * reader takes lines. A node that goes away is said so once, and taken up again where its last page ended.
 */
import { setMaxListeners } from 'node:events'
import { Alarm, backoffMs, messageOf, type Cancel, type Clock, type Random } from '../../core/index.ts'
import {
  logWireLimits,
  type KeptLine,
  type LogFilter,
  type LogPage,
  type LogQuestion,
  type LogStart,
} from '../../mesh/index.ts'
import { logLimits as limits } from './limits.ts'
import { LineMerge, type SourceState } from './merge.ts'
import { Pace } from './pace.ts'

export interface LogNode {
  readonly id: string
  readonly name: string
}

export interface LogQuery {
  readonly app: string
  /** Of each node. */
  readonly from: LogStart
  readonly filter: LogFilter
  /** Goes on with new lines until its signal aborts. */
  readonly follow: boolean
}

/** Something about a node that is no line of it. Times are by the clock of the node that reads, ms. */
export type LogNotice =
  /** Not reached; where nothing is followed it is left out. */
  | { readonly notice: 'away'; readonly at: number; readonly why: string }
  | { readonly notice: 'back'; readonly at: number; readonly sinceMs: number }
  /** So many lines at least are kept no more. */
  | { readonly notice: 'missed'; readonly count: number }
  /** There are more nodes than are read at once; it is the first of them. */
  | { readonly notice: 'left-out'; readonly count: number }

export type LogEvent =
  | {
      readonly node: LogNode
      readonly line: KeptLine
      /** How far that node's clock is behind ours, ms; 0 where it is nearly right. */
      readonly behindMs: number
    }
  | ({ readonly node: LogNode } & LogNotice)

export interface GatheringNeeds {
  readonly clock: Clock
  readonly random: Random
  /** @throws where the node was not reached, or the signal's reason */
  ask(node: string, question: LogQuestion, signal: AbortSignal): Promise<LogPage>
  /** The nodes to read, by name; asked again when {@link onChange} tells. */
  nodes(): readonly LogNode[]
  onChange(listener: () => void): Cancel
  /** Calls `listener` when a node has connected. */
  onConnected(listener: (node: string) => void): Cancel
}

/**
 * Reads until nothing is left, or `signal` aborts. Never rejects but with what `emit` throws.
 * @param emit is waited for, one event at a time
 */
export async function gatherLogs(
  needs: GatheringNeeds,
  query: LogQuery,
  emit: (event: LogEvent) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const over = new AbortController()
  // Of each source one that waits, and one of its question.
  setMaxListeners(4 * limits.sources, over.signal)
  const end = (): void => over.abort(signal.reason)
  signal.addEventListener('abort', end, { once: true })
  if (signal.aborted) end()
  const gathering = new Gathering(needs, query, over.signal)
  try {
    await gathering.run(emit)
  } finally {
    signal.removeEventListener('abort', end)
    over.abort(new Error('the reader is gone'))
  }
}

class Gathering {
  readonly #needs: GatheringNeeds
  readonly #query: LogQuery
  readonly #signal: AbortSignal
  readonly #merge = new LineMerge<LogEvent>(limits.windowMs)
  readonly #known = new Set<string>()
  /** Those of nodes that wait to be asked again; also woken when a line was taken. */
  readonly #wakes = new Map<string, () => void>()
  readonly #alarm: Alarm
  #wake: () => void = () => {}
  #isLeftOutTold = false

  constructor(needs: GatheringNeeds, query: LogQuery, signal: AbortSignal) {
    this.#needs = needs
    this.#query = query
    this.#signal = signal
    this.#alarm = new Alarm(needs.clock, () => this.#wake())
  }

  async run(emit: (event: LogEvent) => Promise<void>): Promise<void> {
    const { clock, onChange, onConnected } = this.#needs
    const notices: LogEvent[] = []
    const tell = (event: LogEvent): void => {
      notices.push(event)
      this.#wake()
    }
    const cancels = [
      onConnected((node) => this.#wakes.get(node)?.()),
      onChange(() => {
        if (this.#query.follow) this.#addNodes(tell)
      }),
    ]
    const end = (): void => this.#wake()
    this.#signal.addEventListener('abort', end, { once: true })
    try {
      this.#addNodes(tell)
      while (!this.#signal.aborted) {
        const event = notices.shift() ?? this.#merge.take(clock.monotonicMs())
        if (event !== null) {
          await emit(event)
          if ('line' in event) this.#wakes.get(event.node.id)?.()
        } else if (!this.#query.follow && this.#merge.isOver) break
        else await this.#next(() => notices.length > 0)
      }
    } finally {
      this.#signal.removeEventListener('abort', end)
      for (const cancel of cancels) cancel()
      this.#alarm.stop()
    }
  }

  /** Until something happened, or a line has waited long enough. */
  async #next(isThere: () => boolean): Promise<void> {
    const { clock } = this.#needs
    const waited = new Promise<void>((resolve) => (this.#wake = resolve))
    const nowMs = clock.monotonicMs()
    const waitMs = this.#merge.waitMs(nowMs)
    if (waitMs > 0 && !isThere() && !this.#signal.aborted) {
      this.#alarm.set(nowMs + waitMs)
      await waited
    }
    this.#wake = () => {}
  }

  #addNodes(tell: (event: LogEvent) => void): void {
    const nodes = this.#needs.nodes().filter(({ id }) => !this.#known.has(id))
    const room = Math.max(0, limits.sources - this.#known.size)
    const [leftOut] = nodes.slice(room)
    if (leftOut !== undefined && !this.#isLeftOutTold) {
      this.#isLeftOutTold = true
      tell({ node: leftOut, notice: 'left-out', count: nodes.length - room })
    }
    for (const node of nodes.slice(0, room)) {
      this.#known.add(node.id)
      this.#merge.set(node.id, 'reading')
      void this.#read(node, tell).finally(() => {
        this.#merge.set(node.id, 'over')
        this.#wakes.delete(node.id)
        this.#wake()
      })
    }
  }

  /** Asks one node for page after page. Never rejects. */
  async #read(node: LogNode, tell: (event: LogEvent) => void): Promise<void> {
    const { app, filter, follow } = this.#query
    const { clock } = this.#needs
    const pace = new Pace(this.#query.from, clock.monotonicMs())
    let { from } = this.#query
    let awaySinceMs: number | null = null
    let failures = 0
    while (!this.#signal.aborted) {
      await this.#taken(node.id)
      await this.#pause(node.id, pace.waitMs(clock.monotonicMs()))
      const waitMs = follow && !pace.isReading ? logWireLimits.longestWaitMs : 0
      const page = await this.#ask(node.id, { app, from, filter, waitMs })
      if (this.#signal.aborted) return
      if (page instanceof Error) {
        if (awaySinceMs === null) tell({ node, notice: 'away', at: clock.now(), why: messageOf(page) })
        if (!follow) return
        awaySinceMs ??= clock.monotonicMs()
        failures += 1
        this.#set(node.id, 'away')
        await this.#pause(node.id, this.#retryMs(failures))
        continue
      }
      if (awaySinceMs !== null) {
        tell({ node, notice: 'back', at: clock.now(), sinceMs: clock.monotonicMs() - awaySinceMs })
        pace.begin(clock.monotonicMs())
        awaySinceMs = null
        failures = 0
      }
      from = { after: page.cursor }
      if (page.missed > 0) tell({ node, notice: 'missed', count: page.missed })
      this.#push(node, page)
      pace.took(page, clock.monotonicMs())
      this.#set(node.id, !pace.isReading ? 'live' : pace.isHeeded ? 'reading' : 'away')
      if (!follow && (!pace.isReading || pace.isTooMuch)) return
    }
  }

  #set(node: string, state: SourceState): void {
    this.#merge.set(node, state)
    this.#wake()
  }

  /** Whoever is slow holds the others back only for a while. */
  async #ask(node: string, question: LogQuestion): Promise<LogPage | Error> {
    const { ask, clock } = this.#needs
    const cancel = clock.after(limits.patienceMs, () => {
      if (question.waitMs === 0) this.#set(node, 'away')
    })
    try {
      return await ask(node, question, this.#signal)
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error))
    } finally {
      cancel()
    }
  }

  #push(node: LogNode, { lines, nowMs }: LogPage): void {
    const { clock } = this.#needs
    const differsMs = clock.now() - nowMs
    const behindMs = Math.abs(differsMs) < limits.skewMs ? 0 : differsMs
    this.#merge.push(
      node.id,
      lines.map((line) => ({ line: { node, line, behindMs }, time: line.time + behindMs })),
      clock.monotonicMs(),
    )
  }

  /** Until the reader has taken what there is of a node: so nobody is read faster than the reader reads. */
  async #taken(node: string): Promise<void> {
    while (this.#merge.heldOf(node) > 0 && !this.#signal.aborted) await this.#pause(node, null)
  }

  /** Until the node connects, one of its lines was taken, the time is over, or the reading. */
  #pause(node: string, ms: number | null): Promise<void> {
    if (ms === 0) return Promise.resolve()
    return new Promise((resolve) => {
      let cancel: Cancel | null = null
      const done = (): void => {
        cancel?.()
        this.#signal.removeEventListener('abort', done)
        this.#wakes.delete(node)
        resolve()
      }
      if (ms !== null) cancel = this.#needs.clock.after(ms, done)
      this.#wakes.set(node, done)
      this.#signal.addEventListener('abort', done, { once: true })
      if (this.#signal.aborted) done()
    })
  }

  #retryMs(failures: number): number {
    return backoffMs(failures - 1, limits.retryNodeMs, limits.retryNodeMostMs, this.#needs.random)
  }
}
