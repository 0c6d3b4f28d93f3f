/** Releases that travel by hand between nodes that no network joins, with the built program. */
import { readFile, writeFile } from 'node:fs/promises'
import { dirname, join as pathOf } from 'node:path'
import { describe, expect, it } from 'vitest'
import {
  app,
  appFolder,
  join,
  openStage,
  runningVersion,
  start,
  until,
  type Daemon,
  type Stage,
} from './harness.ts'

/** Two members that are cut off from each other before anything is published. */
async function apart(stage: Stage): Promise<[Daemon, Daemon]> {
  const lobby = await start(stage, { name: 'lobby-1' })
  const barn = await join(stage, lobby, { name: 'barn-1' })
  await Promise.all([lobby, barn].map(({ client }) => client.setNetwork(false)))
  return [lobby, barn]
}

describe('a node that no other reaches', () => {
  it('runs what a stick brings, and takes nothing of a stick that was damaged', async () => {
    const stage = await openStage()
    const [lobby, barn] = await apart(stage)
    await stage.mustRun(['publish', appFolder, '--no-build', '--data', lobby.data])
    await until('it runs where it was published', async () => (await runningVersion(lobby)) === '1.0.0')
    const stick = pathOf(dirname(lobby.data), 'home.selvedge')
    await stage.mustRun(['export', '--all', '--bundle', stick, '--data', lobby.data])

    const damaged = await readFile(stick)
    damaged[damaged.length - 5_000]! ^= 1
    await writeFile(`${stick}.damaged`, damaged)
    await expect(stage.mustRun(['import', `${stick}.damaged`, '--data', barn.data])).rejects.toThrow(
      /ERR_BUNDLE_INVALID/,
    )
    expect(await barn.client.releases(app)).toEqual([])

    expect(await stage.mustRun(['import', stick, '--dry-run', '--data', barn.data])).toContain(`${app} 1.0.0`)
    expect(await barn.client.releases(app)).toEqual([])
    await stage.mustRun(['import', stick, '--data', barn.data])
    await until('it runs where the stick was', async () => (await runningVersion(barn)) === '1.0.0')
    expect((await barn.client.apps())[0]?.fetchedBytes).toBe(0)
  })

  it('runs what an OCI archive brings, with the signature of the publisher', async () => {
    const stage = await openStage()
    const [lobby, barn] = await apart(stage)
    await stage.mustRun(['publish', appFolder, '--no-build', '--data', lobby.data])
    const [published] = await lobby.client.releases(app)
    const archive = pathOf(dirname(lobby.data), 'light-alarm.tar')
    await stage.mustRun(['export', `${app}@1.0.0`, '--oci', archive, '--data', lobby.data])
    await stage.mustRun(['import', archive, '--data', barn.data])
    await until('it runs where the archive was', async () => (await runningVersion(barn)) === '1.0.0')
    expect((await barn.client.releases(app))[0]).toMatchObject({
      digest: published?.digest,
      publisher: published?.publisher,
    })
  })
})
