/** What the built program is made of: the files of dist/, and what each of them loads before it does anything. */
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'

interface Output {
  readonly entryPoint?: string
  readonly inputs: Readonly<Record<string, unknown>>
  readonly imports: readonly {
    readonly path: string
    readonly kind: string
    readonly external?: boolean
  }[]
}

const root = resolve(import.meta.dirname ?? '.', '../..')
const { outputs } = JSON.parse(readFileSync(join(root, 'build/bundle.json'), 'utf8')) as {
  outputs: Readonly<Record<string, Output>>
}
const nameOf = (path: string): string => path.split('/').at(-1) ?? path
const entryOf = (entry: string): string => {
  const found = Object.entries(outputs).find(([, { entryPoint }]) => entryPoint === entry)
  if (found === undefined) throw new Error(`nothing was built from ${entry}`)
  return found[0]
}

/** The files that are loaded together with this one. */
function loadedWith(file: string, found = new Set<string>()): Set<string> {
  if (found.has(file)) return found
  found.add(file)
  for (const { path, kind, external } of outputs[file]?.imports ?? []) {
    if (kind === 'import-statement' && external !== true) loadedWith(path, found)
  }
  return found
}

const inputsOf = (files: Iterable<string>): string[] =>
  [...files].flatMap((file) => Object.keys(outputs[file]?.inputs ?? {}))
const client = loadedWith(entryOf('host/main.ts'))

describe('the program', () => {
  it('loads what every command needs, and nothing of the node, the mesh or the engine', () => {
    const inputs = inputsOf(client)
    expect(inputs).toContain('host/cli/commands/status.ts')
    expect(inputs).toContain('host/api/client.ts')
    const folders =
      /^(mesh|host\/(apps|build|config|engine|guest|http|interfaces|manifest|metrics|node|run|service|storage|toml|triggers|devices))\//
    expect(inputs.filter((input) => folders.test(input))).toEqual([])
    expect(
      inputs.filter((input) =>
        /libp2p|multiformats|jco|preview2-shim|valibot|prom-client|sqlite/.test(input),
      ),
    ).toEqual([])
  })

  it('has the node, its mesh and its problems in the daemon, and no other command than `up`', () => {
    const inputs = inputsOf([entryOf('host/daemon.ts')])
    expect(inputs).toContain('host/node/start.ts')
    expect(inputs).toContain('mesh/transport/serving-node.ts')
    expect(inputs).toContain('host/build/problems.ts')
    expect(inputs.filter((input) => /jco|preview2-shim|oxc|host\/doctor\/checks/.test(input))).toEqual([])
  })

  it('has the daemon in ASCII, one byte for each character', () => {
    const text = readFileSync(join(root, 'dist/daemon.cjs'))
    expect(text.every((byte) => byte < 0x80)).toBe(true)
  })

  it('never imports node:http as a module, which would load all of undici', () => {
    const importing = Object.keys(outputs).filter((file) =>
      outputs[file]?.imports.some(
        ({ path, kind }) => kind === 'import-statement' && /^(node:)?https?$/.test(path),
      ),
    )
    expect(importing).toEqual([])
  })

  it('loads of Node.js what a daemon does not need at once only when it is used', () => {
    const folder = mkdtempSync(join(tmpdir(), 'selvedge-late-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    const hook = join(folder, 'hook.cjs')
    writeFileSync(
      hook,
      "if (require('worker_threads').isMainThread) process.on('exit', () => process._rawDebug(process.moduleLoadList.join('\\n')))",
    )
    const line = ['--require', hook, join(root, 'dist/selvedge.mjs'), 'up', '--help']
    const { stdout, stderr } = spawnSync(process.execPath, line, { encoding: 'utf8' })
    expect(stdout).toContain('selvedge up')
    const loaded = stderr.split('\n').filter((name) => name.startsWith('NativeModule '))
    expect(loaded).toContain('NativeModule fs')
    for (const late of ['http', 'https', 'tls', 'child_process', 'dgram'])
      expect(loaded).not.toContain(`NativeModule ${late}`)
  })

  it('has each of its files in dist/, beside it', () => {
    const wanted = Object.keys(outputs).map(nameOf)
    expect(wanted).toContain('selvedge.mjs')
    expect(wanted.filter((name) => !existsSync(join(root, 'dist', name)))).toEqual([])
  })
})

describe('an installation that is not whole', () => {
  /** A copy of dist/ that something is done to. */
  function damaged(harm: (folder: string) => void): { status: number | null; stderr: string } {
    const folder = mkdtempSync(join(tmpdir(), 'selvedge-damaged-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    cpSync(join(root, 'dist'), folder, { recursive: true })
    harm(folder)
    const { status, stderr } = spawnSync(process.execPath, [join(folder, 'selvedge.mjs'), 'version'], {
      encoding: 'utf8',
    })
    return { status, stderr: stderr.replaceAll(folder, 'dist') }
  }
  const hint =
    'hint: install selvedge again, into an empty folder; data and settings are elsewhere and stay\n'

  it('is refused in a line, whatever the command', () => {
    const missing = damaged((folder) => rmSync(join(folder, 'queue.mjs')))
    expect(missing.status).toBe(1)
    expect(missing.stderr).toBe(
      `error[ERR_PROGRAM_INCOMPLETE]: this installation of selvedge is not whole: dist/queue.mjs is missing\n${hint}`,
    )
    const mixed = damaged((folder) => {
      const own = readFileSync(join(folder, 'sandbox.mjs'), 'utf8')
      writeFileSync(
        join(folder, 'sandbox.mjs'),
        own.replace(/\/\/build:\w+\n$/, '//build:0123456789abcdef\n'),
      )
    })
    expect(mixed.status).toBe(1)
    expect(mixed.stderr).toContain('dist/sandbox.mjs is of another build than the files beside it\n')
    const altered = damaged((folder) => {
      const own = readFileSync(join(folder, 'program.mjs'), 'latin1')
      writeFileSync(join(folder, 'program.mjs'), own.replace('import', 'impart'), 'latin1')
    })
    expect(altered.status).toBe(1)
    expect(altered.stderr).toMatch(/^error\[ERR_PROGRAM_INCOMPLETE\]: .+ it does not load: .+\nhint: .+\n$/)
  })

  it('is not what it is told to be where only the folder that it was started in is gone', () => {
    const folder = mkdtempSync(join(tmpdir(), 'selvedge-gone-'))
    const line = 'cd "$1" && rmdir "$1" && exec "$2" "$3" version'
    const { status, stderr } = spawnSync(
      'sh',
      ['-c', line, 'sh', folder, process.execPath, join(root, 'dist/selvedge.mjs')],
      { encoding: 'utf8' },
    )
    expect(status).toBe(1)
    expect(stderr).toMatch(/^error\[ERR_START_FOLDER\]: .+\nhint: .+\n$/)
  })
})
