import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createLog, exists, silentLog, systemClock, type LogEntry } from '../../../core/index.ts'
import type { Devices } from '../../../host/devices/index.ts'
import { startNode } from '../../../host/node/index.ts'
import { allProblems } from '../../../host/problems.ts'

/** How many sets of devices are open. */
const open = vi.hoisted(() => ({ devices: 0 }))

vi.mock('../../../host/devices/index.ts', async (original) => {
  const real = await original<{ openDevices(...args: unknown[]): Promise<Devices> }>()
  return {
    ...real,
    async openDevices(...args: unknown[]): Promise<Devices> {
      const devices = await real.openDevices(...args)
      open.devices += 1
      const close = async (): Promise<void> => {
        open.devices -= 1
        await devices.close()
      }
      return { ...devices, close }
    },
  }
})

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'selvedge-start-'))
  open.devices = 0
})

afterEach(() => rm(folder, { recursive: true, force: true }))

async function startAndStop(): ReturnType<typeof startNode> {
  const node = await startNode(options())
  await node.stop()
  return node
}

function options(changes: Partial<Parameters<typeof startNode>[0]> = {}): Parameters<typeof startNode>[0] {
  return {
    problems: allProblems(),
    data: join(folder, 'data'),
    keys: join(folder, 'keys'),
    config: undefined,
    name: 'lobby-1',
    groups: ['lobby'],
    join: undefined,
    listen: ['127.0.0.1:0'],
    announce: [],
    http: undefined,
    metrics: undefined,
    deploy: undefined,
    mdns: false,
    offline: false,
    log: silentLog,
    ...changes,
  }
}

describe('a node that starts', () => {
  it('founds its mesh the first time and is back in it the next, under the same identity', async () => {
    const first = await startNode(options())
    await first.stop()
    await first.stopped
    const second = await startNode(options())
    await second.stop()
    expect([first.origin, second.origin]).toEqual(['created', 'resumed'])
    expect(second.id).toBe(first.id)
    expect(second.mesh).toEqual(first.mesh)
    expect(open.devices).toBe(0)
  })

  it('is refused what is no token even when it is a member already', async () => {
    await (await startNode(options())).stop()
    await expect(startNode(options({ join: 'token' }))).rejects.toMatchObject({ code: 'ERR_TOKEN_MALFORMED' })
    // The folder is free again.
    await (await startNode(options())).stop()
  })
})

describe('a node that cannot start', () => {
  it('gives back its folder and its devices when a port is in use', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    const { port } = server.address() as { port: number }
    const taken = startNode(options({ listen: [`127.0.0.1:${port}`] }))
    await expect(taken).rejects.toMatchObject({ code: 'ERR_PORT_IN_USE' })
    expect(open.devices).toBe(0)
    server.close()
    await (await startNode(options())).stop()
  })

  it('gives back its devices when the mesh cannot be opened', async () => {
    await expect(startNode(options({ listen: ['nowhere'] }))).rejects.toMatchObject({ code: 'ERR_ADDRESS' })
    expect(open.devices).toBe(0)
    await (await startNode(options())).stop()
  })

  it.each([
    ['a name', { name: 'a b' }, 'ERR_NODE_NAME'],
    ['a group', { groups: ['x y'] }, 'ERR_NODE_GROUP'],
    ['an address to listen on', { listen: ['nowhere'] }, 'ERR_ADDRESS'],
    ['the address for metrics', { metrics: 'nowhere' }, 'ERR_METRICS_LISTEN'],
    ['an address to announce', { announce: ['nowhere'] }, 'ERR_ADDRESS'],
  ])('founds no mesh when %s is wrong', async (_what, changes, code) => {
    await expect(startNode(options(changes))).rejects.toMatchObject({ code })
    expect(await exists(join(folder, 'keys'))).toBe(false)
    expect(open.devices).toBe(0)
    expect((await startAndStop()).origin).toBe('created')
  })

  it('says where a new mesh has its keys even if it cannot go on', async () => {
    const told: LogEntry[] = []
    const server = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    const { port } = server.address() as { port: number }
    const log = createLog((entry) => void told.push(entry), systemClock)
    await expect(startNode(options({ listen: [`127.0.0.1:${port}`], log }))).rejects.toThrow()
    server.close()
    expect(JSON.stringify(told)).toContain(join(folder, 'keys'))
  })

  it('gives no app its own data or keys as a folder', async () => {
    const config = join(folder, 'node.toml')
    for (const path of ['data', 'keys', '.']) {
      await mkdir(join(folder, path), { recursive: true })
      await writeFile(config, `[folders.loot]\npath = "${path}"\naccess = "read-write"\n`)
      await expect(startNode(options({ config }))).rejects.toMatchObject({
        code: 'ERR_CONFIG_INVALID',
        message: expect.stringContaining(`${config}: folders.loot.path: `) as string,
      })
    }
  })

  it('touches nothing when its configuration is wrong', async () => {
    const config = join(folder, 'node.toml')
    await writeFile(config, 'nmae = "x"')
    await expect(startNode(options({ config }))).rejects.toMatchObject({
      code: expect.stringMatching(/^ERR_CONFIG/),
    })
    expect(open.devices).toBe(0)
  })
})
