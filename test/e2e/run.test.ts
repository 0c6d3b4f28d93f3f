/** `selvedge run` as a shell sees it: exit statuses, streams, folders, and what is refused. */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, open, readFile, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { coreModule, guest } from '../guests/index.ts'
import {
  finish,
  firstOutput,
  program,
  start,
  testFolder,
  type Finished,
  type ProgramName,
} from './programs.ts'
import { type } from './typed.ts'

/** Runs one of the programs with options before it and arguments behind it. */
async function run(
  name: ProgramName,
  options: readonly string[] = [],
  args: readonly string[] = [],
  input: string | Uint8Array = '',
): Promise<Finished> {
  const folder = await testFolder()
  return finish(start(folder, ['run', ...options, await program(folder, name), ...args]), input)
}

describe('the exit status', () => {
  test('is the program’s own', async () => {
    expect(await run('status', [], ['a', 'b'])).toMatchObject({ status: 3, stderr: '' })
  })

  test('is 0 where it returns', async () => {
    expect(await run('show')).toMatchObject({ status: 0, stderr: '' })
  })

  test('is 134 after a trap, whose functions are named', async () => {
    const { status, stdout, stderr } = await run('trap')
    expect(status).toBe(134)
    expect(stdout.toString()).toBe('before\n')
    expect(stderr).toMatch(/^error\[ERR_APP_TRAP\]: trap\.wasm: divide by zero in divide < /)
    expect(stderr).toMatch(/^hint: ./m)
  })

  test('is 124 at the deadline', async () => {
    const { status, stderr } = await run('loop', ['--deadline', '300ms'])
    expect(status).toBe(124)
    expect(stderr).toContain('error[ERR_APP_DEADLINE]')
    expect(stderr).toContain('300 ms')
    expect(stderr).toMatch(/^hint: .*--deadline/m)
  })

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('is that of a shell after %s, whatever the program does', async (signal, status) => {
    const folder = await testFolder()
    const child = start(folder, ['run', await program(folder, 'loop')])
    await firstOutput(child)
    child.kill(signal)
    expect(await finish(child)).toMatchObject({ status, stderr: '' })
  })

  test('is 7 where the program says so, being short of memory', async () => {
    expect(await run('grow', ['--memory', '16MiB'])).toMatchObject({ status: 7, stderr: '' })
  })
})

describe('the program', () => {
  test('has its file’s name, all that follows it, and the variables that options name', async () => {
    const folder = await testFolder()
    const file = await program(folder, 'show')
    const options = ['--env', 'A=1', '--env', 'HERE', '--env', 'NOWHERE', '--env', 'A=2=3']
    const child = start(folder, ['run', ...options, file, '--env', 'x', '--', '--help', ''], {
      env: { HERE: 'ähm', HIDDEN: 'secret' },
    })
    const { status, stdout } = await finish(child)
    expect(status).toBe(0)
    expect(stdout.toString('utf8').split('\0').slice(0, -1)).toEqual([
      'show.wasm',
      '--env',
      'x',
      '--',
      '--help',
      '',
      'A=2=3',
      'HERE=ähm',
    ])
  })

  test('gets every byte of stdin and loses none of stdout', async () => {
    const bytes = randomBytes(10 * 1024 * 1024)
    const { status, stdout, stderr } = await run('cat', [], [], bytes)
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(stdout.equals(bytes)).toBe(true)
  })

  test('loses nothing where it exits right behind its output, with a reader that is slow', async () => {
    const folder = await testFolder()
    const child = start(folder, ['run', await program(folder, 'pour')])
    // Its other stream goes on meanwhile.
    child.stdout.pause()
    await once(child.stderr, 'readable')
    child.stdout.resume()
    const { status, stdout, stderr } = await finish(child)
    expect({ status, bytes: stdout.length }).toEqual({ status: 3, bytes: 10 * 1024 * 1024 })
    expect(stderr.length).toBeGreaterThan(900_000)
  })

  test('can be interrupted while nobody reads what it writes', async () => {
    const folder = await testFolder()
    const child = start(folder, ['run', await program(folder, 'flood')])
    await once(child.stdout, 'readable')
    const ended = once(child, 'exit')
    child.kill('SIGINT')
    expect(await ended).toEqual([130, null])
  })

  test('ends quietly when nobody reads its output any more', async () => {
    const folder = await testFolder()
    const child = start(folder, ['run', await program(folder, 'flood')])
    await once(child.stdout, 'data')
    child.stdout.destroy()
    expect(await finish(child)).toMatchObject({ status: 0, stderr: '' })
  })

  test('is told that its input is a folder', async () => {
    const folder = await testFolder()
    // Exits with what fd_read says.
    const wat = `(module
      (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
      (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
      (memory (export "memory") 1) (data (i32.const 0) "\\40\\00\\00\\00\\08\\00\\00\\00")
      (func (export "_start") (call $exit (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 16)))))`
    await writeFile(join(folder, 'read.wasm'), await coreModule(wat))
    const input = await open(folder)
    onTestFinished(() => input.close())
    const child = start(folder, ['run', 'read.wasm'], { stdio: [input.fd, 'pipe', 'pipe'] })
    expect(await once(child, 'close')).toEqual([29, null])
  })

  test.skipIf(!existsSync('/dev/full'))('ends with a reason where its output has no room', async () => {
    const folder = await testFolder()
    const full = await open('/dev/full', 'w')
    onTestFinished(() => full.close())
    const child = start(folder, ['run', await program(folder, 'flood')], { stdio: ['pipe', full.fd, 'pipe'] })
    let stderr = ''
    child.stderr.on('data', (text: Buffer) => (stderr += text.toString()))
    expect(await once(child, 'close')).toEqual([1, null])
    expect(stderr).toMatch(/^error\[ERR_OUTPUT\]: cannot write the output: ENOSPC.*\nhint: ./)
  })

  test('sees pipes where there is no terminal', async () => {
    expect((await run('streams')).status).not.toBe(6)
  })

  test('runs in a process of its own where that is asked for', async () => {
    expect(await run('status', ['--isolation', 'process'], ['a'])).toMatchObject({ status: 2, stderr: '' })
  })
})

describe('a folder', () => {
  async function files(option: string, guestName: string): Promise<{ folder: string; finished: Finished }> {
    const folder = await testFolder()
    await mkdir(join(folder, 'data'))
    await writeFile(join(folder, 'data', 'in.txt'), 'inside\n')
    const line = ['run', option, `data${guestName}`, await program(folder, 'files')]
    return { folder, finished: await finish(start(folder, line)) }
  }

  test('of --dir can be read and written', async () => {
    const { folder, finished } = await files('--dir', '::/guest')
    expect(finished).toMatchObject({ status: 0, stderr: '' })
    expect(finished.stdout.toString()).toBe('inside\n')
    expect(await readFile(join(folder, 'data', 'out.txt'), 'utf8')).toBe('made\n')
  })

  test('of --dir-ro can be read, and nothing made in it', async () => {
    const { folder, finished } = await files('--dir-ro', '')
    expect(finished.status).toBeGreaterThan(0)
    expect(finished.stdout.toString()).toBe('inside\n')
    expect(await readdir(join(folder, 'data'))).toEqual(['in.txt'])
  })

  test('that is not granted is not there', async () => {
    // EBADF: descriptor 3 would be the first folder.
    expect(await run('files')).toMatchObject({ status: 8 })
  })
})

describe('what cannot run', () => {
  test('is refused with every import that is missing, and the options that would grant them', async () => {
    const folder = await testFolder()
    await writeFile(join(folder, 'relay.wasm'), await guest('relay'))
    const { status, stderr } = await finish(start(folder, ['run', 'relay.wasm']))
    expect(status).toBe(1)
    expect(stderr).toContain('error[ERR_IMPORTS_REFUSED]')
    expect(stderr).toContain('selvedge:device/sensor@0.1.0: not granted')
    expect(stderr).toContain('selvedge:device/pins@0.1.0: not granted')
    expect(stderr).toMatch(/^hint: .*--pin NAME.*--sensor NAME=VALUE/m)
  })

  test('is no command: what it exports is named', async () => {
    const folder = await testFolder()
    await writeFile(join(folder, 'relay.wasm'), await guest('relay'))
    const granted = ['--sensor', 'light=1lx', '--pin', 'led']
    const { status, stderr } = await finish(start(folder, ['run', ...granted, 'relay.wasm']))
    expect(status).toBe(1)
    expect(stderr).toContain('error[ERR_NOT_A_COMMAND]')
    expect(stderr).toContain('selvedge:edge/sensor-handler@0.1.0')
  })

  test('is not there, or not WebAssembly', async () => {
    const folder = await testFolder()
    await writeFile(join(folder, 'script.wasm'), '#!/bin/sh\n')
    expect(await finish(start(folder, ['run', 'none.wasm']))).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('error[ERR_RUN_FILE]: cannot read none.wasm') as string,
    })
    expect((await finish(start(folder, ['run', 'script.wasm']))).stderr).toContain('error[ERR_NOT_WASM]')
  })

  test.each([
    [['--drr', '.'], 'did you mean --dir'],
    [['--dir', 'nowhere'], 'there is nothing at'],
    [['--dir', 'a::b::c'], 'HOST::GUEST'],
    [['--env', '=x'], '--env NAME=VALUE'],
    [['--sensor', 'light'], '--sensor NAME=VALUE'],
    [['--sensor', 'light=bright light'], 'light=312lx'],
    [['--pin', 'No Pin'], 'small letters'],
    [['--memory', '64'], 'unit'],
    [['--deadline', 'soon'], '1.5s'],
    [['--isolation', 'none'], 'worker'],
    [[], 'FILE.wasm is missing'],
  ])('is a command line with %j: status 2, and what to write', async (options, says) => {
    const folder = await testFolder()
    const file = options.length === 0 ? [] : ['x.wasm']
    const { code, stderr } = await type({ folder, keys: folder }, ['run', ...options, ...file])
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(says) as string })
  })
})

test('a program that begins with more memory than it may have is refused with the option', async () => {
  const { status, stderr } = await run('show', ['--memory', '128KiB'])
  expect(status).toBe(1)
  expect(stderr).toContain('error[ERR_MEMORY_LIMIT]')
  expect(stderr).toMatch(/^hint: .*--memory/m)
})

describe('--invoke', () => {
  test('calls one function of a component and prints its result', async () => {
    const folder = await testFolder()
    await writeFile(join(folder, 'wasi.wasm'), await guest('wasi'))
    const line = ['run', '--env', 'A=1', '--env', 'B=2', '--invoke', 'variables', 'wasi.wasm']
    const { status, stdout, stderr } = await finish(start(folder, line))
    expect({ status, stderr, stdout: stdout.toString() }).toEqual({ status: 0, stderr: '', stdout: '2\n' })
  })

  test('takes for a core module’s function numbers of its types, and nothing else', async () => {
    const folder = await testFolder()
    const wat = `(module (func (export "add") (param i32 i64) (result i64)
      (i64.add (i64.extend_i32_s (local.get 0)) (local.get 1))))`
    await writeFile(join(folder, 'add.wasm'), await coreModule(wat))
    const added = await finish(
      start(folder, ['run', '--invoke', 'add', 'add.wasm', '-1', '9007199254740993']),
    )
    expect([added.status, added.stdout.toString()]).toEqual([0, '9007199254740992\n'])
    const refused = await finish(start(folder, ['run', '--invoke', 'add', 'add.wasm', '1', 'two']))
    expect(refused.status).toBe(2)
    expect(refused.stderr).toContain(
      'error[ERR_RUN_ARGUMENTS]: argument 2 of add is an i64, which "two" is not',
    )
  })

  test('takes for a component’s function values of its types, and says which those are', async () => {
    const folder = await testFolder()
    await writeFile(join(folder, 'echo.wasm'), await guest('echo'))
    const target = 'selvedge:edge/sensor-handler@0.1.0#handle'
    const line = ['run', '--sensor', 'light=1lx', '--pin', 'led', '--invoke', target, 'echo.wasm']
    const few = await finish(start(folder, line))
    expect(few.status).toBe(2)
    expect(few.stderr).toMatch(/^error\[ERR_RUN_ARGUMENTS\]: .*#handle takes \(event: record \{ id: u64, /m)
    const wrong = await finish(start(folder, [...line, '{"id": "one"}']))
    expect(wrong.status).toBe(2)
    expect(wrong.stderr).toMatch(
      /^hint: selvedge:edge\/sensor-handler@0\.1\.0#handle is func\(event: record /m,
    )
    const event = '{"id": 1, "sensor": "light", "reading": {"value": 1, "unit": "lx", "timeMs": 1}}'
    const right = await finish(start(folder, [...line, event]))
    // Its own word: it got what was written.
    expect({ status: right.status, stderr: right.stderr }).toEqual({ status: 0, stderr: 'info lx: light\n' })
  })

  test('names the exports where there is none of that name', async () => {
    const folder = await testFolder()
    await writeFile(join(folder, 'wasi.wasm'), await guest('wasi'))
    const { status, stderr } = await finish(start(folder, ['run', '--invoke', 'nothing', 'wasi.wasm']))
    expect(status).toBe(1)
    expect(stderr).toContain('ERR_APP_EXPORT')
    expect(stderr).toContain('variables')
  })
})
