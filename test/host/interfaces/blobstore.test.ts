import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '../../../core/index.ts'
import { bindInterfaces, grantedInterfaces } from '../../../host/interfaces/index.ts'
import { MemoryBlobs } from '../../../host/storage/blobs/memory.ts'
import { blobLimits } from '../../../host/storage/index.ts'
import { appContext } from './app-context.ts'
import { scriptRunner, type ScriptRunner } from './guest-script.ts'

let runner: ScriptRunner
beforeAll(async () => {
  runner = await scriptRunner()
})
afterAll(() => runner.close())

const prelude = `
  const { OutgoingValue, IncomingValue } = imports['wasi:blobstore/types']
  const { Container } = imports['wasi:blobstore/container']
  const { createContainer, getContainer, deleteContainer, containerExists, copyObject, moveObject } =
    imports['wasi:blobstore/blobstore']
  const toEnd = 2n ** 64n - 1n
  const writeAll = (stream, bytes) => {
    for (let at = 0; at < bytes.length; at += 4096) stream.blockingWriteAndFlush(bytes.subarray(at, at + 4096))
  }
  const put = (box, name, bytes) => {
    const value = OutgoingValue.newOutgoingValue()
    box.writeData(name, value)
    const stream = value.outgoingValueWriteBody()
    writeAll(stream, bytes)
    drop(stream)
    OutgoingValue.finish(value)
  }
  const get = (box, name, start = 0n, end = toEnd) =>
    IncomingValue.incomingValueConsumeSync(box.getData(name, start, end))
`

function asGuest(
  script: string,
  context = appContext({ containers: new Set(['box', 'shelf']) }),
): Promise<unknown> {
  return runner.run(prelude + script, bindInterfaces(['blobstore:box', 'blobstore:shelf'], context))
}

describe('wasi:blobstore', () => {
  it('makes, finds and deletes containers', async () => {
    expect(
      await asGuest(`
        const seen = [containerExists('box'), payload(() => getContainer('box')).err]
        const box = createContainer('box')
        seen.push(box instanceof Container, box.name(), box.info().name, typeof box.info().createdAt)
        seen.push(containerExists('box'), payload(() => createContainer('box')).err)
        put(box, 'o', utf8('x'))
        deleteContainer('box')
        return [...seen, containerExists('box'), payload(() => box.hasObject('o')).err]`),
    ).toEqual([
      false,
      'there is no container "box"',
      true,
      'box',
      'box',
      'bigint',
      true,
      'there is a container "box" already',
      false,
      'there is no container "box"',
    ])
  })

  it('takes and gives objects, whole and in part', async () => {
    expect(
      await asGuest(`
        const box = createContainer('box')
        put(box, 'o', utf8('0123456789'))
        put(box, 'empty', new Uint8Array())
        const part = box.getData('o', 2n, 4n)
        const info = box.objectInfo('o')
        return [text(get(box, 'o')), part.size(), text(IncomingValue.incomingValueConsumeSync(part)),
          get(box, 'empty').length, info.name, info.container, info.size, box.hasObject('o'), box.hasObject('p')]`),
    ).toEqual(['0123456789', 3n, '234', 0, 'o', 'box', 10n, true, false])
  })

  it('streams an object that is larger than any window, both ways', async () => {
    expect(
      await asGuest(`
        const box = createContainer('box')
        const size = 1_500_000
        const bytes = Uint8Array.from({ length: size }, (_, i) => i % 251)
        put(box, 'large', bytes)
        const stream = IncomingValue.incomingValueConsumeAsync(box.getData('large', 0n, toEnd))
        let [at, wrong] = [0, 0]
        for (;;) {
          const piece = payload(() => stream.blockingRead(100_000n))
          if (piece.err) { drop(stream); return [at, wrong, piece.err.tag] }
          for (const byte of piece.ok) { if (byte !== at % 251) wrong += 1; at += 1 }
        }`),
    ).toEqual([1_500_000, 0, 'closed'])
  })

  it('lets the bytes come before the place they belong to', async () => {
    expect(
      await asGuest(`
        const box = createContainer('box')
        const value = OutgoingValue.newOutgoingValue()
        const stream = value.outgoingValueWriteBody()
        writeAll(stream, utf8('first the bytes'))
        drop(stream)
        box.writeData('o', value)
        const before = box.hasObject('o')
        OutgoingValue.finish(value)
        return [before, text(get(box, 'o'))]`),
    ).toEqual([false, 'first the bytes'])
  })

  it('leaves what was there where a value is dropped unfinished', async () => {
    expect(
      await asGuest(`
        const box = createContainer('box')
        put(box, 'o', utf8('old'))
        const value = OutgoingValue.newOutgoingValue()
        box.writeData('o', value)
        const stream = value.outgoingValueWriteBody()
        writeAll(stream, utf8('new'))
        drop(stream)
        drop(value)
        return text(get(box, 'o'))`),
    ).toBe('old')
  })

  it('gives the body once, and traps where the value goes before its stream', async () => {
    expect(
      await asGuest(`
        const value = OutgoingValue.newOutgoingValue()
        value.outgoingValueWriteBody()
        const again = payload(() => value.outgoingValueWriteBody())
        return ['err' in again, again.err]`),
    ).toEqual([true, undefined])
    await expect(
      asGuest(`
        const value = OutgoingValue.newOutgoingValue()
        value.outgoingValueWriteBody()
        OutgoingValue.finish(value)`),
    ).rejects.toMatchObject({ code: 'ERR_APP_TRAP' })
  })

  it('goes on giving an object that was deleted meanwhile', async () => {
    expect(
      await asGuest(`
        const box = createContainer('box')
        put(box, 'o', utf8('still here'))
        const value = box.getData('o', 0n, toEnd)
        box.deleteObject('o')
        return [box.hasObject('o'), text(IncomingValue.incomingValueConsumeSync(value))]`),
    ).toEqual([false, 'still here'])
  })

  it('lists names by pieces, skips some, and clears', async () => {
    expect(
      await asGuest(`
        const box = createContainer('box')
        for (const name of ['a', 'b', 'c', 'd', 'e']) put(box, name, utf8(name))
        const names = box.listObjects()
        const [first, more] = names.readStreamObjectNames(2n)
        const [skipped] = names.skipStreamObjectNames(1n)
        const [rest, end] = names.readStreamObjectNames(2n ** 64n - 1n)
        const after = names.readStreamObjectNames(1n)
        box.deleteObjects(['a', 'b', 'none'])
        const left = box.listObjects().readStreamObjectNames(10n)[0].length
        box.clear()
        return [first.length, more, skipped, rest.length, end, new Set([...first, ...rest]).size, after, left,
          box.listObjects().skipStreamObjectNames(5n)]`),
    ).toEqual([2, false, 1n, 2, true, 4, [[], true], 3, [0n, true]])
  })

  it('copies and moves between containers', async () => {
    expect(
      await asGuest(`
        const [box, shelf] = [createContainer('box'), createContainer('shelf')]
        put(box, 'o', utf8('x'))
        copyObject({ container: 'box', object: 'o' }, { container: 'shelf', object: 'p' })
        moveObject({ container: 'shelf', object: 'p' }, { container: 'shelf', object: 'q' })
        return [box.hasObject('o'), shelf.hasObject('p'), text(get(shelf, 'q'))]`),
    ).toEqual([true, false, 'x'])
  })

  it('tells what went wrong, and the guest lives on', async () => {
    const blobs = new MemoryBlobs(systemClock, { ...blobLimits, bytes: 100_000 })
    const context = appContext({ containers: new Set(['box', 'shelf']), blobs: () => blobs })
    expect(
      await asGuest(
        `
        const box = createContainer('box')
        put(box, 'o', utf8('x'))
        return [
          payload(() => box.getData('none', 0n, toEnd)).err,
          payload(() => box.getData('o', 5n, 9n)).err,
          payload(() => box.objectInfo('none')).err,
          payload(() => put(box, 'large', new Uint8Array(200_000))).err.slice(0, 30),
          payload(() => getContainer('shelf').writeData('o', OutgoingValue.newOutgoingValue())).err,
          payload(() => box.hasObject('n'.repeat(4_000_000))).err.slice(0, 9),
          box.hasObject('large'),
        ]`,
        context,
      ),
    ).toEqual([
      'there is no object "none" in "box"',
      'bytes 5 to 9 are not within an object of 1 bytes',
      'there is no object "none" in "box"',
      expect.stringContaining('bytes more do not fit'),
      'there is no container "shelf"',
      'more than',
      false,
    ])
  })

  it('gives its channels back: a guest may read and write without end', async () => {
    expect(
      await asGuest(`
        const box = createContainer('box')
        for (let n = 0; n < 400; n += 1) { put(box, 'o', utf8('x')); get(box, 'o'); drop(box.getData('o', 0n, 0n)) }
        return 'done'`),
    ).toBe('done')
  })

  it('denies what was not granted, also as the goal of a copy', async () => {
    expect(
      await asGuest(`
        const box = createContainer('box')
        put(box, 'o', utf8('x'))
        const [mine, theirs] = [{ container: 'box', object: 'o' }, { container: 'secret', object: 'o' }]
        return [
          () => createContainer('secret'), () => getContainer('secret'), () => deleteContainer('secret'),
          () => containerExists('secret'), () => copyObject(mine, theirs), () => copyObject(theirs, mine),
          () => moveObject(mine, theirs),
        ].map((run) => payload(run).err.slice(0, 14))`),
    ).toEqual(Array.from({ length: 7 }, () => 'access denied:'))
  })

  it('is not there at all without a grant', () => {
    expect(grantedInterfaces([]).some((id) => id.startsWith('wasi:blobstore'))).toBe(false)
    expect(grantedInterfaces(['blobstore:box']).filter((id) => id.startsWith('wasi:blobstore'))).toHaveLength(
      3,
    )
  })
})
