/**
 * Runs a preparation in a child process: one at a time, bounded in time, memory and output, and after everything else
 * that the machine has to do.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { baselineFlags, plainText, type Clock } from '../../core/index.ts'
import { addressFlags } from './address-space.ts'
import type { EngineLimits } from './limits.ts'
import type { PrepareJob } from './prepare-protocol.ts'
import { outOfMemory } from './prepare-memory.ts'
import { engineProblems } from './problems.ts'
import type { Program } from './program.ts'
import { yieldToOthers } from './yielding.ts'

const maxComplaintBytes = 16 * 1024

export class Preparer {
  readonly #clock: Clock
  readonly #limits: EngineLimits
  readonly #running = new Set<ChildProcess>()
  #turn: Promise<unknown> = Promise.resolve()
  #waiting = 0
  #stopped = false

  constructor(clock: Clock, limits: EngineLimits) {
    this.#clock = clock
    this.#limits = limits
  }

  /**
   * @returns what the child wrote, unchecked
   * @throws ERR_PREPARE_FAILED when it died, said too much or took too long; ERR_ENGINE_BUSY
   */
  async run(program: Program, job: PrepareJob, component: Uint8Array): Promise<Uint8Array> {
    if (this.#waiting >= this.#limits.waitingPrepares) {
      throw engineProblems.error('ERR_ENGINE_BUSY', `${this.#waiting} components wait already`)
    }
    this.#waiting += 1
    const mine = this.#turn.then(() => this.#spawn(program, job, component))
    this.#turn = mine.catch(() => {})
    try {
      return await mine
    } finally {
      this.#waiting -= 1
    }
  }

  /** Kills what runs; what waits fails when its turn comes. */
  stop(): void {
    this.#stopped = true
    for (const child of this.#running) child.kill('SIGKILL')
  }

  #spawn(program: Program, job: PrepareJob, component: Uint8Array): Promise<Uint8Array> {
    if (this.#stopped) throw engineProblems.error('ERR_PREPARE_FAILED', 'the node is stopping')
    const { prepareMs, prepareHeapMb, preparePages, preparedBytes } = this.#limits
    // The baseline compiler halves the time of a process that runs its code once.
    const flags = [
      `--max-old-space-size=${prepareHeapMb}`,
      `--wasm-max-mem-pages=${preparePages}`,
      ...baselineFlags,
      ...addressFlags(),
    ]
    const child = spawn(process.execPath, [...flags, fileURLToPath(program.prepare)], {
      env: {},
      stdio: ['pipe', 'pipe', 'pipe'],
      windowsHide: true,
    })
    this.#running.add(child)
    if (child.pid !== undefined) yieldToOthers(child.pid)
    return new Promise<Uint8Array>((resolve, reject) => {
      let failure: string | null = null
      const fail = (reason: string): void => {
        failure ??= reason
        child.kill('SIGKILL')
      }
      const cancel = this.#clock.after(prepareMs, () => fail(`it took longer than ${prepareMs} ms`))
      const answer = collect(child.stdout, preparedBytes, () =>
        fail(`its answer exceeds ${preparedBytes} bytes`),
      )
      const complaints = collect(child.stderr, maxComplaintBytes, () => {})
      child.on('error', (error) => fail(`it could not be started: ${error.message}`))
      child.on('close', (code, signal) => {
        cancel()
        this.#running.delete(child)
        if (failure === null && code === 0) return resolve(Buffer.concat(answer))
        const said = firstLine(Buffer.concat(complaints).toString('utf8'))
        const end =
          failure ?? `it ended with ${signal ?? `exit code ${code}`}${said === '' ? '' : `: ${said}`}`
        reject(
          isOutOfHeap(said)
            ? outOfMemory(component.length, prepareHeapMb * 1024 * 1024)
            : engineProblems.error(
                'ERR_PREPARE_FAILED',
                `preparing ${component.length} bytes failed: ${end}`,
              ),
        )
      })
      child.stdin.on('error', () => {}) // it may die before it has read everything; 'close' says why
      child.stdin.write(frame(job))
      child.stdin.end(component)
    })
  }
}

function collect(stream: NodeJS.ReadableStream, limit: number, onExcess: () => void): Buffer[] {
  const chunks: Buffer[] = []
  let size = 0
  stream.on('data', (chunk: Buffer) => {
    size += chunk.length
    if (size > limit) onExcess()
    else chunks.push(chunk)
  })
  return chunks
}

function frame(job: PrepareJob): Buffer {
  const json = Buffer.from(JSON.stringify(job), 'utf8')
  const length = Buffer.alloc(4)
  length.writeUInt32LE(json.length)
  return Buffer.concat([length, json])
}

/** V8's last words. */
function isOutOfHeap(said: string): boolean {
  return /heap out of memory|Array buffer allocation failed/i.test(said)
}

/** Node prints an uncaught error behind the source line it came from; the error itself is what helps. */
function firstLine(text: string): string {
  const lines = text.split('\n').map((line) => line.trim())
  const found = lines.find((line) => /error/i.test(line)) ?? lines.find((line) => line !== '') ?? ''
  return plainText(found).slice(0, 300)
}
