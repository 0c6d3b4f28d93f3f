/**
 * What a mesh in which nothing happens does to the disks and processors of its nodes, in virtual time: flash wears out by
 * what is written for nothing, and a battery by what wakes a board.
 */
import { afterEach, expect, test } from 'vitest'
import { memoryFolder, type DurableFolder } from '../../core/index.ts'
import { VirtualHarbor, type Ship } from './virtual-harbor.ts'

const minuteMs = 60_000

let harbor: VirtualHarbor | null = null
afterEach(async () => {
  await harbor?.close()
  harbor = null
})

/** Counts what is written to a folder and those in it, by the name of the file. */
function counted(on: DurableFolder, writes: string[], within = ''): DurableFolder {
  return {
    path: on.path,
    read: (name, maxBytes) => on.read(name, maxBytes),
    list: () => on.list(),
    sizes: () => on.sizes(),
    folder: async (name) => counted(await on.folder(name), writes, `${within}${name}/`),
    async write(name, bytes) {
      writes.push(`${within}${name}`)
      await on.write(name, bytes)
    },
    async remove(name) {
      writes.push(`${within}${name} (removed)`)
      await on.remove(name)
    },
  }
}

/** Messages of heads that a node was sent. */
function headsHeard({ mesh: { traffic } }: Ship): number {
  const heads = traffic.protocols.find(({ protocol }) => protocol.includes('/heads/'))
  return heads?.received.messages ?? 0
}

test('nodes at rest write nothing, and hardly compare what they agree on', async () => {
  harbor = new VirtualHarbor(11)
  const writes: string[][] = [[], [], []]
  const folderOf = (at: number): DurableFolder => counted(memoryFolder(), writes[at] ?? [])
  const ships = [await harbor.found('n1', folderOf(0))]
  for (const at of [1, 2]) ships.push(await harbor.join(`n${at + 1}`, ships[0] as Ship, folderOf(at)))
  await harbor.dial((ships[1] as Ship).transport, ships[2] as Ship)
  const [first] = ships as [Ship]
  await first.mesh.publish(harbor.release())
  await harbor.until(() => ships.every(({ mesh }) => mesh.releases.heads().length === 1))
  // What was begun is over by then, the journal of refusals included.
  await harbor.clock.run(2 * minuteMs)
  expect(writes.every((list) => list.length > 0)).toBe(true)
  for (const list of writes) list.length = 0
  const before = ships.map(headsHeard)

  await harbor.clock.run(20 * minuteMs)
  expect(writes).toEqual([[], [], []])
  for (const [at, ship] of ships.entries()) {
    const perMinute = (headsHeard(ship) - (before[at] ?? 0)) / 20
    // Two neighbours, of which each says something four times a minute at the most.
    expect(perMinute).toBeLessThan(9)
    expect(perMinute).toBeGreaterThan(2)
  }

  // It is no deaf node: what is new is there at once.
  await first.mesh.publish(
    harbor.release({ seq: 2, previous: first.mesh.releases.heads()[0]?.digest ?? null }),
  )
  const tookMs = await harbor.until(() =>
    ships.every(({ mesh }) => mesh.releases.heads()[0]?.record.seq === 2),
  )
  expect(tookMs).toBeLessThan(1_000)
})
