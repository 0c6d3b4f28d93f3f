/** Three processes and one place: who runs the app when its node dies, and who when it is back. */
import { describe, expect, it } from 'vitest'
import {
  allKnown,
  appCalled,
  join,
  publishFolder,
  runningVersion,
  share,
  start,
  until,
  type Daemon,
} from './harness.ts'

const scene = share(async (stage) => {
  const first = await start(stage, { name: 'lobby-1' })
  const [second, third, bare] = await Promise.all([
    join(stage, first, { name: 'lobby-2' }),
    join(stage, first, { name: 'lobby-3' }),
    join(stage, first, { name: 'garage-1', group: 'garage', config: '' }),
  ])
  // A node that has not heard of another's devices gives its place to the next, until it has.
  await allKnown([first, second, third, bare])
  return { stage, lobby: [first, second, third] as [Daemon, Daemon, Daemon], bare }
})

/** light-alarm with a placement of its own. */
function placedApp(name: string, placement: string): Promise<string> {
  return appCalled(scene().stage, name, (manifest) => `${manifest}\n${placement}\n`)
}

async function runners(daemons: readonly Daemon[], name: string): Promise<Daemon[]> {
  const versions = await Promise.all(daemons.map((daemon) => runningVersion(daemon, name)))
  return daemons.filter((_, index) => versions[index] !== null)
}

describe('a release with one place', () => {
  it('runs on one node, on another when that one dies, and again on the first when it is back', async () => {
    const { stage, lobby } = scene()
    const name = 'one-place'
    const terms = 'groups = ["lobby"]\nreplicas = 1\nreplace-after = "1s"\nstable-names = true'
    const folder = await placedApp(name, `[placement]\n${terms}`)
    expect(await publishFolder(stage, lobby[0], folder)).toContain('on 1/1')
    const [owner] = await runners(lobby, name)
    if (owner === undefined) throw new Error('nobody runs it')
    const others = lobby.filter((daemon) => daemon !== owner)
    expect(await runners(others, name)).toEqual([])
    const ownId = (await owner.client.status()).self.id
    const placementAt = async (at: Daemon | undefined) =>
      (await at?.client.status())?.placements?.find(({ app }) => app === name)
    await until('the others have heard of it', async () => (await placementAt(others[0])) !== undefined)
    expect(await placementAt(others[0])).toMatchObject({ app: name, nodes: [ownId], instance: null })
    expect((await placementAt(owner))?.instance).toBe(`${name}-lobby-0`)

    owner.kill('SIGKILL')
    await until('another node runs it', async () => (await runners(others, name)).length === 1)
    const back = await start(stage, { name: owner.name })
    lobby[lobby.indexOf(owner)] = back
    let alwaysOne = true
    await until('its own node runs it again, alone', async () => {
      const running = await runners([back, ...others], name)
      if (running.length === 0) alwaysOne = false
      return running.length === 1 && running[0] === back
    })
    expect(alwaysOne).toBe(true)
  })

  it('is held with its reason where a group has nobody who can run it', async () => {
    const { stage, lobby, bare } = scene()
    const name = 'held'
    const folder = await placedApp(name, '[placement]\ngroups = ["lobby", "garage"]\nevery-group = true')
    const told = await stage.run(['publish', folder, '--no-build', '--data', lobby[0].data, '--wait'])
    expect(told.code).not.toBe(0)
    expect(told.stderr).toContain('of group garage can run it')
    expect(told.stderr).toContain('pin:led')
    expect(await runners([...lobby, bare], name)).toEqual([])
    const { problems } = await lobby[0].client.status()
    expect(problems.map(({ code }) => code)).toContain('ERR_PLACEMENT_HELD')
  })
})
