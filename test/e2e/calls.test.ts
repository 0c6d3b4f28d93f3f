/** Calls to apps of other nodes, of the built program: asked anywhere, answered where it runs, also when nodes die. */
import { cp, readFile, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { createServer, type AddressInfo } from 'node:net'
import { join as joinPath, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { join, openStage, root, start, until, type Daemon, type Stage } from './harness.ts'

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as AddressInfo
  await new Promise((done) => server.close(done))
  return port
}

interface Site {
  readonly daemon: Daemon
  readonly url: string
}

/** The first of a mesh is in the lobby; others join as told. */
async function site(stage: Stage, name: string, group: string, member?: Site, more = ''): Promise<Site> {
  const port = await freePort()
  const options = { name, group, config: `[http]\nlisten = "127.0.0.1:${port}"\n${more}` }
  const daemon =
    member === undefined ? await start(stage, options) : await join(stage, member.daemon, options)
  return { daemon, url: `http://127.0.0.1:${port}` }
}

/** hello-http for nodes of some groups, with what a manifest says beside that. */
async function publish(stage: Stage, at: Site, groups: readonly string[], more = ''): Promise<void> {
  const folder = joinPath(at.daemon.data, 'hello-http')
  await cp(resolve(root, 'components/hello-http'), folder, { recursive: true })
  const file = joinPath(folder, 'selvedge.toml')
  const placement = `[placement]\ngroups = ${JSON.stringify(groups)}\n`
  await writeFile(file, `${await readFile(file, 'utf8')}\n${placement}${more}`)
  await stage.mustRun(['publish', folder, '--no-build', '--data', at.daemon.data, '--wait'])
}

const nodeOf = async (url: string): Promise<string | null> => {
  const answer = await fetch(url, { headers: { 'x-selvedge-debug': '1' } })
  await answer.arrayBuffer()
  return answer.headers.get('x-selvedge-node')
}

describe('an app that runs elsewhere', () => {
  it('answers on every node of its group, at its path and on a port of its own, and beyond only where its release says so', async () => {
    const stage = await openStage()
    const port = await freePort()
    const lobby1 = await site(stage, 'lobby-1', 'lobby', undefined, `ports = { ${port} = "hello-http" }\n`)
    const lobby2 = await site(stage, 'lobby-2', 'lobby', lobby1)
    const garage = await site(stage, 'garage-1', 'garage', lobby1)
    await publish(stage, lobby2, ['lobby'], 'needs = ["name:lobby-2"]\n')
    await until('lobby-1 asks lobby-2', async () => (await fetch(`${lobby1.url}/hello-http/`)).status === 200)
    expect(await nodeOf(`${lobby1.url}/hello-http/a`)).toBe('lobby-2')
    expect(await nodeOf(`${lobby2.url}/hello-http/a`)).toBe('lobby-2')
    const own = await fetch(`http://127.0.0.1:${port}/x?y=1`)
    expect(await own.text()).toBe('Hello from Selvedge, you asked for /x?y=1\n')
    expect(own.headers.get('x-selvedge-node')).toBeNull()

    const refused = await fetch(`${garage.url}/hello-http/`)
    expect([refused.status, ((await refused.json()) as { error: string }).error]).toEqual([
      403,
      'ERR_CALL_SCOPE',
    ])
    await publish(stage, lobby2, ['lobby'], 'needs = ["name:lobby-2"]\n[calls]\nscope = "mesh"\n')
    await until(
      'the garage asks the lobby',
      async () => (await nodeOf(`${garage.url}/hello-http/`)) === 'lobby-2',
    )
    const { departures } = await garage.daemon.client.status()
    expect(departures?.map(({ app, nodes }) => [app, nodes])).toEqual([['hello-http', ['lobby-2']]])
    const metrics = await stage.mustRun(['metrics', '--data', garage.daemon.data])
    expect(metrics).toMatch(/selvedge_calls_total\{app="hello-http",scope="mesh",outcome="answered"\} \d/)
  })

  it('is streamed to and from, no faster than its client reads, and hears when that one leaves', async () => {
    const stage = await openStage()
    const lobby1 = await site(stage, 'lobby-1', 'lobby')
    const lobby2 = await site(stage, 'lobby-2', 'lobby', lobby1)
    await publish(stage, lobby2, ['lobby'], 'needs = ["name:lobby-2"]\n')
    await until('lobby-1 asks lobby-2', async () => (await fetch(`${lobby1.url}/hello-http/`)).status === 200)

    const sizeBytes = 4 * 1024 * 1024
    const body = Buffer.alloc(sizeBytes, 'selvedge')
    const echoed = await fetch(`${lobby1.url}/hello-http/echo`, { method: 'POST', body })
    expect(Buffer.from(await echoed.arrayBuffer()).equals(body)).toBe(true)

    // A client that sends for ever and reads nothing comes to a stop; then it leaves.
    let sentBytes = 0
    const sending = request(`${lobby1.url}/hello-http/echo`, { method: 'POST' })
    const gone = new Promise<void>((done) => sending.once('close', done))
    sending.on('error', () => {})
    // Without a listener Node reads the response and throws it away.
    sending.on('response', (response) => void response.pause())
    const push = (): void => {
      while (!sending.destroyed) {
        sentBytes += 65_536
        if (!sending.write(Buffer.alloc(65_536, 1))) break
      }
    }
    sending.on('drain', push)
    push()
    let before = -1
    await until('the sender is held', async () => {
      const isHeld = sentBytes === before
      before = sentBytes
      await new Promise((wake) => setTimeout(wake, 400))
      return isHeld
    })
    // What the system holds for four receiving ends, 32 MiB each where it is let, and some for those that send.
    expect(sentBytes).toBeLessThan(200 * 1024 * 1024)
    const served = async (): Promise<string> => stage.mustRun(['metrics', '--data', lobby2.daemon.data])
    expect(await served()).toContain('selvedge_calls_served 1')
    sending.destroy()
    await gone
    await until('lobby-2 has let go of it', async () => (await served()).includes('selvedge_calls_served 0'))
  })

  it('answers every request that may be made again while the node that serves it is killed', async () => {
    const stage = await openStage()
    const lobby1 = await site(stage, 'lobby-1', 'lobby')
    const pin = '[pins.led]\ndriver = "simulated"\n'
    const lobby2 = await site(stage, 'lobby-2', 'lobby', lobby1, pin)
    const lobby3 = await site(stage, 'lobby-3', 'lobby', lobby1, pin)
    await publish(stage, lobby2, ['lobby'], 'needs = ["pin:led"]\n')
    const url = `${lobby1.url}/hello-http/`
    const seen = new Set<string | null>()
    await until(
      'both are asked',
      async () => seen.add(await nodeOf(url)).has('lobby-2') && seen.has('lobby-3'),
    )

    const outcomes: string[] = []
    const asked: Promise<unknown>[] = []
    const load = setInterval(() => {
      asked.push(
        fetch(url).then(
          async (answer) => outcomes.push(`${answer.status} ${await answer.text()}`),
          (error: unknown) => outcomes.push(String(error)),
        ),
      )
    }, 5)
    await until('some were answered', () => outcomes.length > 100)
    lobby3.daemon.kill('SIGKILL')
    const atDeath = asked.length
    await until('many more were asked', () => asked.length > atDeath + 300)
    clearInterval(load)
    await Promise.all(asked)
    expect(outcomes.filter((outcome) => !outcome.startsWith('200 Hello'))).toEqual([])
    expect(await nodeOf(url)).toBe('lobby-2')
  })
})
