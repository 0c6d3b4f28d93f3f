/** Prepares the guests as the engine does, and asks one child process after the other. */
import { componentEmbed, componentNew, parse } from '@bytecodealliance/jco-transpile/wasm-tools'
import { execFile } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { outlineOf } from '../../host/engine/component-reader.ts'
import { exposeState } from '../../host/engine/core-state.ts'
import { tighten } from '../../host/engine/glue.ts'
import { generateGlue } from '../../host/engine/transpiler.ts'
import type { GuestOfBench } from './host.ts'
import type { Answer, Question } from './measure.ts'

const run = promisify(execFile)

/** A test guest, made anew: nothing of an earlier run is measured. */
async function component(root: string, name: GuestOfBench, witFile: string): Promise<Uint8Array> {
  const binary = await parse(await readFile(join(root, 'test/guests', `${name}.wat`), 'utf8'))
  const witSource = await readFile(join(root, witFile), 'utf8')
  return componentNew(await componentEmbed({ binary, witSource, world: 'guest' }), [])
}

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
    await bench.#prepare('echo', await component(root, 'echo', 'bench/engine/echo.wit'))
    await bench.#prepare('hello-http', await component(root, 'hello-http', 'test/guests/hello-http.wit'))
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
