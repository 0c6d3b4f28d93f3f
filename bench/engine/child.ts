/** A process that is measured: found by what it says when it is ready, asked in lines, weighed, and ended. */
import { spawn, type ChildProcess } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'

export interface ChildOptions {
  readonly program: string
  readonly args: readonly string[]
  readonly env?: NodeJS.ProcessEnv
  /** On stdout or stderr; what its first group holds is kept. */
  readonly ready: RegExp
}

const startMs = 60_000
/** Of /proc/PID/stat: USER_HZ is 100 on every Linux that Node.js runs on. */
const tickSeconds = 0.01

export class Child {
  readonly #process: ChildProcess
  readonly #answers: string[] = []
  #wake: (() => void) | null = null
  #said = ''
  #hasEnded = false

  private constructor(process: ChildProcess) {
    this.#process = process
    process.on('exit', () => {
      this.#hasEnded = true
      this.#wake?.()
    })
  }

  /** @returns it, and what `ready` found. @throws where it ends or says nothing for a minute */
  static async start({ program, args, env, ready }: ChildOptions): Promise<{ child: Child; found: string }> {
    const child = new Child(
      spawn(program, args, { env: env ?? process.env, stdio: ['pipe', 'pipe', 'pipe'] }),
    )
    const found = await new Promise<string>((resolve, reject) => {
      const fail = (why: string): void => {
        child.stop()
        reject(new Error(`${program} ${args[0] ?? ''} ${why}: ${child.#said.slice(-500)}`))
      }
      const timer = setTimeout(() => fail('does not start'), startMs)
      const take = (line: string): void => {
        child.#said = `${child.#said}${line}\n`.slice(-4_000)
        const match = ready.exec(line)
        if (match !== null) {
          clearTimeout(timer)
          resolve(match[1] ?? '')
        } else if (line.startsWith('answer ')) {
          child.#answers.push(line.slice('answer '.length))
          child.#wake?.()
        }
      }
      for (const stream of [child.#process.stdout, child.#process.stderr]) {
        if (stream !== null) createInterface({ input: stream }).on('line', take)
      }
      child.#process.on('error', (error) => fail(error.message))
      child.#process.on('exit', (code) => fail(`ended with ${code}`))
    })
    return { child, found }
  }

  /** One line to a subject, and its answer. */
  async ask<Answer>(line: string): Promise<Answer> {
    this.#process.stdin?.write(`${line}\n`)
    while (this.#answers.length === 0) {
      if (this.#hasEnded) throw new Error(`it died of "${line}": ${this.#said.slice(-500)}`)
      await new Promise<void>((resolve) => (this.#wake = resolve))
    }
    return JSON.parse(this.#answers.shift() ?? '') as Answer
  }

  get pid(): number {
    return this.#process.pid ?? 0
  }

  /** Its process, and those that it started. */
  family(): number[] {
    return familyOf(this.pid)
  }

  /** Of it and everything it started, since its start, in seconds. */
  cpuSeconds(): number {
    let ticks = 0
    for (const pid of familyOf(this.pid)) {
      const stat = readProc(`${pid}/stat`)
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      ticks += Number(fields[11] ?? 0) + Number(fields[12] ?? 0)
    }
    return ticks * tickSeconds
  }

  /** Proportional share of memory (or all of it that is resident) of it and what it started, in bytes. */
  memoryBytes(which: 'Pss' | 'Rss'): number {
    let kilobytes = 0
    for (const pid of familyOf(this.pid)) {
      const line = new RegExp(`^${which}:\\s+(\\d+) kB`, 'm').exec(readProc(`${pid}/smaps_rollup`))
      kilobytes += Number(line?.[1] ?? 0)
    }
    return kilobytes * 1024
  }

  stop(): void {
    for (const pid of familyOf(this.pid).reverse()) {
      try {
        process.kill(pid, 'SIGKILL')
      } catch {
        // It was quicker.
      }
    }
  }
}

function familyOf(pid: number): number[] {
  if (pid === 0) return []
  let children: number[] = []
  try {
    children = readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
      readProc(`${pid}/task/${thread}/children`).split(' ').map(Number),
    )
  } catch {
    return []
  }
  return [pid, ...children.filter((child) => child > 0).flatMap(familyOf)]
}

function readProc(path: string): string {
  try {
    return readFileSync(`/proc/${path}`, 'utf8')
  } catch {
    return ''
  }
}
