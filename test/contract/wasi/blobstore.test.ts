/**
 * wasi:blobstore 0.2.0-draft as its text says it, and as a guest sees it: through the sandbox's half, the line and
 * the node's half, on each of the stores that a node has. preview2-shim has no such package.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bindInterfaces } from '../../../host/interfaces/index.ts'
import { appContext } from '../../host/interfaces/app-context.ts'
import { scriptRunner, type ScriptRunner } from '../../host/interfaces/guest-script.ts'
import { storageKinds, type Storages } from './storages.ts'

const prelude = `
  const { OutgoingValue, IncomingValue } = imports['wasi:blobstore/types']
  const { createContainer, getContainer, deleteContainer, containerExists, copyObject, moveObject } =
    imports['wasi:blobstore/blobstore']
  const box = createContainer('box')
  const toEnd = 2n ** 64n - 1n
  const isError = (run) => typeof payload(run).err === 'string'
  const put = (into, name, content) => {
    const value = OutgoingValue.newOutgoingValue()
    into.writeData(name, value)
    const stream = value.outgoingValueWriteBody()
    for (let at = 0; at < content.length; at += 4096) stream.blockingWriteAndFlush(content.subarray(at, at + 4096))
    drop(stream)
    OutgoingValue.finish(value)
  }
  const get = (from, name, start = 0n, end = toEnd) =>
    text(IncomingValue.incomingValueConsumeSync(from.getData(name, start, end)))
  const namesIn = (container) => {
    const all = []
    for (const names = container.listObjects(); ;) {
      const [some, isEnd] = names.readStreamObjectNames(3n)
      all.push(...some)
      if (isEnd) return all.sort()
    }
  }
  const id = (container, object) => ({ container, object })
`

let runner: ScriptRunner
beforeAll(async () => {
  runner = await scriptRunner()
})
afterAll(() => runner.close())

describe.each(storageKinds)('wasi:blobstore, $name', ({ open }) => {
  let storages: Storages
  beforeAll(async () => {
    storages = await open()
  })
  afterAll(() => storages.close())

  /** As an app with two containers, the first of which is made, and nothing in it. */
  function script(body: string): Promise<unknown> {
    const context = appContext({ containers: new Set(['box', 'shelf']), ...storages.ofNewApp() })
    return runner.run(prelude + body, bindInterfaces(['blobstore:box', 'blobstore:shelf'], context))
  }

  describe('blobstore', () => {
    it('a container that was made is empty, is there, and is found', async () => {
      expect(
        await script(`return [namesIn(box), containerExists('box'), getContainer('box').name(), containerExists('shelf'),
          isError(() => getContainer('shelf'))]`),
      ).toEqual([[], true, 'box', false, true])
    })

    it('delete-container takes all objects within it along', async () => {
      expect(
        await script(`
          put(box, 'o', utf8('x'))
          deleteContainer('box')
          const gone = containerExists('box')
          return [gone, namesIn(createContainer('box'))]`),
      ).toEqual([false, []])
    })

    it('copy-object duplicates, to the same container or another, over what is there', async () => {
      expect(
        await script(`
          const shelf = createContainer('shelf')
          put(box, 'o', utf8('one'))
          put(shelf, 'o', utf8('other'))
          copyObject(id('box', 'o'), id('box', 'p'))
          copyObject(id('box', 'o'), id('shelf', 'o'))
          put(box, 'o', utf8('changed'))
          return [get(box, 'p'), get(shelf, 'o'), namesIn(box)]`),
      ).toEqual(['one', 'one', ['o', 'p']])
    })

    it('move-object renames, to the same container or another, over what is there', async () => {
      expect(
        await script(`
          const shelf = createContainer('shelf')
          put(box, 'o', utf8('one'))
          put(shelf, 'o', utf8('other'))
          moveObject(id('box', 'o'), id('box', 'p'))
          const between = namesIn(box)
          moveObject(id('box', 'p'), id('shelf', 'o'))
          return [between, get(shelf, 'o'), namesIn(box)]`),
      ).toEqual([['p'], 'one', []])
    })

    it('an object stays what it is where it is copied or moved to itself', async () => {
      expect(
        await script(`
          put(box, 'o', utf8('one'))
          payload(() => copyObject(id('box', 'o'), id('box', 'o')))
          payload(() => moveObject(id('box', 'o'), id('box', 'o')))
          return [get(box, 'o'), namesIn(box)]`),
      ).toEqual(['one', ['o']])
    })

    it('copying and moving fail where the target container, or the object, does not exist', async () => {
      expect(
        await script(`
          put(box, 'o', utf8('one'))
          return [copyObject, moveObject].flatMap((run) => [
            isError(() => run(id('box', 'o'), id('shelf', 'o'))), isError(() => run(id('box', 'x'), id('box', 'o'))),
          ]).concat(get(box, 'o'))`),
      ).toEqual([true, true, true, true, 'one'])
    })
  })

  describe('container', () => {
    it('says its name and when it was made', async () => {
      const before = BigInt(Math.floor(Date.now() / 1_000))
      const [name, info] = (await script(`return [box.name(), box.info()]`)) as [
        string,
        { name: string; createdAt: bigint },
      ]
      expect([name, info.name]).toEqual(['box', 'box'])
      expect(info.createdAt).toBeGreaterThanOrEqual(before)
    })

    it('write-data creates or replaces, and takes any bytes', async () => {
      expect(
        await script(`
          put(box, 'o', utf8('a longer one'))
          put(box, 'o', utf8('one'))
          put(box, 'empty', new Uint8Array())
          const all = Uint8Array.from({ length: 256 }, (_, n) => n)
          put(box, 'all', all)
          const back = IncomingValue.incomingValueConsumeSync(box.getData('all', 0n, toEnd))
          return [get(box, 'o'), get(box, 'empty'), back.every((byte, n) => byte === all[n]) && back.length]`),
      ).toEqual(['one', '', 256])
    })

    it('get-data takes both offsets as inclusive, and ends where the object ends', async () => {
      expect(
        await script(`
          put(box, 'o', utf8('0123456789'))
          return [get(box, 'o', 0n, 0n), get(box, 'o', 3n, 5n), get(box, 'o', 9n, 9n), get(box, 'o', 8n, 100n), get(box, 'o')]`),
      ).toEqual(['0', '345', '9', '89', '0123456789'])
    })

    it('get-data fails where there is no such object', async () => {
      expect(await script(`return isError(() => box.getData('x', 0n, toEnd))`)).toBe(true)
    })

    it('what get-data has given lives on, though the object is deleted or replaced', async () => {
      expect(
        await script(`
          put(box, 'o', utf8('one'))
          put(box, 'p', utf8('two'))
          const values = [box.getData('o', 0n, toEnd), box.getData('p', 0n, toEnd)]
          box.deleteObject('o')
          put(box, 'p', utf8('replaced'))
          return values.map((value) => text(IncomingValue.incomingValueConsumeSync(value)))`),
      ).toEqual(['one', 'two'])
    })

    it('deleting what is not there is no error, one or many', async () => {
      expect(
        await script(`
          for (const name of ['a', 'b', 'c']) put(box, name, utf8(name))
          box.deleteObject('x')
          box.deleteObjects(['a', 'x', 'b', 'a'])
          box.deleteObjects([])
          return namesIn(box)`),
      ).toEqual(['c'])
    })

    it('has-object and object-info say what is there', async () => {
      expect(
        await script(`
          put(box, 'o', utf8('12345'))
          const { name, container, size, createdAt } = box.objectInfo('o')
          return [box.hasObject('o'), box.hasObject('x'), name, container, size, createdAt > 0n, isError(() => box.objectInfo('x'))]`),
      ).toEqual([true, false, 'o', 'box', 5n, true, true])
    })

    it('clear leaves it empty, and there', async () => {
      expect(
        await script(`
          for (const name of ['a', 'b']) put(box, name, utf8(name))
          box.clear()
          box.clear()
          return [namesIn(box), containerExists('box')]`),
      ).toEqual([[], true])
    })

    it('names may be any text', async () => {
      const names = [
        '',
        ' ',
        '.',
        '..',
        '/',
        'a/b',
        '../x',
        'ü',
        '例え',
        'a\u0000b',
        'x'.repeat(300),
        'A',
        'a',
      ]
      expect(
        await script(`
          const names = ${JSON.stringify(names)}
          for (const name of names) put(box, name, utf8('<' + name + '>'))
          return [namesIn(box).length, names.every((name) => get(box, name) === '<' + name + '>')]`),
      ).toEqual([names.length, true])
    })
  })

  describe('stream-object-names', () => {
    it('reads and skips as many as it is asked to, and says whether that was the end', async () => {
      expect(
        await script(`
          for (let n = 0; n < 7; n += 1) put(box, 'o' + n, utf8('x'))
          const names = box.listObjects()
          const [first, early] = names.readStreamObjectNames(2n)
          const skipped = names.skipStreamObjectNames(3n)
          const [rest, isEnd] = names.readStreamObjectNames(10n)
          const [after, still] = names.readStreamObjectNames(1n)
          return [first.length, early, skipped, rest.length, isEnd, after, still, names.skipStreamObjectNames(5n),
            new Set([...first, ...rest]).size]`),
      ).toEqual([2, false, [3n, false], 2, true, [], true, [0n, true], 4])
    })

    it('of an empty container is at its end', async () => {
      expect(await script(`return box.listObjects().readStreamObjectNames(1n)`)).toEqual([[], true])
    })
  })

  describe('types', () => {
    it('the body of an outgoing value is given once', async () => {
      expect(
        await script(`
          const value = OutgoingValue.newOutgoingValue()
          const stream = value.outgoingValueWriteBody()
          return 'err' in payload(() => value.outgoingValueWriteBody())`),
      ).toBe(true)
    })

    it('a value is not the object before it is finished, and never where it is dropped', async () => {
      expect(
        await script(`
          put(box, 'o', utf8('before'))
          const value = OutgoingValue.newOutgoingValue()
          box.writeData('o', value)
          const stream = value.outgoingValueWriteBody()
          stream.blockingWriteAndFlush(utf8('half'))
          const during = get(box, 'o')
          drop(stream)
          drop(value)
          return [during, get(box, 'o')]`),
      ).toEqual(['before', 'before'])
    })

    it.each(['OutgoingValue.finish(value)', 'drop(value)'])(
      'with its stream still there, %s is a trap',
      async (end) => {
        const body = `
          const value = OutgoingValue.newOutgoingValue()
          box.writeData('o', value)
          const stream = value.outgoingValueWriteBody()
          ${end}`
        await expect(script(body)).rejects.toMatchObject({ code: 'ERR_APP_TRAP' })
      },
    )

    it('an incoming value has the size of its part, and is consumed as bytes or as a stream', async () => {
      expect(
        await script(`
          put(box, 'o', utf8('0123456789'))
          const [one, two] = [box.getData('o', 2n, 4n), box.getData('o', 0n, toEnd)]
          const sizes = [one.size(), two.size()]
          const stream = IncomingValue.incomingValueConsumeAsync(two)
          let all = ''
          for (;;) { const got = payload(() => stream.blockingRead(4n)); if (got.err) break; all += text(got.ok) }
          return [sizes, text(IncomingValue.incomingValueConsumeSync(one)), all]`),
      ).toEqual([[3n, 10n], '234', '0123456789'])
    })

    it('a large object goes both ways by streams', async () => {
      expect(
        await script(`
          const piece = Uint8Array.from({ length: 4096 }, (_, n) => n % 251)
          const value = OutgoingValue.newOutgoingValue()
          const out = value.outgoingValueWriteBody()
          box.writeData('large', value)
          for (let n = 0; n < 700; n += 1) out.blockingWriteAndFlush(piece)
          drop(out)
          OutgoingValue.finish(value)
          const incoming = box.getData('large', 0n, toEnd)
          const size = incoming.size()
          const stream = IncomingValue.incomingValueConsumeAsync(incoming)
          let [at, wrong] = [0, 0]
          for (;;) {
            const got = payload(() => stream.blockingRead(65536n))
            if (got.err) return [size, at, wrong, got.err.tag]
            for (const byte of got.ok) { if (byte !== piece[at % 4096]) wrong += 1; at += 1 }
          }`),
      ).toEqual([2_867_200n, 2_867_200, 0, 'closed'])
    })
  })
})
