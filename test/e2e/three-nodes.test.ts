/** Three processes, one mesh: invites, distribution, live swap, death, waking up alone, catching up. */
import { readFile, writeFile } from 'node:fs/promises'
import { join as pathOf } from 'node:path'
import { describe, expect, it } from 'vitest'
import { withBallast } from './ballast.ts'
import {
  appCalled,
  appFile,
  EventLedger,
  isOver,
  join,
  publishFolder,
  readLog,
  runningVersion,
  share,
  start,
  until,
  verdictOf,
  type Daemon,
  type Stage,
} from './harness.ts'
import { mustType } from './typed.ts'

interface Scene {
  readonly stage: Stage
  readonly lobby1: Daemon
  readonly lobby2: Daemon
  /** Ended and started again by a test of its death. */
  garage: Daemon
}

const scene = share<Scene>(async (stage) => {
  const lobby1 = await start(stage, { name: 'lobby-1' })
  const [lobby2, garage] = await Promise.all([
    join(stage, lobby1, { name: 'lobby-2' }),
    join(stage, lobby1, { name: 'garage-1', group: 'garage' }),
  ])
  return { stage, lobby1, lobby2, garage }
})

/** The three nodes, each of which sees the others alive. */
async function mesh(): Promise<[Daemon, Daemon, Daemon]> {
  const { stage, lobby1, lobby2, garage: last } = scene()
  if (await isOver(last)) scene().garage = await start(stage, { name: 'garage-1', group: 'garage' })
  const { garage } = scene()
  await allAlive(lobby1, lobby2, garage)
  return [lobby1, lobby2, garage]
}

function allAlive(...daemons: Daemon[]): Promise<void> {
  return until('all see each other alive', async () => {
    const views = await Promise.all(daemons.map((daemon) => daemon.client.status()))
    return views.every(({ nodes }) =>
      daemons.every(({ name }) => nodes.find((node) => node.name === name)?.state === 'alive'),
    )
  })
}

describe('three nodes', () => {
  it('become one mesh by invites, and every node’s status shows the same three', async () => {
    const daemons = await mesh()
    const views = await Promise.all(daemons.map((daemon) => daemon.client.status()))
    const names = new Set(daemons.map(({ name }) => name))
    const members = views.map(({ nodes }) =>
      nodes.filter(({ name }) => names.has(name)).map(({ id, name, groups }) => ({ id, name, groups })),
    )
    expect(members[0]?.length).toBe(3)
    expect(members[1]).toEqual(members[0])
    expect(members[2]).toEqual(members[0])
    expect(new Set(views.map((view) => view.mesh.id)).size).toBe(1)
  })

  it('carry a release published on one to all, through chunks of which each is checked', async () => {
    const { stage } = scene()
    const daemons = await mesh()
    const name = 'carried'
    const folder = await appCalled(stage, name)
    // None of the nodes has its chunks from another app.
    await writeFile(pathOf(folder, 'app.wasm'), withBallast(await readFile(appFile), 10_000))
    await publishFolder(stage, daemons[1], folder)
    for (const daemon of daemons)
      await until('1.0.0 runs everywhere', async () => (await runningVersion(daemon, name)) === '1.0.0')
    const [origin, other] = (await Promise.all([daemons[1].client.apps(), daemons[2].client.apps()])).map(
      (apps) => apps.find(({ app }) => app === name),
    )
    expect(origin?.fetchedBytes).toBe(0)
    expect(other?.fetchedBytes).toBeGreaterThan(1_000)
    expect(other?.digest).toBe(origin?.digest)
  })

  it('swap live: on every node each event is handled once, by the old release or the new one', async () => {
    const { stage } = scene()
    const daemons = await mesh()
    const name = 'swapped'
    const ledgers = daemons.map((daemon) => new EventLedger(daemon.name))
    const folder = await appCalled(stage, name)
    await publishFolder(stage, daemons[0], folder)
    await publishFolder(stage, daemons[0], folder, '--version', '2.0.0')
    await until('2.0.0 handles events on every node', async () => {
      const read = await Promise.all(
        daemons.map((daemon, index) => readLog(daemon, ledgers[index] as EventLedger, name)),
      )
      return read.every((ledger) => ledger.of('2.0.0').length > 3)
    })
    for (const ledger of ledgers) {
      expect(ledger.faults).toEqual([])
      const versions = ledger.events.map(({ version }) => version)
      expect(versions).toEqual([...versions].sort())
    }
  })

  it('place a release only on the nodes of its groups', async () => {
    const { stage } = scene()
    const [lobby1, lobby2, garage] = await mesh()
    const name = 'placed'
    await publishFolder(stage, lobby1, await appCalled(stage, name), '--group', 'garage')
    expect(await runningVersion(garage, name)).toBe('1.0.0')
    expect((await lobby1.client.apps()).map(({ app }) => app)).not.toContain(name)
    await until('the other one knows of it', async () => (await lobby2.client.releases(name)).length > 0)
    expect((await lobby2.client.releases(name)).map(({ version }) => version)).toEqual(['1.0.0'])
    expect((await lobby2.client.apps()).map(({ app }) => app)).not.toContain(name)
  })

  it('call a killed node dead; it wakes up with no peer reachable and runs what its disk holds; then catches up', async () => {
    const { stage } = scene()
    const [lobby1, lobby2, garage] = await mesh()
    const name = 'woken'
    const folder = await appCalled(stage, name)
    await publishFolder(stage, lobby1, folder)
    garage.kill('SIGKILL')
    await until('the lobby calls it dead', async () => (await verdictOf(lobby1, 'garage-1')) === 'dead')
    await publishFolder(stage, lobby1, folder, '--version', '1.1.0')

    // Really nobody there: both peers are stopped in the middle of whatever they did.
    lobby1.kill('SIGSTOP')
    lobby2.kill('SIGSTOP')
    const ledger = new EventLedger('garage-1')
    const back = await start(stage, { name: 'garage-1', group: 'garage' })
    scene().garage = back
    try {
      await until(
        '1.0.0 handles events on the lonely node',
        async () => (await readLog(back, ledger, name)).of('1.0.0').length > 2,
      )
      const alone = await back.client.status()
      const stateOf = (of: string): string | undefined => alone.nodes.find((node) => node.name === of)?.state
      expect(stateOf('garage-1')).toBe('isolated')
      expect([stateOf('lobby-1'), stateOf('lobby-2')]).not.toContain('dead')
    } finally {
      lobby1.kill('SIGCONT')
      lobby2.kill('SIGCONT')
    }
    await allAlive(lobby1, lobby2, back)
    await until(
      'it catches up with 1.1.0',
      async () => (await readLog(back, ledger, name)).of('1.1.0').length > 0,
    )
    expect(ledger.faults).toEqual([])
  })

  it('keep running on a node whose network is switched off, and heal when it is back', async () => {
    const { stage } = scene()
    const [lobby1, lobby2, garage] = await mesh()
    const name = 'cut'
    const folder = await appCalled(stage, name)
    await publishFolder(stage, lobby1, folder)
    await stage.mustRun(['network', 'off', '--data', garage.data])
    try {
      await until('the lobby misses it', async () => (await verdictOf(lobby1, 'garage-1')) !== 'alive')
      await until('it knows it', async () => (await verdictOf(garage, 'garage-1')) === 'isolated')
      await publishFolder(stage, lobby2, folder, '--version', '1.1.0')
      expect(await runningVersion(garage, name)).toBe('1.0.0')
    } finally {
      await stage.mustRun(['network', 'on', '--data', garage.data])
    }
    await allAlive(lobby1, lobby2, garage)
    await until('1.1.0 runs in the garage', async () => (await runningVersion(garage, name)) === '1.1.0')
  })

  it('let a node in that was invited by a node which is gone by now', async () => {
    const { stage } = scene()
    const [lobby1] = await mesh()
    const host = await join(stage, lobby1, { name: 'lobby-3' })
    const token = await mustType(stage, ['invite', '--data', host.data, '--group', 'garage'])
    const guest = await start(stage, { name: 'garage-2', group: 'garage', join: token.trim() })
    await allAlive(lobby1, host, guest)
    host.kill('SIGKILL')
    await until('the garage sees it dead', async () => (await verdictOf(guest, 'lobby-3')) === 'dead')
    const name = 'let-in'
    await publishFolder(stage, lobby1, await appCalled(stage, name), '--group', 'garage')
    await until('1.0.0 runs in the garage', async () => (await runningVersion(guest, name)) === '1.0.0')
    guest.kill('SIGTERM')
    await guest.exited
  })
})
