/** The part wasi:http in a world that a test controls: streams without wasi:io, a line without a node. */
import {
  StreamFailure,
  type ByteSink,
  type ByteSource,
  type Part,
  type PartContext,
} from '../../../../host/guest/index.ts'
import { Handles } from '../../../../host/guest/handles.ts'
import {
  bodyBytes,
  httpPart,
  packCall,
  unpackAnswer,
  type IncomingAnswer,
  type IncomingCall,
} from '../../../../host/guest/http/index.ts'
import { channelPair, type ChannelPair } from '../../channel-pair.ts'

export const dispose: symbol = (Symbol as { dispose?: symbol }).dispose ?? Symbol.for('dispose')

/** What the glue would hand to a guest; loose, as the glue is. */
// oxlint-disable-next-line typescript/no-explicit-any -- the glue is not typed either
export type Guest = any

export class TestInput {
  readonly source: ByteSource
  constructor(source: ByteSource) {
    this.source = source
  }
  /** All there is until it ends or would wait. */
  text(): string {
    let text = ''
    for (;;) {
      const bytes = this.source.read(1_000)
      if (bytes === null || bytes.length === 0) return text
      text += Buffer.from(bytes).toString()
    }
  }
  [dispose](): void {
    this.source.close()
  }
}

export class TestOutput {
  readonly sink: ByteSink
  constructor(sink: ByteSink) {
    this.sink = sink
  }
  /** @returns bytes taken; fewer where it would wait or is closed */
  write(data: string | Uint8Array): number {
    let rest: Uint8Array = typeof data === 'string' ? Buffer.from(data) : data
    const size = rest.length
    while (rest.length > 0) {
      const room = this.sink.capacity()
      if (room === null || room === 0) break
      this.sink.write(rest.subarray(0, room))
      rest = rest.subarray(room)
    }
    return size - rest.length
  }
  [dispose](): void {
    this.sink.close()
  }
}

export interface Kit {
  readonly part: Part
  readonly types: Record<string, Guest>
  readonly outgoing: Guest
  /** Channels that the guest opened by itself, in order. */
  readonly opened: { readonly pair: ChannelPair; readonly args: readonly unknown[] }[]
  held(): number
  /** The guest's thread goes to sleep. */
  sleep(): void
  /** Calls the guest's handler. */
  invoke(
    call: Partial<IncomingCall>,
    handler: (request: Guest, out: Guest) => void,
    pair?: ChannelPair,
  ): { answer: IncomingAnswer; pair: ChannelPair; channelUsed: boolean }
}

export function makeKit(maxHeld = 1_024): Kit {
  const handles = new Handles(maxHeld)
  const sleepers: (() => void)[] = []
  const opened: Kit['opened'] = []
  const context: PartContext = {
    line: {
      call: () => undefined,
      post: () => {},
      open(_id, _name, args) {
        const pair = channelPair()
        opened.push({ pair, args: structuredClone(args) as unknown[] })
        return pair.guest
      },
      asleep: (run) => run(),
      wait(waitables) {
        for (const run of sleepers) run()
        if (!waitables.some((waitable) => waitable.ready())) throw new Error('the guest would sleep for ever')
      },
      poll: () => {},
      beforeSleep: (run) => void sleepers.push(run),
    },
    io: {
      inputStream: (source) => new TestInput(source),
      outputStream: (sink) => new TestOutput(sink),
      pollable: (waitable) => waitable,
      failureOf: (error) => (error instanceof StreamFailure ? error.code : undefined),
    },
    hold: () => handles.hold(),
    handles,
    held: () => handles.held,
    settings: {
      args: [],
      env: [],
      preopens: [],
      stdio: 'lines',
      terminal: { stdin: false, stdout: false, stderr: false },
      lineChars: 4_096,
    },
  }
  const part = httpPart.create(context)
  return {
    part,
    types: part.imports['wasi:http/types'] as Record<string, Guest>,
    outgoing: part.imports['wasi:http/outgoing-handler'],
    opened,
    held: () => handles.held,
    sleep: () => {
      for (const run of sleepers) run()
    },
    invoke(call, handler, pair = channelPair()) {
      let channelUsed = false
      const exports = { 'wasi:http/incoming-handler@0.2.3': { handle: handler as never } }
      const whole: IncomingCall = {
        method: 'GET',
        path: '/',
        scheme: 'http',
        authority: 'a',
        headers: [],
        body: null,
        ...call,
      }
      const answer = part.invoke?.(exports, 'handle', packCall(whole), () => {
        channelUsed = true
        return pair.guest
      })
      return { answer: received(structuredClone(answer)), pair, channelUsed }
    },
  }
}

/** What the node makes of an answer, with a body of bytes. */
export function received(packed: unknown): IncomingAnswer {
  const answer = unpackAnswer(packed)
  return answer.t === 'response' ? { ...answer, body: bodyBytes(answer.body) } : answer
}

/** What a throwing call throws, as its WIT error. */
export function errorOf(run: () => unknown): unknown {
  try {
    run()
  } catch (error) {
    if (typeof error === 'object' && error !== null && 'payload' in error) return { err: error.payload }
    if (error instanceof Error) return { trap: error.message }
    return { err: error }
  }
  return undefined
}

export const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text))
export const text = (value: Uint8Array | undefined): string => Buffer.from(value ?? []).toString()
