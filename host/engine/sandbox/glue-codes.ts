/**
 * V8's code of the glue of deployed apps, made beside everything else by a thread that runs no guest (and none of the
 * glue), and kept only here: on a disk it would have to be trusted more than the text that it is made of, as V8 takes
 * it in unchecked. Whoever starts a sandbox before it is there gives the text alone.
 */
import { Worker } from 'node:worker_threads'
import { glueFile, type GlueScript } from '../../guest/index.ts'
import type { StoredComponent } from '../cache.ts'
import type { GlueJob } from '../glue-compiler.ts'
import type { EngineLimits } from '../limits.ts'

export interface GlueCodesNeeds {
  readonly limits: Pick<EngineLimits, 'glueCodeChars' | 'bootMs'>
  /** The thread's program. */
  compiler(): Promise<URL>
}

interface Job {
  readonly text: string
  keep(code: Uint8Array | null): void
}

export class GlueCodes {
  readonly #needs: GlueCodesNeeds
  readonly #codes = new WeakMap<StoredComponent, Promise<Uint8Array | null>>()
  readonly #made = new WeakMap<StoredComponent, Uint8Array>()
  #jobs: Job[] = []
  #worker: Worker | null = null
  #isWorking = false
  #isStopped = false

  constructor(needs: GlueCodesNeeds) {
    this.#needs = needs
  }

  /** Sees to it that there is code. @returns whether there is, when that is known */
  async make(stored: StoredComponent): Promise<boolean> {
    const { glue } = stored
    if (glue === null || glue.text.length > this.#needs.limits.glueCodeChars || this.#isStopped) return false
    const known = this.#codes.get(stored)
    if (known !== undefined) return (await known) !== null
    const made = new Promise<Uint8Array | null>((keep) => this.#jobs.push({ text: glue.text, keep }))
    this.#codes.set(stored, made)
    void this.#work()
    const code = await made
    if (code !== null) this.#made.set(stored, code)
    return code !== null
  }

  /** The component with what code there is now. */
  with(stored: StoredComponent): StoredComponent {
    const code = this.#made.get(stored)
    if (stored.glue === null || code === undefined) return stored
    const glue: GlueScript = { text: stored.glue.text, code }
    return { ...stored, glue }
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    for (const { keep } of this.#jobs.splice(0)) keep(null)
    await this.#worker?.terminate()
  }

  /** One after the other; the thread goes when nothing is left to do. */
  async #work(): Promise<void> {
    if (this.#isWorking) return
    this.#isWorking = true
    try {
      const program = await this.#needs.compiler()
      for (let job = this.#jobs.shift(); job !== undefined; job = this.#jobs.shift()) {
        job.keep(this.#isStopped ? null : await this.#codeOf(job.text, program))
      }
    } catch {
      // Without its program there is no code, and the text does.
      for (const { keep } of this.#jobs.splice(0)) keep(null)
    }
    this.#isWorking = false
    const worker = this.#worker
    this.#worker = null
    await worker?.terminate()
  }

  #codeOf(text: string, program: URL): Promise<Uint8Array | null> {
    const worker = (this.#worker ??= new Worker(program, { name: 'glue', env: {}, argv: [], execArgv: [] }))
    worker.unref()
    return new Promise((resolve) => {
      const done = (code: Uint8Array | null): void => {
        clearTimeout(timer)
        // One by one: all at once would take Node's own, and the thread's next word would not be heard.
        for (const [name, listener] of listeners) worker.off(name, listener)
        if (code === null && this.#worker === worker) this.#worker = null
        if (code === null) void worker.terminate()
        resolve(code)
      }
      const failed = (): void => done(null)
      const listeners = [
        ['message', done],
        ['error', failed],
        ['exit', failed],
      ] as const
      const timer = setTimeout(failed, this.#needs.limits.bootMs)
      timer.unref()
      for (const [name, listener] of listeners) worker.on(name, listener)
      worker.postMessage({ text, filename: glueFile } satisfies GlueJob)
    })
  }
}
