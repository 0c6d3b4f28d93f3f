/** Prepares the guests as the engine does, and asks one child process after the other. */
import { execFile } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { outlineOf } from '../../host/engine/component-reader.ts'
import { exposeState } from '../../host/engine/core-state.ts'
import { tighten } from '../../host/engine/glue.ts'
import { generateGlue } from '../../host/engine/transpiler.ts'
import { watGuest } from './guests.ts'
import type { GuestOfBench } from './host.ts'
import type { Answer, Question } from './measure.ts'

const run = promisify(execFile)

export class GlueBench {
  readonly #folder: string
  readonly #program: string

  private constructor(folder: string) {
    this.#folder = folder
    this.#program = join(folder, 'measure.mjs')
  }

  /** @param root the checkout; @param folder a temporary one */
  static async create(root: string, folder: string): Promise<GlueBench> {
    const bench = new GlueBench(folder)
    await build({
      entryPoints: [join(root, 'bench/engine/measure.ts')],
      outfile: bench.#program,
      bundle: true,
      platform: 'node',
      target: 'node20',
      format: 'esm',
      logLevel: 'warning',
    })
    await bench.#prepare('echo', await watGuest(root, 'echo'))
    await bench.#prepare('hello-http', await watGuest(root, 'hello-http'))
    return bench
  }

  async #prepare(name: GuestOfBench, bytes: Uint8Array): Promise<void> {
    const { glue, modules } = await generateGlue(bytes, { isAsync: false, imports: outlineOf(bytes).imports })
    const original = Buffer.from(glue).toString('utf8')
    const { text, plain } = tighten(original)
    const exposed = exposeState(modules)
    if (!plain || exposed === null) throw new Error(`${name} is not what this benchmark is about`)
    const folder = join(this.#folder, name)
    await mkdir(folder)
    await writeFile(join(folder, 'original.js'), original)
    await writeFile(join(folder, 'tight.js'), text)
    await writeFile(join(folder, 'prefix'), exposed.prefix)
    for (const [file, module] of exposed.modules) await writeFile(join(folder, file), module)
  }

  async ask(question: Omit<Question, 'folder'>): Promise<Answer> {
    const whole: Question = { ...question, folder: join(this.#folder, question.guest) }
    const args = ['--expose-gc', this.#program, JSON.stringify(whole)]
    const { stdout } = await run(process.execPath, args, { timeout: 300_000 })
    return JSON.parse(stdout) as Answer
  }
}
