/** Streams of the control API, as a client reads them. */
import { PassThrough } from 'node:stream'
import type { IncomingMessage } from 'node:http'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { systemClock } from '../../../core/index.ts'
import { jsonLines } from '../../../host/api/json-lines.ts'

let stream: PassThrough
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  stream = new PassThrough()
})
afterEach(() => vi.useRealTimers())

const lines = (): AsyncGenerator<object> =>
  jsonLines(stream as unknown as IncomingMessage, new AbortController().signal)

it('who takes a minute over a line gets the next one all the same', async () => {
  const reading = lines()
  stream.write('{"n":1}\n')
  expect((await reading.next()).value).toEqual({ n: 1 })
  await vi.advanceTimersByTimeAsync(60_000)
  stream.end('{"n":2}\n')
  expect((await reading.next()).value).toEqual({ n: 2 })
  expect((await reading.next()).done).toBe(true)
})

it('a stream that falls silent ends with an error', async () => {
  const reading = lines()
  stream.write('{"n":1}\n')
  await reading.next()
  const silent = expect(reading.next()).rejects.toMatchObject({ code: 'ERR_API_TIMEOUT' })
  await vi.advanceTimersByTimeAsync(60_000)
  await silent
})

it('a process that stood still reads what came meanwhile', async () => {
  const now = vi.spyOn(systemClock, 'monotonicMs').mockReturnValue(0)
  const first = lines().next()
  now.mockReturnValue(60_000)
  await vi.advanceTimersByTimeAsync(20_000)
  now.mockRestore()
  stream.end('{"n":1}\n')
  expect((await first).value).toEqual({ n: 1 })
})
