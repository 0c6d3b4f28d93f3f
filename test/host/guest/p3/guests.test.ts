/** Components of WASI 0.3 running on the part, as the sandbox runs them. */
import { parse } from '@bytecodealliance/jco-transpile/wasm-tools'
import { readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import type { HostChannel } from '../../../../host/engine/contract.ts'
import type { GuestExports, GuestFunction } from '../../../../host/guest/part.ts'
import { makeWorld, withoutSuspending } from './kit.ts'

const source = (name: string): URL => new URL(`../../../guests/${name}.wat`, import.meta.url)
const component = async (name: string): Promise<Uint8Array> => parse(await readFile(source(name), 'utf8'))

function functionOf(exports: GuestExports, name: string, owner?: string): GuestFunction {
  const from = owner === undefined ? exports : exports[owner]
  const found = (from as Record<string, unknown>)[name]
  if (typeof found !== 'function') throw new Error(`the guest exports no ${name}`)
  return found as GuestFunction
}

async function collect(channel: HostChannel, take: (text: string) => void): Promise<void> {
  for await (const bytes of channel.incoming) take(Buffer.from(bytes).toString())
}

describe.skipIf(withoutSuspending !== false)(
  `asynchronous guests (${withoutSuspending || 'JSPI is here'})`,
  () => {
    test('a command hands its input on as a stream, and ends when all of it is written', async () => {
      let opened!: (channel: HostChannel) => void
      const input = new Promise<HostChannel>((resolve) => (opened = resolve))
      let output = ''
      const world = makeWorld(
        (_id, name, _args, channel) => {
          if (name === 'stdin') opened(channel)
          else void collect(channel, (text) => (output += text))
        },
        { stdio: 'piped' },
      )
      const run = functionOf(await world.instantiate(await component('p3-cat')), 'run', 'wasi:cli/run@0.3.0')
      const running = run() as Promise<unknown>
      const long = 'x'.repeat(300_000)
      const writing = await input
      await writing.write(Buffer.from('first '))
      await writing.write(Buffer.from(long))
      writing.end()
      await running
      await new Promise((resolve) => setImmediate(resolve))
      expect(output === `first ${long}`).toBe(true)
      expect(world.held()).toBe(0)
    })

    test('a call that blocks holds its instance, and the next one waits for its turn', async () => {
      const nap = functionOf(await makeWorld().instantiate(await component('p3-nap')), 'nap')
      const naps = await Promise.all([nap(40_000_000n), nap(1_000_000n)])
      expect(naps).toEqual([1, 2])
    })

    test('a trap after a wait rejects the call', async () => {
      const trap = functionOf(await makeWorld().instantiate(await component('p3-nap')), 'trap')
      await expect(trap(1_000n)).rejects.toThrow(/unreachable/)
    })

    test('exit ends the guest with its code, also after a wait', async () => {
      const world = makeWorld()
      const quit = functionOf(await world.instantiate(await component('p3-nap')), 'quit')
      await expect(quit(1_000n)).rejects.toMatchObject({ name: 'GuestExit', code: 7 })
      expect(world.held()).toBe(0)
    })

    describe('without a callback', () => {
      const guestOf = async (name: string): Promise<GuestFunction> =>
        functionOf(await makeWorld().instantiate(await component('p3-stackful')), name)

      test('a call is answered when its function says so, and what it still does is done', async () => {
        const nap = await guestOf('nap')
        expect(await nap(5_000_000n)).toBe(0)
        for (let tries = 0; tries < 500 && (await nap(0n)) === 0; tries += 1);
        expect(await nap(0n)).toBeGreaterThan(0)
      })

      test('a trap after a wait rejects the call', async () => {
        await expect((await guestOf('trap'))(1_000n)).rejects.toThrow(/unreachable/)
      })

      test('a trap after the answer leaves the answer, and ends the instance', async () => {
        const trap = await guestOf('trapLate')
        expect(await trap(20_000_000n)).toBe(1)
        await expect(trap(0n)).rejects.toThrow(/trap/)
      })

      test('an end without an answer is a trap', async () => {
        await expect((await guestOf('forget'))(0n)).rejects.toThrow(/ended without a result/)
      })
    })
  },
)
