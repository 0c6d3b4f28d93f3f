/** A store that the nodes of a group share, through the built program and `components/counter`: cut, counted on, healed. */
import { describe, expect, it } from 'vitest'
import {
  appCalled,
  freePort,
  join,
  publishFolder,
  share,
  start,
  until,
  type Daemon,
  type Stage,
} from './harness.ts'

interface Site {
  readonly daemon: Daemon
  readonly name: string
  readonly config: string
  readonly url: string
}

async function site(stage: Stage, name: string, group: string, member?: Site): Promise<Site> {
  const port = await freePort()
  const config = `[http]\nlisten = "127.0.0.1:${port}"\n`
  const options = { name, group, config }
  const daemon =
    member === undefined ? await start(stage, options) : await join(stage, member.daemon, options)
  return { daemon, name, config, url: `http://127.0.0.1:${port}` }
}

/** counter under another name, on all nodes. @returns the sites with its address there */
async function counting(stage: Stage, name: string, ...sites: readonly Site[]): Promise<Site[]> {
  const [at] = sites
  if (at === undefined) return []
  await publishFolder(stage, at.daemon, await appCalled(stage, name, undefined, 'counter'))
  const counters = sites.map((one) => ({ ...one, url: `${one.url}/${name}` }))
  for (const { name: node, url } of counters)
    await until(`${node} answers`, async () => (await fetch(`${url}/x`)).status === 200)
  return counters
}

async function ask(at: Site, method: string, path: string, body?: string): Promise<string> {
  const answer = await fetch(`${at.url}${path}`, { method, ...(body !== undefined && { body }) })
  const text = await answer.text()
  if (answer.status !== 200) throw new Error(`${method} ${path}: ${answer.status} ${text}`)
  return text.trim()
}

/** In no particular order: each node lists them as it came to know them. */
const listOf = async (at: Site): Promise<string[]> => (await ask(at, 'GET', '/')).split('\n').sort()

const scene = share(async (stage) => {
  const one = await site(stage, 'lobby-1', 'lobby')
  const [two, three, garage] = await Promise.all([
    site(stage, 'lobby-2', 'lobby', one),
    site(stage, 'lobby-3', 'lobby', one),
    site(stage, 'garage-1', 'garage', one),
  ])
  return { stage, one, two, three, garage }
})

describe('a store of a group', () => {
  it('is written on both sides of a cut, and is the same on all nodes when it heals, also after a SIGKILL', async () => {
    const { stage, ...sites } = scene()
    const all = await counting(stage, 'visits', sites.one, sites.two, sites.three)
    const [one, two, three] = all as [Site, Site, Site]

    expect(await ask(one, 'POST', '/visitors')).toBe('1')
    await ask(two, 'PUT', '/limit', '10')
    for (const at of all) {
      await until(`${at.name} has both`, async () => (await listOf(at)).join() === 'limit 10,visitors 1')
    }

    await stage.mustRun(['network', 'off', '--data', three.daemon.data])
    expect(await ask(three, 'POST', '/visitors', '40')).toBe('41')
    await ask(three, 'PUT', '/limit', '30')
    await ask(three, 'PUT', '/', Array.from({ length: 50 }, (_, at) => `garage/${at} ${at}`).join('\n'))
    await ask(two, 'POST', '/visitors', '500')
    await ask(one, 'DELETE', '/limit')
    expect(await ask(two, 'GET', '/visitors')).not.toContain('4')

    // What was acknowledged outlives the process, and this side of the cut.
    three.daemon.kill('SIGKILL')
    const back: Site = { ...three, daemon: await start(stage, { name: 'lobby-3', config: three.config }) }
    await until('it answers again', async () => (await fetch(`${back.url}/visitors`)).status === 200)
    expect(Number(await ask(back, 'GET', '/visitors'))).toBeGreaterThanOrEqual(41)
    const nodes = [one, two, back]
    await until('all count 541', async () => {
      const counts = await Promise.all(nodes.map((at) => ask(at, 'GET', '/visitors')))
      return counts.every((count) => count === '541')
    })
    await until('all list the same', async () => {
      const lists = await Promise.all(nodes.map(listOf))
      return (
        new Set(lists.map((list) => list.join())).size === 1 && lists[0]?.includes('garage/49 49') === true
      )
    })
    await until(
      'nothing is wrong with it any more',
      async () => (await one.daemon.client.status()).problems.length === 0,
    )
  })

  it('does not leave its group', async () => {
    const { stage, ...sites } = scene()
    const [lobby, garage] = (await counting(stage, 'secrets', sites.one, sites.garage)) as [Site, Site]
    await ask(lobby, 'PUT', '/secret', '7')
    await ask(garage, 'PUT', '/other', '8')
    await new Promise((wake) => setTimeout(wake, 1_500))
    expect(await listOf(lobby)).toEqual(['secret 7'])
    expect(await listOf(garage)).toEqual(['other 8'])

    // Nor does it by a snapshot, unless somebody says that it is to.
    const file = `${stage.folder}/secrets.data`
    await stage.mustRun(['data', 'snapshot', 'secrets', '-o', file, '--data', lobby.daemon.data])
    const restore = ['data', 'restore', 'secrets', file, '--stop', '--data', garage.daemon.data]
    const { code, stderr } = await stage.run(restore)
    expect(code).toBe(1)
    expect(stderr).toMatch(
      /^error\[ERR_SNAPSHOT_GROUP\]: .*has what group lobby shared, and here secrets is shared by group garage$/m,
    )
    expect(stderr).toMatch(/^hint: .*--any-group/m)
    const lists = async (): Promise<string> => (await listOf(garage).catch((): string[] => [])).join()
    await until('it is back with what it had', async () => (await lists()) === 'other 8')
    await stage.mustRun([...restore, '--any-group'])
    await until('it has both', async () => (await lists()) === 'other 8,secret 7')
    expect(await listOf(lobby)).toEqual(['secret 7'])
  })
})
