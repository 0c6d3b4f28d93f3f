/** A guest's standard streams on the node's side: lines for the app's log, or pipes to whoever runs it. */
import { messageOf, type Log } from '../../../core/index.ts'
import { fileError } from '../../guest/index.ts'
import type { BoundChannel, BoundFunction, StartRequest, StandardStreams } from '../contract.ts'
import type { HostChannel } from './channel.ts'

export function standardStreams(
  { output, streams }: StartRequest,
  log: Log,
): Record<string, BoundFunction | BoundChannel> {
  const line: BoundFunction = {
    mode: 'post',
    run([name, text]) {
      const stream = name === 'stderr' ? 'stderr' : 'stdout'
      if (output !== undefined) output(stream, String(text))
      else log.debug('app:output', { stream, line: String(text) })
    },
  }
  return streams === undefined ? { line } : { line, ...piped(streams) }
}

function piped({ stdin, stdout, stderr }: StandardStreams): Record<string, BoundChannel> {
  return {
    stdin: { mode: 'channel', run: (_, channel) => pour(stdin, channel) },
    stdout: { mode: 'channel', run: (_, channel) => drain(channel, stdout) },
    stderr: { mode: 'channel', run: (_, channel) => drain(channel, stderr) },
  }
}

async function pour(source: AsyncIterable<Uint8Array>, channel: HostChannel): Promise<void> {
  try {
    for await (const bytes of source) {
      if (channel.signal.aborted) return
      await channel.write(bytes)
    }
    channel.end()
  } catch (error) {
    // A folder on standard input, say, or a terminal that has gone: the guest is told, not the node.
    if (!channel.signal.aborted) channel.end({ message: messageOf(error), code: codeOf(error) })
  }
}

function codeOf(error: unknown): unknown {
  const isOfTheSystem = error instanceof Error && 'code' in error
  return isOfTheSystem ? fileError(error).code : undefined
}

async function drain(channel: HostChannel, write: (bytes: Uint8Array) => Promise<void>): Promise<void> {
  for await (const bytes of channel.incoming) await write(bytes)
}
