/**
 * What a thread or process that waits for its app can do beforehand: the whole life of a sandbox with an app of its
 * own, so that the code of it is compiled when the real one comes. Nobody else's guest has a hand in it, and
 * nothing of it is kept: what a sandbox knows hangs on that sandbox, and this one is dropped.
 */
import { httpPartName, packCall } from './http/index.ts'
import type { Transport } from './guest-line.ts'
import { packToGuest, packToHost, unpackToGuest } from './packing.ts'
import type { PartKind } from './part.ts'
import type { Boot, PackedBatch, ToGuest, ToHost } from './protocol.ts'
import { createSandbox } from './sandbox-run.ts'

/** Calls of each kind. More would not be faster yet: V8 optimises after some hundred. */
const rounds = 3

/**
 * @param kinds those that the thread's app will have
 * @param across what becomes of a batch on its way between node and sandbox, in either direction
 * @returns what the app of the warm-up said to its node. Only microtasks pass until then
 */
export async function warmUp(
  kinds: readonly PartKind[],
  across: (batch: PackedBatch) => PackedBatch = structuredClone,
): Promise<readonly ToHost[]> {
  const transport = new Rehearsal(across)
  const crossed = (batch: readonly ToGuest[]): readonly ToGuest[] => unpackToGuest(across(packToGuest(batch)))
  const sandbox = createSandbox({ transport, parts: kinds, begun: () => {} })
  sandbox.take(crossed([{ t: 'boot', boot }]))
  await sandbox.booted
  const request = {
    method: 'GET',
    path: '/',
    scheme: 'http',
    authority: 'a',
    headers: ['accept', '*/*'],
    body: null,
  } as const
  for (let round = 0; round < rounds; round += 1) {
    const call = 2 * round + 1
    sandbox.take(
      crossed([
        { t: 'invoke', call, part: httpPartName, name: 'handle', args: packCall(request), channel: 2 * call },
        { t: 'call', call: call + 1, target: 'warm:up/run@1.0.0#run', args: [{ id: 1n, text: 'text' }] },
      ]),
    )
  }
  return transport.said
}

/** A line to nobody, which answers every question at once. */
class Rehearsal implements Transport {
  readonly said: ToHost[] = []
  readonly #across: (batch: PackedBatch) => PackedBatch

  constructor(across: (batch: PackedBatch) => PackedBatch) {
    this.#across = across
  }

  send(batch: readonly ToHost[]): void {
    this.#across(packToHost(batch))
    this.said.push(...batch)
  }

  receive(): readonly ToGuest[] | null {
    const last = this.said.at(-1)
    if (last?.t !== 'host-call') return null
    const reply: ToGuest = { t: 'reply', n: last.n, kind: 'ok', value: null }
    return unpackToGuest(this.#across(packToGuest([reply])))
  }
}

/**
 * An import that is called by its one export, a memory of a page and a global:
 *
 *     (import "host" "seen" (func (param i32 i32) (result i32)))  (memory (export "$memory") 1)
 *     (global (export "$calls") (mut i32) (i32.const 0))          (func (export "run") (param i32) (result i32) …)
 */
const coreModule =
  'AGFzbQEAAAABDAJgAn9/AX9gAX8BfwINAQRob3N0BHNlZW4AAAMCAQEFAwEAAQYGAX8BQQALBxoDByRtZW1vcnkCAAYkY2FsbHMDAANydW4AAQoKAQgAIABBABAACw=='

/** Makes of the parts what the glue of a small handler makes of them. */
const glue = `(function () {'use strict';
function instantiate(getCoreModule, imports, instantiateCore, tellTables) {
  tellTables([{ open: () => 0, reset: () => {} }])
  const { Fields, OutgoingResponse, OutgoingBody, ResponseOutparam } = imports['wasi:http/types']
  const { log } = imports['warm:up/log']
  const { get } = imports['warm:up/store']
  const dispose = Symbol.dispose || Symbol.for('dispose')
  const encoder = new TextEncoder(), decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  const seen = (pointer, length) => pointer + length
  const { exports } = instantiateCore(getCoreModule('component.core.wasm'), { host: { seen: Object.assign(seen, { _jcoMaySuspend: false }) } })
  const view = new DataView(exports.$memory.buffer), bytes = new Uint8Array(exports.$memory.buffer)
  const handle = (request, out) => {
    exports.run(encoder.encodeInto(request.method().tag + request.pathWithQuery(), bytes).written)
    const text = decoder.decode(bytes.subarray(0, 3))
    const fields = new Fields()
    fields.append('content-type', encoder.encode(text))
    const response = new OutgoingResponse(fields)
    response.setStatusCode(200)
    const body = response.body()
    ResponseOutparam.set(out, { tag: 'ok', val: response })
    const stream = body.write()
    stream.checkWrite()
    stream.blockingWriteAndFlush(encoder.encode('text'))
    stream[dispose]()
    OutgoingBody.finish(body, undefined)
    request[dispose]()
  }
  const run = ({ id, text }) => {
    view.setBigUint64(0, BigInt.asUintN(64, id), true)
    log('info', 'warm', text)
    return exports.run(get('key') === null ? 1 : 0)
  }
  return { 'wasi:http/incoming-handler@0.2.0': { handle }, 'warm:up/run@1.0.0': { run } }
}
return instantiate})`

const boot: Boot = {
  app: 'warm-up',
  glue: { text: glue, code: null },
  modules: [
    {
      name: 'component.core.wasm',
      hasMemory: true,
      module: new Uint8Array(Buffer.from(coreModule, 'base64')),
    },
  ],
  restore: '$',
  fresh: true,
  interfaces: [
    { id: 'warm:up/log@1.0.0', part: null, functions: [{ name: 'log', mode: 'post' }] },
    { id: 'warm:up/store@1.0.0', part: null, functions: [{ name: 'get', mode: 'call' }] },
  ],
  settings: {
    args: [],
    env: [],
    preopens: [],
    stdio: 'lines',
    terminal: { stdin: false, stdout: false, stderr: false },
    lineChars: 1,
  },
  limits: {
    recycleHeapBytes: Infinity,
    valueBytes: 65_536,
    postsInFlight: 64,
    postsPerSecond: 64,
    coreInstances: 1,
    heldHandles: 64,
    channels: 4,
  },
}
