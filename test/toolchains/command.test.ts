/**
 * One command in every toolchain, run by the built program as a person runs it. It prints its arguments and one
 * variable of its environment, copies its input into a granted folder, and exits with its first argument as far as it can.
 */
import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { commands } from './commands.ts'
import { built, root } from './recipe.ts'

const program = join(root, 'dist', 'selvedge.mjs')
const buildMs = 300_000
const runMs = 110_000

let data: string

beforeEach(async () => {
  data = await mkdtemp(join(tmpdir(), 'selvedge-command-'))
})

afterEach(() => rm(data, { recursive: true, force: true }))

interface Ended {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

function selvedgeRun(args: readonly string[], input: string): Promise<Ended> {
  const child = spawn(process.execPath, [program, 'run', ...args], { timeout: runMs })
  const said = { stdout: '', stderr: '' }
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].setEncoding('utf8').on('data', (text: string) => (said[stream] += text))
  }
  // Who ends before reading all of it is judged by the rest.
  child.stdin.on('error', () => {})
  child.stdin.end(input)
  return new Promise((resolve, reject) => {
    child.on('error', reject).on('close', (status) => resolve({ status, ...said }))
  })
}

describe.each(commands)('a command in $language', (recipe) => {
  it(
    'has its arguments, environment, input, granted folder and exit status',
    async ({ skip }) => {
      const file = await built(recipe, skip)
      const options = ['--dir', `${data}::/data`, '--env', 'GREETING=hej då']
      const { status, stdout, stderr } = await selvedgeRun(
        [...options, file, '3', 'a b', 'ü'],
        'hello\nworld',
      )
      expect({ status, stdout, stderr }).toEqual({
        status: recipe.exitStatus,
        stdout: 'arg 3\narg a b\narg ü\nenv hej då\ncopied 11\n',
        stderr: expect.stringContaining('bye\n'),
      })
      expect(await readFile(join(data, 'copy.txt'), 'utf8')).toBe('hello\nworld')
    },
    buildMs,
  )

  it(
    'sees nothing of the environment, and no folder, that it was not given',
    async ({ skip }) => {
      const file = await built(recipe, skip)
      const { status, stdout } = await selvedgeRun([file], 'hello')
      expect(status).toBe(1)
      expect(stdout).toContain('env none\n')
      expect(stdout).not.toContain('copied')
    },
    buildMs,
  )
})
