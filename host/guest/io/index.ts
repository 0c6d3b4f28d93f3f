/** The public face of wasi:io inside a sandbox: its interfaces, and what other packages make of its resources. */
import type { ByteSink, ByteSource, Waitable } from '../bytes.ts'
import type { HostLine } from '../line.ts'
import type { PartContext, PartKind } from '../part.ts'
import { createPollInterface, Pollable } from './poll.ts'
import { InputStream, IoError, OutputStream } from './streams.ts'

export { dispose } from './dispose.ts'

export function createIo(line: HostLine, hold: () => () => void): PartContext['io'] {
  const needs = { line, hold }
  return {
    inputStream: (source: ByteSource) => InputStream.of(source, needs),
    outputStream: (sink: ByteSink) => OutputStream.of(sink, needs),
    pollable: (waitable: Waitable) => Pollable.create(waitable, line, hold()),
    failureOf: (error) => IoError.failureOf(error),
  }
}

export const ioPart: PartKind = {
  name: 'wasi:io',
  create: ({ line }) => ({
    imports: {
      'wasi:io/error': { Error: IoError },
      'wasi:io/poll': createPollInterface(line),
      'wasi:io/streams': { InputStream, OutputStream },
    },
  }),
}
