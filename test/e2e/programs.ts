/** Small programs of WASI preview1 for the tests of `run`, in text, and a way to run them with the built program. */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { coreModule } from '../guests/index.ts'
import { root } from './harness.ts'

const imports = `
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_fdstat_get" (func $fd_fdstat_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_open"
    (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_get" (func $args_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_sizes_get" (func $args_sizes_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "environ_get" (func $environ_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "environ_sizes_get" (func $environ_sizes_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (memory (export "memory") 4)
  ;; Writes all of it, however little the host takes at once; exits with 9 where it takes no more.
  (func $write (param $fd i32) (param $at i32) (param $length i32)
    (loop $more
      (if (i32.eqz (local.get $length)) (then (return)))
      (i32.store (i32.const 0) (local.get $at))
      (i32.store (i32.const 4) (local.get $length))
      (if (call $fd_write (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 8))
        (then (call $proc_exit (i32.const 9))))
      (local.set $at (i32.add (local.get $at) (i32.load (i32.const 8))))
      (local.set $length (i32.sub (local.get $length) (i32.load (i32.const 8))))
      (br $more)))
  ;; Reads up to 64 KiB to 65536. @returns how much
  (func $read (param $fd i32) (result i32)
    (i32.store (i32.const 0) (i32.const 65536))
    (i32.store (i32.const 4) (i32.const 65536))
    (if (call $fd_read (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 8))
      (then (call $proc_exit (i32.const 8))))
    (i32.load (i32.const 8)))`

const bodies = {
  /** Its arguments and variables, each ended by a NUL. */
  show: `(func (export "_start")
    (drop (call $args_sizes_get (i32.const 16) (i32.const 20)))
    (drop (call $args_get (i32.const 1024) (i32.const 8192)))
    (call $write (i32.const 1) (i32.const 8192) (i32.load (i32.const 20)))
    (drop (call $environ_sizes_get (i32.const 16) (i32.const 20)))
    (drop (call $environ_get (i32.const 1024) (i32.const 8192)))
    (call $write (i32.const 1) (i32.const 8192) (i32.load (i32.const 20))))`,
  /** Exits with the number of its arguments, its own name included. */
  status: `(func (export "_start")
    (drop (call $args_sizes_get (i32.const 16) (i32.const 20)))
    (call $proc_exit (i32.load (i32.const 16))))`,
  /** All of stdin to stdout. */
  cat: `(func (export "_start") (local $n i32)
    (loop $more
      (local.set $n (call $read (i32.const 0)))
      (if (i32.eqz (local.get $n)) (then (return)))
      (call $write (i32.const 1) (i32.const 65536) (local.get $n))
      (br $more)))`,
  /** 10 MiB to stdout, 1 to stderr, then exits with 3. */
  pour: `(func (export "_start") (local $i i32)
    (memory.fill (i32.const 65536) (i32.const 120) (i32.const 65536))
    (loop $more
      (call $write (i32.const 1) (i32.const 65536) (i32.const 65536))
      (if (i32.lt_u (local.get $i) (i32.const 16))
        (then (call $write (i32.const 2) (i32.const 65536) (i32.const 65536))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $more (i32.lt_u (local.get $i) (i32.const 160))))
    (call $proc_exit (i32.const 3)))`,
  /** To stdout without end. */
  flood: `(func (export "_start")
    (loop $more (call $write (i32.const 1) (i32.const 65536) (i32.const 65536)) (br $more)))`,
  /** Copies in.txt of its first folder to stdout, and makes out.txt beside it; exits with the error where it may not. */
  files: `(data (i32.const 100) "in.txtout.txtmade\\0a")
   (func $open (param $at i32) (param $length i32) (param $create i32) (param $rights i64) (result i32)
    (local $error i32)
    (local.set $error (call $path_open (i32.const 3) (i32.const 0) (local.get $at) (local.get $length)
      (local.get $create) (local.get $rights) (i64.const 0) (i32.const 0) (i32.const 16)))
    (if (local.get $error) (then (call $proc_exit (local.get $error))))
    (i32.load (i32.const 16)))
   (func (export "_start")
    (call $write (i32.const 1) (i32.const 65536)
      (call $read (call $open (i32.const 100) (i32.const 6) (i32.const 0) (i64.const 2))))
    (call $write (call $open (i32.const 106) (i32.const 7) (i32.const 1) (i64.const 64))
      (i32.const 113) (i32.const 5)))`,
  /** Prints, then traps two calls deep. */
  trap: `(data (i32.const 100) "before\\0a")
   (func $divide (param i32) (result i32) (i32.div_s (i32.const 1) (local.get 0)))
   (func (export "_start")
    (call $write (i32.const 1) (i32.const 100) (i32.const 7))
    (drop (call $divide (i32.const 0))))`,
  /** Says that it runs, and goes on for ever. */
  loop: `(data (i32.const 100) "looping\\0a")
   (func (export "_start") (call $write (i32.const 1) (i32.const 100) (i32.const 8)) (loop $on (br $on)))`,
  /** Grows its memory by 1 MiB until it may not, and exits with 7. */
  grow: `(func (export "_start")
    (loop $more (br_if $more (i32.ne (memory.grow (i32.const 16)) (i32.const -1))))
    (call $proc_exit (i32.const 7)))`,
  /** Exits with the sum of the file types of its standard streams: a character device is 2. */
  streams: `(func $type (param i32) (result i32)
    (drop (call $fd_fdstat_get (local.get 0) (i32.const 16)))
    (i32.load8_u (i32.const 16)))
   (func (export "_start") (call $proc_exit
    (i32.add (call $type (i32.const 0)) (i32.add (call $type (i32.const 1)) (call $type (i32.const 2))))))`,
} as const

export type ProgramName = keyof typeof bodies

/** A folder of the test's own, gone when it ends. */
export async function testFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'selvedge-run-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** The program in a file of `folder`. @returns its name */
export async function program(folder: string, name: ProgramName): Promise<string> {
  await writeFile(join(folder, `${name}.wasm`), await coreModule(`(module ${imports} ${bodies[name]})`))
  return `${name}.wasm`
}

export interface Finished {
  readonly status: number | null
  readonly stdout: Buffer
  readonly stderr: string
}

export interface StartOptions {
  readonly env?: Readonly<Record<string, string>>
  /** Numbers are descriptors of its own; what is none of them is a pipe. */
  readonly stdio?: readonly [number | 'pipe', number | 'pipe', 'pipe']
}

/** Starts the built program in `folder`, with a cache that the tests share. */
export function start(
  folder: string,
  args: readonly string[],
  { env = {}, stdio = ['pipe', 'pipe', 'pipe'] }: StartOptions = {},
): ChildProcessWithoutNullStreams {
  const child = spawn(process.execPath, [join(root, 'dist/selvedge.mjs'), ...args], {
    cwd: folder,
    env: { PATH: process.env.PATH, HOME: folder, XDG_CACHE_HOME: join(root, 'build/run-cache'), ...env },
    stdio: [...stdio],
  }) as ChildProcessWithoutNullStreams
  child.stdin?.on('error', () => {}) // it may end before it has read everything
  onTestFinished(() => void child.kill('SIGKILL'))
  return child
}

/** What it wrote, and how it ended. @param input all of its stdin */
export async function finish(
  child: ChildProcessWithoutNullStreams,
  input: string | Uint8Array = '',
): Promise<Finished> {
  const stdout: Buffer[] = []
  const stderr: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk))
  child.stdin.end(input)
  const status = await new Promise<number | null>((resolve) => child.on('close', (code) => resolve(code)))
  return { status, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr).toString('utf8') }
}

/** The first thing it prints. @throws what it wrote to stderr where it ended without */
export function firstOutput(child: ChildProcessWithoutNullStreams): Promise<string> {
  return new Promise((resolve, reject) => {
    let complaint = ''
    const onComplaint = (chunk: Buffer): void => void (complaint += chunk.toString('utf8'))
    child.stderr.on('data', onComplaint)
    child.once('close', (code) => reject(new Error(`it ended with ${code}: ${complaint}`)))
    child.stdout.once('data', (chunk: Buffer) => {
      child.stderr.off('data', onComplaint)
      resolve(chunk.toString('utf8'))
    })
  })
}
