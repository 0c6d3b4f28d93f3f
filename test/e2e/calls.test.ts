/** Calls to apps of other nodes, of the built program: asked anywhere, answered where it runs, also when nodes die. */
import { cp, mkdir, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { join as joinPath } from 'node:path'
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
import { ring } from './ring.ts'
import { mustType } from './typed.ts'

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

const pin = '[pins.led]\ndriver = "simulated"\n'
/** Has a port of its own on the first node. */
const greeter = 'greeter'

const scene = share(async (stage) => {
  const ownPort = await freePort()
  const lobby1 = await site(stage, 'lobby-1', 'lobby', undefined, `ports = { ${ownPort} = "${greeter}" }\n`)
  const [lobby2, garage] = await Promise.all([
    site(stage, 'lobby-2', 'lobby', lobby1, pin),
    site(stage, 'garage-1', 'garage', lobby1),
  ])
  return { stage, ownPort, lobby1, lobby2, garage }
})

/** hello-http under another name for nodes of some groups, with what a manifest says beside that. */
async function publish(at: Site, name: string, groups: readonly string[], more = ''): Promise<void> {
  const { stage } = scene()
  const placement = `[placement]\ngroups = ${JSON.stringify(groups)}\n`
  const change = (manifest: string): string => `${manifest}\n${placement}${more}`
  await publishFolder(stage, at.daemon, await appCalled(stage, name, change, 'hello-http'))
}

const nodeOf = async (url: string): Promise<string | null> => {
  const answer = await fetch(url, { headers: { 'x-selvedge-debug': '1' } })
  await answer.arrayBuffer()
  return answer.headers.get('x-selvedge-node')
}

describe('an app that runs elsewhere', () => {
  it('answers on every node of its group, at its path and on a port of its own, and beyond only where its release says so', async () => {
    const { stage, ownPort, lobby1, lobby2, garage } = scene()
    await publish(lobby2, greeter, ['lobby'], 'needs = ["name:lobby-2"]\n')
    await until('lobby-1 asks lobby-2', async () => (await fetch(`${lobby1.url}/${greeter}/`)).status === 200)
    expect(await nodeOf(`${lobby1.url}/${greeter}/a`)).toBe('lobby-2')
    expect(await nodeOf(`${lobby2.url}/${greeter}/a`)).toBe('lobby-2')
    const own = await fetch(`http://127.0.0.1:${ownPort}/x?y=1`)
    expect(await own.text()).toBe('Hello from Selvedge, you asked for /x?y=1\n')
    expect(own.headers.get('x-selvedge-node')).toBeNull()

    const refusal = async (): Promise<unknown[]> => {
      const answer = await fetch(`${garage.url}/${greeter}/`)
      return [answer.status, ((await answer.json()) as { error: string }).error]
    }
    await until('the garage has heard of it', async () => (await refusal())[1] !== 'ERR_CALL_NOWHERE')
    expect(await refusal()).toEqual([403, 'ERR_CALL_SCOPE'])
    await publish(lobby2, greeter, ['lobby'], 'needs = ["name:lobby-2"]\n[calls]\nscope = "mesh"\n')
    await until(
      'the garage asks the lobby',
      async () => (await nodeOf(`${garage.url}/${greeter}/`)) === 'lobby-2',
    )
    const { departures } = await garage.daemon.client.status()
    expect(departures?.map(({ app, nodes }) => [app, nodes])).toEqual([[greeter, ['lobby-2']]])
    const metrics = await stage.mustRun(['metrics', '--data', garage.daemon.data])
    expect(metrics).toMatch(/selvedge_calls_total\{app="greeter",scope="mesh",outcome="answered"\} \d/)
  })

  it('is streamed to and from, no faster than its client reads, and hears when that one leaves', async () => {
    const { stage, lobby1, lobby2 } = scene()
    const url = `${lobby1.url}/streamer/echo`
    await publish(lobby2, 'streamer', ['lobby'], 'needs = ["name:lobby-2"]\n')
    await until('lobby-1 asks lobby-2', async () => (await fetch(`${lobby1.url}/streamer/`)).status === 200)

    const sizeBytes = 4 * 1024 * 1024
    const body = Buffer.alloc(sizeBytes, 'selvedge')
    const echoed = await fetch(url, { method: 'POST', body })
    expect(Buffer.from(await echoed.arrayBuffer()).equals(body)).toBe(true)

    // A client that sends for ever and reads nothing comes to a stop; then it leaves.
    let sentBytes = 0
    const sending = request(url, { method: 'POST' })
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
    const served = async (): Promise<string> => mustType(stage, ['metrics', '--data', lobby2.daemon.data])
    expect(await served()).toContain('selvedge_calls_served 1')
    sending.destroy()
    await gone
    await until('lobby-2 has let go of it', async () => (await served()).includes('selvedge_calls_served 0'))
  })

  it('answers every request that may be made again while the node that serves it is killed', async () => {
    const { stage, lobby1, lobby2 } = scene()
    const lobby3 = await site(stage, 'lobby-3', 'lobby', lobby1, pin)
    await publish(lobby2, 'survivor', ['lobby'], 'needs = ["pin:led"]\n')
    const url = `${lobby1.url}/survivor/`
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

describe('calls that lead to one another', () => {
  /** Two of one guest on two nodes, each of which may go on to the other in both ways. */
  async function circle(): Promise<void> {
    const { stage, lobby1, lobby2 } = scene()
    const file = await ring(stage)
    const origins = [lobby1, lobby2].map(({ url }) => `"${url}"`).join(', ')
    const apps = [
      { name: 'ping', other: 'pong', node: 'lobby-1', at: lobby1 },
      { name: 'pong', other: 'ping', node: 'lobby-2', at: lobby2 },
    ]
    for (const { name, other, node, at } of apps) {
      const folder = joinPath(stage.folder, 'apps', name)
      await mkdir(folder, { recursive: true })
      await cp(file, joinPath(folder, 'app.wasm'))
      await writeFile(
        joinPath(folder, 'selvedge.toml'),
        `[app]
name = "${name}"
version = "1.0.0"
[component]
file = "app.wasm"
[grants]
http = [${origins}]
calls = ["${other}"]
[limits]
deadline = "60s"
[instances]
max = 8
[placement]
groups = ["lobby"]
needs = ["name:${node}"]
[[triggers]]
kind = "http"
`,
      )
      await publishFolder(stage, at.daemon, folder)
    }
    await until('each is answered on the other node', async () => {
      const seen = await Promise.all([nodeOf(`${lobby1.url}/pong/`), nodeOf(`${lobby2.url}/ping/`)])
      return seen[0] === 'lobby-2' && seen[1] === 'lobby-1'
    })
  }

  it('are counted across nodes, over HTTP, by name and both in turn, and end at the eighth with a clear error', async () => {
    await circle()
    const { lobby1, lobby2 } = scene()
    const http = ({ url }: Site, app: string): string => `/http:${new URL(url).port}:${app}`
    const asked = async (path: string): Promise<string> => (await fetch(`${lobby1.url}/ping${path}`)).text()
    // A letter for each step, the first one's included; each request enters at the node where its app does not run.
    expect(await asked(`${http(lobby1, 'pong')}${http(lobby2, 'ping')}`)).toMatch(
      /^H{9} 508 \{"error":"ERR_HTTP_LOOP","message":"apps ask one another in a circle"\}/,
    )
    expect(await asked('/call:pong/call:ping')).toBe(
      'C'.repeat(9) + ' refused: calls led to pong over 8 others',
    )
    expect(await asked(`${http(lobby1, 'pong')}/call:ping`)).toMatch(
      /^(HC){4}H 508 \{"error":"ERR_HTTP_LOOP"/,
    )
  })
})
