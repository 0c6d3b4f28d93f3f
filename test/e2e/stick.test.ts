/** Releases that travel by hand between nodes that no network joins, with the built program. */
import { readFile, writeFile } from 'node:fs/promises'
import { join as pathOf } from 'node:path'
import { describe, expect, it } from 'vitest'
import { appCalled, join, runningVersion, share, start, until } from './harness.ts'
import { mustType } from './typed.ts'

/** Two members that are cut off from each other before anything is published. */
const scene = share(async (stage) => {
  const lobby = await start(stage, { name: 'lobby-1' })
  const barn = await join(stage, lobby, { name: 'barn-1' })
  await Promise.all([lobby, barn].map(({ client }) => client.setNetwork(false)))
  return { stage, lobby, barn }
})

/** light-alarm under this name, on the first of them alone. */
async function published(name: string): Promise<void> {
  const { stage, lobby } = scene()
  await mustType(stage, ['publish', await appCalled(stage, name), '--no-build', '--data', lobby.data])
  await until('it runs where it was published', async () => (await runningVersion(lobby, name)) === '1.0.0')
}

describe('a node that no other reaches', () => {
  it('runs what a stick brings, and takes nothing of a stick that was damaged', async () => {
    const { stage, lobby, barn } = scene()
    const name = 'brought'
    await published(name)
    const stick = pathOf(stage.folder, 'home.selvedge')
    await stage.mustRun(['export', '--all', '--bundle', stick, '--data', lobby.data])

    const damaged = await readFile(stick)
    damaged[damaged.length - 5_000]! ^= 1
    await writeFile(`${stick}.damaged`, damaged)
    await expect(stage.mustRun(['import', `${stick}.damaged`, '--data', barn.data])).rejects.toThrow(
      /ERR_BUNDLE_INVALID/,
    )
    expect(await barn.client.releases(name)).toEqual([])

    expect(await stage.mustRun(['import', stick, '--dry-run', '--data', barn.data])).toContain(
      `${name} 1.0.0`,
    )
    expect(await barn.client.releases(name)).toEqual([])
    await stage.mustRun(['import', stick, '--data', barn.data])
    await until('it runs where the stick was', async () => (await runningVersion(barn, name)) === '1.0.0')
    expect((await barn.client.apps()).find(({ app }) => app === name)?.fetchedBytes).toBe(0)
  })

  it('runs what an OCI archive brings, with the signature of the publisher', async () => {
    const { stage, lobby, barn } = scene()
    const name = 'archived'
    await published(name)
    const [release] = await lobby.client.releases(name)
    const archive = pathOf(stage.folder, `${name}.tar`)
    await stage.mustRun(['export', `${name}@1.0.0`, '--oci', archive, '--data', lobby.data])
    await stage.mustRun(['import', archive, '--data', barn.data])
    await until('it runs where the archive was', async () => (await runningVersion(barn, name)) === '1.0.0')
    expect((await barn.client.releases(name))[0]).toMatchObject({
      digest: release?.digest,
      publisher: release?.publisher,
    })
  })
})
