/** A node with the least memory that one can be told to live with: what it runs, and what it refuses with which numbers. */
import { cp, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join as joinPath, resolve } from 'node:path'
import { expect, it } from 'vitest'
import { shareMemory, smallestBudgetBytes } from '../../host/budget/index.ts'
import {
  app,
  appFile,
  appFolder,
  lightAndLed,
  openStage,
  publishApp,
  publishFolder,
  root,
  runningVersion,
  start,
  until,
  type Daemon,
  type Stage,
} from './harness.ts'

const mib = 2 ** 20
const whole = smallestBudgetBytes / mib
const forApps = shareMemory(smallestBudgetBytes).shares.apps / mib
const config = `${lightAndLed}\n[limits]\nmemory = "${whole} MiB"\n`

/** The component of light-alarm as another app, with another limit. */
async function publishAs(stage: Stage, node: Daemon, name: string, memory: string): Promise<void> {
  const folder = joinPath(stage.folder, name)
  await mkdir(joinPath(folder, 'build'), { recursive: true })
  const manifest = await readFile(joinPath(appFolder, 'selvedge.toml'), 'utf8')
  const changed = manifest
    .replace('name = "light-alarm"', `name = "${name}"`)
    .replace('memory = "1 MiB"', `memory = "${memory}"`)
  await writeFile(joinPath(folder, 'selvedge.toml'), changed)
  await cp(appFile, joinPath(folder, 'build', `${name}.wasm`))
  await stage.mustRun(['publish', folder, '--no-build', '--data', node.data])
}

async function reasonOf(node: Daemon, name: string): Promise<string | undefined> {
  const found = (await node.client.apps()).find((candidate) => candidate.app === name)
  return found?.reason?.message
}

it('a node with the least memory runs a small app, and refuses others with the numbers', async () => {
  const stage = await openStage()
  const node = await start(stage, { name: 'lobby-1', config })
  await publishApp(stage, node)
  expect(await runningVersion(node)).toBe('1.0.0')

  // Before anything is signed: it could not even have the node to itself.
  await expect(publishAs(stage, node, 'vision', '64 MiB')).rejects.toThrow(
    `lobby-1 lacks memory:64MiB (it can give an app ${forApps - 10}MiB)`,
  )

  await publishAs(stage, node, 'second', '2 MiB')
  await until('the second waits', async () => (await reasonOf(node, 'second')) !== undefined)
  expect(await reasonOf(node, 'second')).toBe(
    `second needs 12 MiB; this node has ${forApps - 11} MiB left of the ${forApps} MiB that are for apps in its ${whole} MiB of memory, used by light-alarm (11 MiB)`,
  )

  // What it runs goes on, and can be brought up to date although its room is taken.
  const handled = async (): Promise<number> =>
    (await node.client.apps()).find((found) => found.app === app)?.events.handled ?? 0
  const before = await handled()
  await until('the small app goes on', async () => (await handled()) > before + 3)
  await publishApp(stage, node, '--version', '1.0.1')
  await until('it was swapped', async () => (await runningVersion(node)) === '1.0.1')

  const { memory } = await node.client.status()
  expect(memory).toMatchObject({
    budgetBytes: smallestBudgetBytes,
    from: 'config',
    apps: [{ app: 'light-alarm', bytes: 11 * mib }],
  })
  const text = await stage.mustRun(['metrics', '--data', node.data])
  expect(text).toContain(`selvedge_app_memory_promised_bytes{app="light-alarm"} ${11 * mib}`)
  expect(await stage.mustRun(['status', '--data', node.data])).toContain('ERR_MEMORY_BUDGET')
})

it('less than that is refused before anything is made', async () => {
  const stage = await openStage()
  const file = joinPath(stage.folder, 'tiny.toml')
  await writeFile(file, '[limits]\nmemory = "32 MiB"\n')
  const data = joinPath(stage.folder, 'tiny')
  const { code, stderr } = await stage.run(['up', '--config', file, '--data', data])
  expect(code).toBe(1)
  expect(stderr).toContain('limits.memory')
  expect(stderr).toContain(`at least ${whole} MiB`)
})

/** Path, size, and when it was last written, of every file below. */
async function filesOf(folder: string): Promise<string[]> {
  const found: string[] = []
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = joinPath(folder, entry.name)
    if (entry.isDirectory()) found.push(...(await filesOf(path)))
    else if (entry.isFile()) {
      const { size, mtimeNs, ino } = await stat(path, { bigint: true })
      found.push(`${path} ${ino} ${size} ${mtimeNs}`)
    }
  }
  return found.sort()
}

it('a node whose apps have nothing to do comes to rest: nothing of its data folder is written', async () => {
  const stage = await openStage()
  const node = await start(stage, { name: 'lobby-1' })
  await publishFolder(stage, node, resolve(root, 'components/thermo'))
  const restMs = 8_000
  let files = await filesOf(node.data)
  let sinceMs = performance.now()
  await until('nothing was written for eight seconds', async () => {
    const now = await filesOf(node.data)
    if (now.join('\n') !== files.join('\n')) {
      files = now
      sinceMs = performance.now()
    }
    return performance.now() - sinceMs >= restMs
  })
  expect(await node.client.apps()).toMatchObject([{ app: 'thermo', state: 'running' }])
})
