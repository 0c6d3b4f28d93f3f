/**
 * What a thread that waits for its app can do beforehand: run the code of the parts once, so that it is compiled when
 * an app comes. No guest has a hand in it, and nothing of it is kept.
 */
import { createIo } from './io/index.ts'
import { Handles } from './handles.ts'
import { httpPartName, packCall } from './http/index.ts'
import { bindParts } from './imports.ts'
import type { HostLine } from './line.ts'
import type { GuestExports, PartContext, PartKind } from './part.ts'

/** No part says or asks anything while it is made, nor does the answer below. */
const silentLine: HostLine = {
  call: () => undefined,
  post: () => {},
  open() {
    throw new Error('there is nobody to open a channel to')
  },
  wait: () => {},
  poll: () => {},
}

/** The empty module: a thread's first instance takes longer than those after it. */
const emptyModule = new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0])

export function warmUp(kinds: readonly PartKind[]): void {
  const handles = new Handles(1_024)
  const hold = (): (() => void) => handles.hold()
  const context: PartContext = {
    line: silentLine,
    hold,
    handles,
    held: () => handles.held,
    io: createIo(silentLine, hold),
    settings: {
      args: [],
      env: [],
      preopens: [],
      stdio: 'lines',
      terminal: { stdin: false, stdout: false, stderr: false },
      lineChars: 1,
    },
  }
  const { imports, parts } = bindParts(kinds, [], context)
  const handle = (_request: unknown, out: unknown): void =>
    answer(imports['wasi:http/types'] as unknown as Types, out)
  const exports = { 'wasi:http/incoming-handler@0.2.0': { handle } } as unknown as GuestExports
  const call = { method: 'GET', path: '/', scheme: 'http', authority: 'a', headers: [], body: null } as const
  parts.get(httpPartName)?.invoke?.(exports, 'handle', packCall(call), () => silentLine.open('', '', []))
  void new WebAssembly.Instance(new WebAssembly.Module(emptyModule))
}

/** As the glue has them. */
interface Types {
  readonly Fields: new () => { append(name: string, value: Uint8Array): void }
  readonly OutgoingResponse: new (headers: unknown) => {
    body(): { write(): { checkWrite(): bigint; write(bytes: Uint8Array): void } }
  }
  readonly ResponseOutparam: { set(out: unknown, result: unknown): void }
}

/** Without what needs the glue's drop of a handle: that is short. */
function answer({ Fields, OutgoingResponse, ResponseOutparam }: Types, out: unknown): void {
  const text = new TextEncoder().encode('text')
  const fields = new Fields()
  fields.append('content-type', text)
  const response = new OutgoingResponse(fields)
  const body = response.body()
  ResponseOutparam.set(out, { tag: 'ok', val: response })
  const stream = body.write()
  stream.checkWrite()
  stream.write(text)
}
