/** The lab itself, and whole nodes on it. Takes root on Linux, and says so where it is skipped. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { makeLab } from './lab.ts'
import { labObstacle, namespaceName, namespaces, removeNamespace, sweepNamespaces } from './namespaces.ts'
import { scenarios } from './scenarios.ts'

const root = resolve(import.meta.dirname, '../..')
const obstacle = labObstacle()
const skipped = obstacle === null ? '' : ` (skipped: ${obstacle})`

describe.skipIf(obstacle !== null)(`the lab${skipped}`, () => {
  it('leaves no namespace behind when it is closed, and none when it cannot be made', async () => {
    const lab = await makeLab({ hosts: ['one', 'two'], root })
    expect(ownNamespaces()).toHaveLength(3)
    lab.close()
    expect(ownNamespaces()).toEqual([])
    await expect(makeLab({ hosts: ['one', 'a/b'], root })).rejects.toThrow(/a\/b/)
    expect(ownNamespaces()).toEqual([])
  })

  it('ends what runs on its hosts', async () => {
    const lab = await makeLab({ hosts: ['one'], root })
    const child = lab.host('one').exec('sleep', ['600'])
    const exited = once(child, 'exit')
    lab.close()
    expect(await exited).toEqual([null, 'SIGKILL'])
  })

  it('sweeps what a process left that is gone, and nothing of one that runs', () => {
    const ours = namespaceName('kept')
    // The same process number, of a process that began at another time.
    const gone = ours.replace(/^(selvedge-lab-\d+)-\d+-/, '$1-1-')
    for (const name of [ours, gone]) spawnSync('ip', ['netns', 'add', name])
    try {
      expect(sweepNamespaces()).toContain(gone)
      expect(namespaces()).toContain(ours)
      expect(namespaces()).not.toContain(gone)
    } finally {
      removeNamespace(ours)
    }
  })

  it('is gone when its process is interrupted', async () => {
    const program = `
      import { makeLab } from ${JSON.stringify(resolve(import.meta.dirname, 'lab.ts'))}
      await makeLab({ hosts: ['one'], root: ${JSON.stringify(root)} })
      console.log('made')
      setInterval(() => {}, 1000)`
    const child = spawn(process.execPath, ['--input-type=module', '-e', await bundled(program)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await once(child.stdout, 'data')
    const made = namespaces().filter((name) => name.startsWith(`selvedge-lab-${child.pid}-`))
    expect(made).toHaveLength(2)
    child.kill('SIGINT')
    expect(await once(child, 'exit')).toEqual([null, 'SIGINT'])
    expect(namespaces().filter((name) => made.includes(name))).toEqual([])
  })
})

describe.skipIf(obstacle !== null)(`on hosts of the lab${skipped}`, () => {
  for (const { title, run, isLong = false } of scenarios) {
    // `npm run lab` runs them all; they would take three minutes of every test.
    it.skipIf(isLong && process.env['LAB'] !== 'all')(title, { timeout: 180_000 }, async () => {
      expect(await run(root)).not.toEqual([])
    })
  }
})

function ownNamespaces(): string[] {
  return namespaces().filter((name) => name.startsWith(`selvedge-lab-${process.pid}-`))
}

/** The program with our own files inside, as one that is run by a plain Node. */
async function bundled(program: string): Promise<string> {
  const { build } = await import('esbuild')
  const { outputFiles } = await build({
    stdin: { contents: program, resolveDir: import.meta.dirname, loader: 'ts' },
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    packages: 'external',
    write: false,
  })
  return outputFiles[0]?.text ?? ''
}
