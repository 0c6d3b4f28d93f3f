/** Standard input of WASI 0.3, and reading what is no file. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { makeWorld } from './kit.ts'

type Opened = [AsyncIterable<Uint8Array>, Promise<{ tag: string; val: unknown }>]

async function textOf(stream: AsyncIterable<Uint8Array>): Promise<string> {
  let all = ''
  for await (const bytes of stream) all += Buffer.from(bytes).toString()
  return all
}

test('standard input that fails ends, and its future says that it did not end well', async () => {
  const world = makeWorld(
    (_id, _name, _args, channel) => {
      void channel
        .write(Buffer.from('so far'))
        .then(() => channel.end({ message: 'it is a folder', code: 'is-directory' }))
    },
    { stdio: 'piped' },
  )
  const { readViaStream } = world.part.imports['wasi:cli/stdin@0.3'] as { readViaStream(): Opened }
  const [stream, ended] = readViaStream()
  expect(await textOf(stream)).toBe('so far')
  expect(await ended).toEqual({ tag: 'err', val: 'io' })
})

test('a folder is not read as a file, and a file is not read as a folder', async () => {
  const hostPath = await mkdtemp(join(tmpdir(), 'selvedge-p3-'))
  try {
    const world = makeWorld(undefined, { preopens: [{ hostPath, guestPath: '/', access: 'read-write' }] })
    const { getDirectories } = world.part.imports['wasi:filesystem/preopens@0.3'] as {
      getDirectories(): [Descriptor, string][]
    }
    const folder = getDirectories()[0]![0]
    const [bytes, read] = folder.readViaStream(0n)
    expect(await textOf(bytes)).toBe('')
    expect(await read).toEqual({ tag: 'err', val: { tag: 'is-directory' } })
    const file = await folder.openAt({}, 'new', { create: true }, { read: true, write: true })
    const [entries, listed] = file.readDirectory()
    expect(await textOf(entries)).toBe('')
    expect(await listed).toEqual({ tag: 'err', val: { tag: 'not-directory' } })
  } finally {
    await rm(hostPath, { recursive: true })
  }
})

interface Descriptor {
  readViaStream(offset: bigint): Opened
  readDirectory(): Opened
  openAt(pathFlags: object, path: string, openFlags: object, flags: object): Promise<Descriptor>
}
