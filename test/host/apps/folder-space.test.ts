import { link, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { countFolder } from '../../../host/apps/folder-count.ts'
import { FolderSpaces, type AppSpace } from '../../../host/apps/folder-space.ts'
import { spacePiece, type SpaceAmount } from '../../../host/guest/index.ts'
import { FakeClock, settle } from '../fake-clock.ts'

const plenty = { bytes: Infinity, items: Infinity }

describe('a look through a folder', () => {
  let folder = ''
  afterEach(() => rm(folder, { recursive: true, force: true }))

  it('counts files by their length, folders and links, and follows none', async () => {
    folder = await mkdtemp(join(tmpdir(), 'selvedge-count-'))
    await mkdir(join(folder, 'inner/most'), { recursive: true })
    await writeFile(join(folder, 'a'), 'x'.repeat(100))
    await writeFile(join(folder, 'inner/most/b'), 'x'.repeat(50))
    await link(join(folder, 'a'), join(folder, 'second name of a'))
    await symlink('/', join(folder, 'inner/root'))
    expect(await countFolder(folder, plenty)).toEqual({ bytes: 150, items: 6 })
    expect(await countFolder(join(folder, 'gone'), plenty)).toEqual({ bytes: 0, items: 0 })
  })

  it('stops when there is more than enough', async () => {
    folder = await mkdtemp(join(tmpdir(), 'selvedge-count-'))
    for (let n = 0; n < 50; n += 1) await writeFile(join(folder, `f${n}`), 'x')
    expect(await countFolder(folder, { bytes: 1_000, items: 9 })).toMatchObject({ items: 10 })
  })
})

interface Kit {
  readonly clock: FakeClock
  readonly spaces: FolderSpaces
  readonly refusals: string[]
  found: SpaceAmount
  looks: number
  open(asked?: Partial<SpaceAmount>): AppSpace
}

function kit(found: SpaceAmount, size: number, files = 1_000): Kit {
  const clock = new FakeClock()
  const refusals: string[] = []
  const made: Kit = {
    clock,
    refusals,
    found,
    looks: 0,
    spaces: new FolderSpaces({
      clock,
      folders: {
        inbox: { path: '/inbox', access: 'read-write', size, files },
        photos: { path: '/photos', access: 'read', size, files },
      },
      count: async () => {
        made.looks += 1
        return made.found
      },
    }),
    open: (asked = {}) =>
      made.spaces.open(['inbox'], asked, (name, held, allowed) =>
        refusals.push(`${name} ${held.bytes}/${allowed.bytes}`),
      ),
  }
  return made
}

function ask(space: AppSpace, name: string, ...args: unknown[]): Promise<unknown> {
  const bound = space.bound.functions[name]
  if (bound?.mode !== 'call') throw new Error(`${name} is no call`)
  return Promise.resolve().then(() => bound.run(args))
}

const quota = expect.objectContaining({ payload: 'quota' }) as Error
const piece = spacePiece.bytes

describe('the space of a folder', () => {
  it('is lent in pieces, as far as there is room', async () => {
    const { open, spaces } = kit({ bytes: 100, items: 3 }, 2 * piece)
    const space = open()
    expect(await ask(space, 'take', '/inbox', 10, 0)).toEqual({ bytes: piece, items: 0 })
    expect(await ask(space, 'take', '/inbox', 10, 1)).toEqual({ bytes: piece - 100, items: spacePiece.items })
    expect(spaces.report(['inbox', 'photos'], {})).toEqual({
      inbox: {
        held: { bytes: 2 * piece, items: 3 + spacePiece.items },
        allowed: { bytes: 2 * piece, items: 1_000 },
      },
    })
  })

  it('is refused where there is none, after another look, and that is told once', async () => {
    const made = kit({ bytes: 90, items: 0 }, 100)
    const { clock, open, refusals } = made
    const space = open()
    await settle()
    for (let n = 0; n < 2; n += 1) {
      const refused = expect(ask(space, 'take', '/inbox', 20, 0)).rejects.toThrow(quota)
      await clock.advance(1_000)
      await refused
    }
    expect(made.looks).toBe(1)
    expect(refusals).toEqual(['inbox 90/100'])
    expect(await ask(space, 'take', '/inbox', 10, 0)).toEqual({ bytes: 10, items: 0 })
  })

  it('is there again for whoever asks when somebody else has tidied up', async () => {
    const made = kit({ bytes: 100, items: 0 }, 100)
    const space = made.open()
    await settle()
    await made.clock.advance(10_000)
    made.found = { bytes: 0, items: 0 }
    expect(await ask(space, 'take', '/inbox', 60, 0)).toEqual({ bytes: 100, items: 0 })
    expect(made.looks).toBe(2)
  })

  it('is what the app asked for, where its owner allows as much', async () => {
    const { open, clock } = kit({ bytes: 0, items: 0 }, 1_000)
    expect(await ask(open({ bytes: 50 }), 'take', '/inbox', 10, 0)).toEqual({ bytes: 50, items: 0 })
    const greedy = open({ bytes: 1e15 })
    const refused = expect(ask(greedy, 'take', '/inbox', 2_000, 0)).rejects.toThrow(quota)
    await clock.advance(1_000)
    await refused
  })

  it('counts what is hidden also after the next look, until it is gone or its instances are', async () => {
    const made = kit({ bytes: 0, items: 0 }, 100)
    const space = made.open()
    await ask(space, 'hide', '/inbox', 80, 80)
    await made.clock.advance(10_000)
    const refused = expect(ask(space, 'take', '/inbox', 50, 0)).rejects.toThrow(quota)
    await made.clock.advance(1_000)
    await refused
    await ask(space, 'hide', '/inbox', -30, -30)
    expect(await ask(space, 'take', '/inbox', 50, 0)).toEqual({ bytes: 50, items: 0 })
    space.close()
    expect(made.spaces.report(['inbox'], {})['inbox']?.held).toEqual({ bytes: 50, items: 0 })
  })

  it.each([
    ['another folder', ['/photos', 1, 0]],
    ['no number', ['/inbox', '1', 0]],
    ['an amount that is none', ['/inbox', Number.NaN, 0]],
  ])('is nothing for a sandbox that names %s', async (_, args) => {
    await expect(ask(kit({ bytes: 0, items: 0 }, 100).open(), 'take', ...args)).rejects.toThrow(/a sandbox/)
  })

  it('does not grow by what a sandbox gives back that it never had', async () => {
    const { open, spaces } = kit({ bytes: 10, items: 1 }, 100)
    const space = open()
    await settle()
    await ask(space, 'give-back', '/inbox', 1_000, 1_000)
    await ask(space, 'give-back', '/inbox', -1_000, -1_000)
    expect(spaces.report(['inbox'], {})['inbox']?.held).toEqual({ bytes: 0, items: 0 })
  })
})
