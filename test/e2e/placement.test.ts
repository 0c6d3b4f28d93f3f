/** Three processes and one place: who runs the app when its node dies, and who when it is back. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join as joinPath } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { appFile, appFolder, join, openStage, runningVersion, start, until, type Daemon } from './harness.ts'

/** light-alarm with a placement of its own. */
async function placedApp(placement: string): Promise<string> {
  const folder = await mkdtemp(joinPath(tmpdir(), 'selvedge-placed-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const manifest = await readFile(joinPath(appFolder, 'selvedge.toml'), 'utf8')
  const file = '[component]\nfile = "app.wasm"'
  await writeFile(
    joinPath(folder, 'selvedge.toml'),
    `${manifest.replace('[component]', file)}\n${placement}\n`,
  )
  await writeFile(joinPath(folder, 'app.wasm'), await readFile(appFile))
  return folder
}

async function runners(daemons: readonly Daemon[]): Promise<Daemon[]> {
  const versions = await Promise.all(daemons.map((daemon) => runningVersion(daemon)))
  return daemons.filter((_, index) => versions[index] !== null)
}

describe('a release with one place', () => {
  it('runs on one node, on another when that one dies, and again on the first when it is back', async () => {
    const stage = await openStage()
    const first = await start(stage, { name: 'lobby-1' })
    const second = await join(stage, first, { name: 'lobby-2' })
    const third = await join(stage, first, { name: 'lobby-3' })
    const daemons = [first, second, third]
    const folder = await placedApp('[placement]\nreplicas = 1\nreplace-after = "1s"\nstable-names = true')
    const said = await stage.mustRun(['publish', folder, '--no-build', '--data', first.data, '--wait'])
    expect(said).toContain('on 1/1')
    const [owner] = await runners(daemons)
    if (owner === undefined) throw new Error('nobody runs it')
    const others = daemons.filter((daemon) => daemon !== owner)
    expect(await runners(others)).toEqual([])
    const ownId = (await owner.client.status()).self.id
    const [status] = (await others[0]?.client.status())?.placements ?? []
    expect(status).toMatchObject({ app: 'light-alarm', nodes: [ownId], instance: null })
    expect((await owner.client.status()).placements?.[0]?.instance).toBe('light-alarm-lobby-0')

    owner.kill('SIGKILL')
    await until('another node runs it', async () => (await runners(others)).length === 1)
    const back = await start(stage, { name: owner.name })
    let alwaysOne = true
    await until('its own node runs it again, alone', async () => {
      const running = await runners([back, ...others])
      if (running.length === 0) alwaysOne = false
      return running.length === 1 && running[0] === back
    })
    expect(alwaysOne).toBe(true)
  })

  it('is held with its reason where a group has nobody who can run it', async () => {
    const stage = await openStage()
    const first = await start(stage, { name: 'lobby-1' })
    const bare = await join(stage, first, { name: 'garage-1', group: 'garage', config: '' })
    const folder = await placedApp('[placement]\ngroups = ["lobby", "garage"]\nevery-group = true')
    const told = await stage.run(['publish', folder, '--no-build', '--data', first.data, '--wait'])
    expect(told.code).not.toBe(0)
    expect(told.stderr).toContain('of group garage can run it')
    expect(told.stderr).toContain('pin:led')
    expect(await runners([first, bare])).toEqual([])
    const { problems } = await first.client.status()
    expect(problems.map(({ code }) => code)).toContain('ERR_PLACEMENT_HELD')
  })
})
