/** Three processes, one mesh: invites, distribution, live swap, death, waking up alone, catching up. */
import { describe, expect, it } from 'vitest'
import {
  app,
  EventLedger,
  join,
  openStage,
  publishApp,
  readLog,
  runningVersion,
  start,
  until,
  verdictOf,
  type Daemon,
  type Stage,
} from './harness.ts'

async function mesh(stage: Stage): Promise<[Daemon, Daemon, Daemon]> {
  const lobby1 = await start(stage, { name: 'lobby-1' })
  const lobby2 = await join(stage, lobby1, { name: 'lobby-2' })
  const garage = await join(stage, lobby1, { name: 'garage-1', group: 'garage' })
  await everybodyAlive(lobby1, lobby2, garage)
  return [lobby1, lobby2, garage]
}

function everybodyAlive(...daemons: Daemon[]): Promise<void> {
  return until('everybody sees everybody alive', async () => {
    const views = await Promise.all(daemons.map((daemon) => daemon.client.status()))
    return views.every(
      ({ nodes }) => nodes.length === daemons.length && nodes.every(({ state }) => state === 'alive'),
    )
  })
}

describe('three nodes', () => {
  it('become one mesh by invites, and every node’s status shows the same three', async () => {
    const stage = await openStage()
    const daemons = await mesh(stage)
    const views = await Promise.all(daemons.map((daemon) => daemon.client.status()))
    const members = views.map(({ nodes }) => nodes.map(({ id, name, groups }) => ({ id, name, groups })))
    expect(members[1]).toEqual(members[0])
    expect(members[2]).toEqual(members[0])
    expect(new Set(views.map((view) => view.mesh.id)).size).toBe(1)
  })

  it('carry a release published on one to all, through chunks of which each is checked', async () => {
    const stage = await openStage()
    const daemons = await mesh(stage)
    await publishApp(stage, daemons[1])
    for (const daemon of daemons)
      await until('1.0.0 runs everywhere', async () => (await runningVersion(daemon)) === '1.0.0')
    const [origin, other] = await Promise.all([daemons[1].client.apps(), daemons[2].client.apps()])
    expect(origin[0]?.fetchedBytes).toBe(0)
    expect(other[0]?.fetchedBytes).toBeGreaterThan(1_000)
    expect(other[0]?.digest).toBe(origin[0]?.digest)
  })

  it('swap live: on every node each event is handled once, by the old release or the new one', async () => {
    const stage = await openStage()
    const daemons = await mesh(stage)
    const ledgers = daemons.map(({ name }) => new EventLedger(name))
    await publishApp(stage, daemons[0])
    await publishApp(stage, daemons[0], '--version', '2.0.0')
    await until('2.0.0 handles events on every node', async () => {
      const read = await Promise.all(
        daemons.map((daemon, index) => readLog(daemon, ledgers[index] as EventLedger)),
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
    const stage = await openStage()
    const [lobby1, lobby2, garage] = await mesh(stage)
    await publishApp(stage, lobby1, '--group', 'garage')
    expect(await runningVersion(garage)).toBe('1.0.0')
    for (const daemon of [lobby1, lobby2]) expect(await daemon.client.apps()).toEqual([])
    expect((await lobby2.client.releases(app)).map(({ version }) => version)).toEqual(['1.0.0'])
  })

  it('call a killed node dead; it wakes up with no peer reachable and runs what its disk holds; then catches up', async () => {
    const stage = await openStage()
    const [lobby1, lobby2, garage] = await mesh(stage)
    await publishApp(stage, lobby1)
    garage.kill('SIGKILL')
    await until('the lobby calls it dead', async () => (await verdictOf(lobby1, 'garage-1')) === 'dead')
    await publishApp(stage, lobby1, '--version', '1.1.0')

    // Really nobody there: both peers are stopped in the middle of whatever they did.
    lobby1.kill('SIGSTOP')
    lobby2.kill('SIGSTOP')
    const ledger = new EventLedger('garage-1')
    const back = await start(stage, { name: 'garage-1', group: 'garage' })
    await until(
      '1.0.0 handles events on the lonely node',
      async () => (await readLog(back, ledger)).of('1.0.0').length > 2,
    )
    const alone = await back.client.status()
    expect(alone.nodes.find(({ name }) => name === 'garage-1')?.state).toBe('isolated')
    expect(alone.nodes.map(({ state }) => state)).not.toContain('dead')

    lobby1.kill('SIGCONT')
    lobby2.kill('SIGCONT')
    await everybodyAlive(lobby1, lobby2, back)
    await until('it catches up with 1.1.0', async () => (await readLog(back, ledger)).of('1.1.0').length > 0)
    expect(ledger.faults).toEqual([])
  })

  it('keep running on a node whose network is switched off, and heal when it is back', async () => {
    const stage = await openStage()
    const [lobby1, lobby2, garage] = await mesh(stage)
    await publishApp(stage, lobby1)
    await stage.mustRun(['network', 'off', '--data', garage.data])
    await until('the lobby misses it', async () => (await verdictOf(lobby1, 'garage-1')) !== 'alive')
    expect(await verdictOf(garage, 'garage-1')).toBe('isolated')
    await publishApp(stage, lobby2, '--version', '1.1.0')
    expect(await runningVersion(garage)).toBe('1.0.0')
    await stage.mustRun(['network', 'on', '--data', garage.data])
    await everybodyAlive(lobby1, lobby2, garage)
    await until('1.1.0 runs in the garage', async () => (await runningVersion(garage)) === '1.1.0')
  })

  it('let a node in that was invited by a node which is gone by now', async () => {
    const stage = await openStage()
    const lobby1 = await start(stage, { name: 'lobby-1' })
    const lobby2 = await join(stage, lobby1, { name: 'lobby-2' })
    const garage = await join(stage, lobby2, { name: 'garage-1', group: 'garage' })
    await everybodyAlive(lobby1, lobby2, garage)
    lobby2.kill('SIGKILL')
    await until('the garage sees lobby-2 dead', async () => (await verdictOf(garage, 'lobby-2')) === 'dead')
    await publishApp(stage, lobby1)
    await until('1.0.0 runs in the garage', async () => (await runningVersion(garage)) === '1.0.0')
  })
})
