import { expect, test } from 'vitest'
import { silentLog } from '../../../../core/index.ts'
import type { StartRequest } from '../../../../host/engine/index.ts'
import { standardStreams } from '../../../../host/engine/sandbox/stdio.ts'
import type { StreamFailure } from '../../../../host/guest/index.ts'
import { channelPair } from '../../channel-pair.ts'

async function poured(
  stdin: () => AsyncGenerator<Uint8Array>,
): Promise<ReturnType<typeof channelPair>['guest']> {
  const streams = { stdin: stdin(), stdout: async () => {}, stderr: async () => {} }
  const { stdin: bound } = standardStreams({ streams } as unknown as StartRequest, silentLog)
  if (bound?.mode !== 'channel') throw new Error('standard input is no channel')
  const { guest, host } = channelPair()
  await bound.run([], host)
  return guest
}

const text = (bytes: Uint8Array | null): string | null =>
  bytes === null ? null : Buffer.from(bytes).toString()

test('what is read arrives, and then the end', async () => {
  const guest = await poured(async function* () {
    yield Buffer.from('one')
  })
  expect([text(guest.source.read(10)), guest.source.read(10)]).toEqual(['one', null])
})

test.each([
  ['EISDIR', 'is-directory'],
  ['EIO', 'io'],
])(
  'an input that fails with %s is a failure of the guest’s stream, with the code %s',
  async (errno, code) => {
    const guest = await poured(async function* () {
      yield Buffer.from('one')
      throw Object.assign(new Error(`${errno}: it cannot be read`), { code: errno })
    })
    expect(text(guest.source.read(10))).toBe('one')
    const failure = expect.objectContaining({ message: `${errno}: it cannot be read`, code }) as StreamFailure
    expect(() => guest.source.read(10)).toThrow(failure)
    expect(guest.source.read(10)).toBeNull()
  },
)
