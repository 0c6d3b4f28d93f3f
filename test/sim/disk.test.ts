/** The virtual disk, and what the daemon's durable files make of it. */
import { expect, test } from 'vitest'
import { PowerCut, simSeed, SeededRandom, SimDisk, withSeedAsync, type Unsynced } from './index.ts'

const seed = simSeed()
const all: readonly Unsynced[] = ['lost', 'kept', 'reordered']
const text = (bytes: Uint8Array | null): string | null =>
  bytes === null ? null : new TextDecoder().decode(bytes)
const bytesOf = (content: string): Uint8Array => new TextEncoder().encode(content)

test('what a durable file held before or after a power cut at any step is there, never a mix', () =>
  withSeedAsync(seed, async (random) => {
    let steps = 0
    for (let step = 0; ; step++) {
      const disk = new SimDisk(random)
      await (await disk.folder('/data/a')).write('file', bytesOf('before'))
      disk.cutAtStep = disk.steps + step
      const folder = await disk.folder('/data/a').catch(() => null)
      const isWritten = await folder?.write('file', bytesOf('afterwards')).then(
        () => true,
        () => false,
      )
      if (!disk.isOff) break
      steps++
      expect(isWritten).not.toBe(true)
      for (const unsynced of all) {
        const found = await (await disk.restart(unsynced).folder('/data/a')).read('file', 100)
        expect(['before', 'afterwards']).toContain(text(found))
      }
    }
    // The folder that is there already, create, write, flush, rename, flush of the folder.
    expect(steps).toBe(6)
  }))

test('what was acknowledged survives any cut, in folders made on the way too', () =>
  withSeedAsync(seed, async (random) => {
    for (const unsynced of all) {
      const disk = new SimDisk(random)
      const folder = await (await disk.folder('/data')).folder('inner')
      await folder.write('file', bytesOf('kept'))
      const again = await (await disk.restart(unsynced).folder('/data')).folder('inner')
      expect(text(await again.read('file', 100))).toBe('kept')
      expect(await again.list()).toEqual(['file'])
    }
  }))

test('what was not flushed may be lost, kept or torn', async () => {
  const seen = new Set<string>()
  for (let at = 0; at < 200; at++) {
    const disk = new SimDisk(new SeededRandom(at))
    disk.onStep = (step) => {
      if (step === 'sync') disk.cutPower()
    }
    await disk.createSynced('/file', bytesOf('whole')).catch(() => {})
    const after = disk.restart('reordered')
    seen.add(after.files().length === 0 ? 'none' : (text(await after.readWhole('/file', () => {})) ?? ''))
  }
  expect([...seen].sort()).toEqual(expect.arrayContaining(['none', 'whole', '', 'wh', '\0\0\0\0\0']))
})

test('a rename that was not flushed is undone whole or kept whole', async () => {
  const seen = new Set<string>()
  for (let at = 0; at < 50; at++) {
    const disk = new SimDisk(new SeededRandom(at))
    await disk.createSynced('/old', bytesOf('x'))
    await disk.syncFolder('/')
    await disk.rename('/old', '/new')
    seen.add(disk.restart('reordered').files().join(' '))
  }
  expect([...seen].sort()).toEqual(['/new', '/old'])
})

test('a full disk says so and keeps what it had', () =>
  withSeedAsync(seed, async (random) => {
    const disk = new SimDisk(random)
    const folder = await disk.folder()
    await folder.write('small', new Uint8Array(60))
    disk.capacityBytes = 100
    await expect(folder.write('large', new Uint8Array(60))).rejects.toMatchObject({ code: 'ERR_DISK_FULL' })
    expect(await folder.list()).toEqual(['small'])
    expect(disk.usedBytes).toBe(60)
    await folder.remove('small')
    await folder.write('large', new Uint8Array(60))
    expect(disk.usedBytes).toBe(60)
  }))

test('a failing disk answers EIO before or after the deed', () =>
  withSeedAsync(seed, async (random) => {
    const disk = new SimDisk(random)
    const folder = await disk.folder()
    disk.faults = 0.3
    const outcomes = new Set<string>()
    for (let at = 0; at < 200; at++) {
      const isWritten = await folder.write(`f${at}`, new Uint8Array(1)).then(
        () => true,
        () => false,
      )
      outcomes.add(`${isWritten} ${disk.files().includes(`/data/f${at}`)}`)
    }
    expect([...outcomes].sort()).toEqual(['false false', 'false true', 'true true'])
  }))

test('a folder of before a power cut answers no more, and a bit can flip', () =>
  withSeedAsync(seed, async (random) => {
    const disk = new SimDisk(random)
    const folder = await disk.folder()
    await folder.write('file', bytesOf('intact'))
    disk.cutPower()
    await expect(folder.read('file', 10)).rejects.toBeInstanceOf(PowerCut)
    const after = disk.restart('kept')
    expect(after.flipBit('/data/file')).toBe(true)
    expect(text(await (await after.folder()).read('file', 10))).not.toBe('intact')
  }))
