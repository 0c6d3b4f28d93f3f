/** What a start on bad ground gets from the built program: one clear line with what to do, and nothing left behind. */
import { spawn, spawnSync } from 'node:child_process'
import { chmod, chown, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join as joinPath } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { root } from './harness.ts'

const program = joinPath(root, 'dist/selvedge.mjs')
const isRoot = process.getuid?.() === 0
const stranger = 65_534
const mib = 1024 ** 2
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(joinPath(tmpdir(), 'selvedge-start-'))
  await chmod(folder, 0o755)
})
afterAll(() => rm(folder, { recursive: true, force: true }))

interface Outcome {
  /** null where it was ready, and was ended. */
  readonly code: number | null
  /** How it ended, also where it was ended. */
  readonly end: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs `up` until it ends, or is ready. */
function up(
  data: string,
  { args = [], env = {}, uid, addressKib, isGroup = false, isMute = false }: Typed = {},
): Promise<Outcome> {
  const line = ['up', '--data', data, '--name', 'x', '--no-mdns', '--listen', 'none', ...args]
  const home = joinPath(folder, `home-${uid ?? 'own'}`)
  const typed = [process.execPath, program, ...line]
  const bounded = ['sh', '-c', `ulimit -v ${addressKib}; exec "$0" "$@"`, ...typed]
  const mute = ['sh', '-c', 'exec "$0" "$@" 2> /dev/full', ...typed]
  const [file = '', ...rest] = isMute ? mute : addressKib === undefined ? typed : bounded
  const child = spawn(file, rest, {
    cwd: folder,
    env: { PATH: process.env['PATH'], HOME: home, SELVEDGE_KEYS: joinPath(home, 'keys'), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: isGroup,
    ...(uid !== undefined && { uid, gid: uid }),
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  let [stdout, stderr, isReady] = ['', '', false]
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString()
    if (isReady) return
    isReady = true
    if (isGroup && child.pid !== undefined) process.kill(-child.pid, 'SIGTERM')
    else child.kill('SIGTERM')
  })
  child.stderr.on('data', (chunk: Buffer) => void (stderr += chunk.toString()))
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => resolve({ code: isReady ? null : code, end: code, stdout, stderr }))
  })
}

interface Typed {
  readonly args?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly uid?: number
  /** What `ulimit -v` gives it. */
  readonly addressKib?: number
  /** What it logs goes to a disk that takes nothing. */
  readonly isMute?: boolean
  /** All of its processes are told to end, as by Ctrl-C or by many a supervisor. */
  readonly isGroup?: boolean
}

function refused({ code, stdout, stderr }: Outcome, error: string, ...says: (string | RegExp)[]): void {
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  const lines = stderr
    .trimEnd()
    .split('\n')
    .filter((line) => line.startsWith('error[') || line.startsWith('hint: '))
  expect(lines).toEqual([expect.stringContaining(`error[${error}]: `), expect.stringMatching(/^hint: \S/)])
  expect(stderr).not.toMatch(/^\s+at /m)
  for (const said of says) expect(stderr).toMatch(said)
}

async function toml(text: string): Promise<string[]> {
  const file = joinPath(folder, `${text.length}.toml`)
  await writeFile(file, text)
  return ['--config', file]
}

describe('a start', () => {
  it('under a budget above what the machine has is refused with both numbers, and makes nothing', async () => {
    const data = joinPath(folder, 'budget')
    const outcome = await up(data, { args: await toml('[limits]\nmemory = "4096 GiB"\n') })
    refused(outcome, 'ERR_MEMORY_SHORT', 'to take 4194304 MiB', /this machine has [\d.]+ MiB/)
    expect(await readdir(folder)).not.toContain('budget')
  })

  it('whose log goes to a full disk goes on without it', async () => {
    const data = joinPath(folder, 'mute')
    const { code, end, stdout } = await up(data, { isMute: true })
    expect({ code, end, stdout: stdout.split(' ')[0] }).toEqual({ code: null, end: 0, stdout: 'ready' })
  })

  it('with a clock that was never set is a warning that says what suffers, and no reason to refuse', async () => {
    const preload = joinPath(folder, 'clock.cjs')
    await writeFile(
      preload,
      `const Real = Date, shift = Real.now() - 12_000
globalThis.Date = class extends Real {
  constructor(...given) { given.length === 0 ? super(Real.now() - shift) : super(...given) }
  static now() { return Real.now() - shift }
}`,
    )
    const { code, stderr } = await up(joinPath(folder, 'clock'), {
      env: { NODE_OPTIONS: `--require ${preload}` },
    })
    expect(code).toBe(null)
    const warnings = stderr.split('\n').filter((line) => line.includes('clock:not-set'))
    expect(warnings).toEqual([expect.stringMatching(/warn.*says="1970-01-01 .*affected="invites.*fix="/)])
  })

  it.skipIf(process.platform !== 'linux')(
    'with few addresses does with them, or is refused where this Node.js cannot',
    async () => {
      const data = joinPath(folder, 'addresses')
      const outcome = await up(data, { addressKib: 8_000_000, isGroup: true })
      const flag = '--disable-wasm-trap-handler'
      if (outcome.code !== null) refused(outcome, 'ERR_ADDRESSES', 'WebAssembly')
      expect(outcome.code).toBe(process.allowedNodeEnvironmentFlags.has(flag) ? null : 1)
      // Each process is told once, however the word comes: twice would be at once.
      if (outcome.code === null) expect(outcome.end).toBe(0)
      // Whichever process had it has let it go.
      if (outcome.code === null) expect((await up(data)).code).toBe(null)
    },
  )

  it('with a pin whose addon is not installed says how to install it and what needs none, and goes on without', async () => {
    const args = await toml('[pins.led]\ndriver = "onoff"\nchip = "gpiochip0"\nline = 3\ndirection = "out"\n')
    const { code, stderr } = await up(joinPath(folder, 'addon'), { args })
    expect(code).toBe(null)
    const warnings = stderr.split('\n').filter((line) => line.includes('device:health'))
    expect(warnings).toEqual([expect.stringMatching(/onoff is not installed.*npm install .*onoff.*sysfs/)])
  })
})

describe.skipIf(!isRoot)('a start on a folder that is not one’s own (needs root, to make one)', () => {
  it('is refused where somebody else’s node is in it, for root too', async () => {
    const data = joinPath(folder, 'theirs')
    await mkdir(joinPath(data, 'identity'), { recursive: true })
    for (const path of [data, joinPath(data, 'identity')]) await chown(path, 12_345, 12_345)
    const outcome = await up(data)
    refused(outcome, 'ERR_DATA_OWNER', 'belongs to user 12345, and this is user 0', 'chown -R 0 ')
    expect(await readdir(data)).toEqual(['identity'])
  })

  it('is refused where it cannot be written, or made', async () => {
    const home = joinPath(folder, `home-${stranger}`)
    await mkdir(home, { recursive: true })
    await chown(home, stranger, stranger)
    const data = joinPath(folder, 'roots')
    await mkdir(data, { mode: 0o755 })
    refused(await up(data, { uid: stranger }), 'ERR_DATA_OWNER', 'belongs to user 0', 'it cannot be written')
    const inside = joinPath(data, 'inside')
    refused(await up(inside, { uid: stranger }), 'ERR_DATA_NOT_WRITABLE', 'EACCES: this user may not')
    expect(await readdir(data)).toEqual([])
  })
})

/** A file system of its own, of this size; null where none can be mounted here. */
async function smallDisk(name: string, bytes: number): Promise<string | null> {
  const path = joinPath(folder, name)
  await mkdir(path)
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', path]).status !== 0) return null
  onTestFinished(() => void spawnSync('umount', ['-l', path]))
  return path
}

describe.skipIf(!isRoot)('a start on a full disk (needs root, to mount one)', () => {
  it('is refused for a new node with the numbers, and makes nothing', async (context) => {
    const disk = await smallDisk('tiny', 4 * mib)
    if (disk === null) return context.skip('no tmpfs can be mounted here')
    refused(await up(joinPath(disk, 'node')), 'ERR_DISK_FULL', 'has 4 of 4 MiB free; a node begins with 16')
    expect(await readdir(disk)).toEqual([])
  })

  it('of a node that is there already is none to refuse: it starts where it was, and when there is room again', async (context) => {
    const disk = await smallDisk('full', 32 * mib)
    if (disk === null) return context.skip('no tmpfs can be mounted here')
    const data = joinPath(disk, 'node')
    expect((await up(data)).code).toBe(null)
    const ballast = joinPath(disk, 'ballast')
    spawnSync('dd', ['if=/dev/zero', `of=${ballast}`, 'bs=4096'])
    // Its files are there: what it may do without room it does, and `status` says that the disk is full.
    expect((await up(data)).code).toBe(null)
    await rm(ballast)
    expect((await up(data)).code).toBe(null)
  })
})
