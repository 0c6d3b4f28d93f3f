/** Hostile apps published to a real node beside a good one; and the node itself killed as an engine's fault kills it. */
import { writeFile } from 'node:fs/promises'
import { join as joinPath } from 'node:path'
import { describe, expect, it } from 'vitest'
import { guest, type GuestName } from '../guests/index.ts'
import { openStage, start, until, type Daemon, type Stage } from './harness.ts'
import { mustType } from './typed.ts'

const config = '[sensors.light]\ndriver = "simulated"\nshape = "constant"\nvalue = -7\nunit = "lx"\n'

async function publish(stage: Stage, node: Daemon, app: GuestName): Promise<void> {
  const file = joinPath(stage.folder, `${app}.wasm`)
  await writeFile(file, await guest(app))
  const grants = ['--grant', 'sensor:light', '--trigger', 'sensor:light:100ms']
  await mustType(stage, ['publish', file, '--app', app, '--data', node.data, ...grants])
}

async function handled(node: Daemon, name: string): Promise<number> {
  const { events } = (await node.client.apps()).find(({ app }) => app === name) ?? {}
  return (events?.handled ?? 0) + (events?.failed ?? 0)
}

describe('a node with hostile apps', () => {
  it('keeps the good one going, counts each incident and says its reason', async () => {
    const stage = await openStage()
    const node = await start(stage, { name: 'lobby-1', config })
    await publish(stage, node, 'echo')
    await until('the good app runs', async () => (await handled(node, 'echo')) > 3)
    const hostile = { loop: 'deadline', trap: 'trap', overflow: 'trap', grow: 'memory' } as const
    for (const app of [...(Object.keys(hostile) as (keyof typeof hostile)[]), 'flood' as const])
      await publish(stage, node, app)

    for (const [app, reason] of Object.entries(hostile)) {
      await until(`${app} has ended by ${reason}`, async () => {
        const found = (await node.client.apps()).find((candidate) => candidate.app === app)
        return (found?.usage?.incidents[reason] ?? 0) > 0 && found?.lastIncident?.reason === reason
      })
    }
    const before = await handled(node, 'echo')
    await until('the good app goes on', async () => (await handled(node, 'echo')) > before + 10)
    const shown = await stage.mustRun(['apps', '--data', node.data])
    expect(shown.replace(/\s+/g, ' ')).toMatch(
      /last incident .* ago, trap: .*unreachable.* in divide_by_nothing/,
    )
    const echo = (await node.client.apps()).find(({ app }) => app === 'echo')
    expect(echo).toMatchObject({ state: 'running', failures: 0, usage: { incidents: {} } })
    // What a guest writes reaches a terminal as text only.
    expect(shown).not.toMatch(/(?!\n)\p{Cc}/u)
  })

  it('that dies of one comes back with the app marked, and with it in a process of its own', async () => {
    const stage = await openStage()
    const node = await start(stage, { name: 'lobby-1', config })
    await publish(stage, node, 'echo')
    await until('the app runs', async () => (await handled(node, 'echo')) > 0)
    // As V8 ends a process: no handler of it runs.
    node.kill('SIGABRT')
    await node.exited

    const again = await start(stage, { name: 'lobby-1', config })
    // Which of both depends on how long it had lived: on a busy machine, a while.
    const died = /^the node died while echo 0\.0\.1 (was starting|ran in its process)$/
    await until('the log says it', async () =>
      (await again.client.logs({ app: 'echo', tail: 10 })).some(({ message }) => died.test(message)),
    )
    await until('it runs again', async () => (await handled(again, 'echo')) > 0)
    const local = (await again.client.apps()).find(({ app }) => app === 'echo')
    expect(local).toMatchObject({
      state: 'running',
      failures: 1,
      usage: { isolation: 'process', incidents: { crash: 1 } },
      lastIncident: { reason: 'crash', message: expect.stringMatching(died) as string },
    })

    await stage.mustRun(['stop', '--data', again.data])
    await again.exited
    const clean = await start(stage, { name: 'lobby-1', config })
    await until('it runs as before', async () => (await handled(clean, 'echo')) > 0)
    expect((await clean.client.apps())[0]).toMatchObject({
      failures: 0,
      usage: { isolation: 'worker', incidents: {} },
    })
  })
})
