/**
 * How a guest of another toolchain is built for a test. Nothing is ever installed here: where a tool is missing, the
 * test that wants it is skipped and says what to install. What was built is kept in the temporary folder of the
 * system, by the digest of its sources and of the tools' versions, so that only the first run takes long.
 */
import { execFile } from 'node:child_process'
import { createHash, randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

export const root = fileURLToPath(new URL('../..', import.meta.url))
export const here = fileURLToPath(new URL('.', import.meta.url))

export interface Recipe {
  readonly language: string
  /** Folders and files that the result depends on, relative to the checkout. */
  readonly sources: readonly string[]
  /** @returns what the tools call themselves, version included. @throws {@link Missing} */
  probe(): Promise<string>
  /** Writes the guest to `out`; `scratch` is an empty folder that is removed afterwards. */
  build(out: string, scratch: string): Promise<void>
}

/** A tool is not installed; the message says what is missing and where it is had. */
export class Missing extends Error {}

/** A build that takes longer than the compilers need on a slow machine. */
const longestBuildMs = 280_000

const execute = promisify(execFile)

/** @throws with everything that the tool said, where it fails */
export async function run(
  file: string,
  args: readonly string[],
  options: { cwd?: string; env?: Record<string, string> } = {},
): Promise<string> {
  const { stdout } = await execute(file, args, {
    cwd: options.cwd ?? here,
    env: { ...process.env, ...options.env },
    timeout: longestBuildMs,
  })
  return stdout.trim()
}

/** @returns the tool's version. @throws Missing where it cannot be run */
export async function versionOf(file: string, args: readonly string[], remedy: string): Promise<string> {
  try {
    return await run(file, args)
  } catch {
    throw new Missing(`${file} is not installed; ${remedy}`)
  }
}

/**
 * @param skip called with the reason where this machine lacks the toolchain; does not return
 * @returns the path of the built guest
 */
export async function built(recipe: Recipe, skip: (reason: string) => never): Promise<string> {
  let version: string
  try {
    version = await recipe.probe()
  } catch (error) {
    if (error instanceof Missing) return skip(error.message)
    throw error
  }
  const cache = join(tmpdir(), 'selvedge-toolchains')
  const file = join(cache, `${await keyOf(recipe, version)}.wasm`)
  if (existsSync(file)) return file
  await mkdir(cache, { recursive: true })
  const scratch = await mkdtemp(join(tmpdir(), 'selvedge-toolchain-'))
  try {
    const out = join(scratch, `${randomUUID()}.wasm`)
    await recipe.build(out, scratch)
    // As a whole, because another run may build the same at the same time.
    await rename(out, file)
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
  return file
}

async function keyOf({ language, sources, build }: Recipe, version: string): Promise<string> {
  const hash = createHash('sha256').update(`${language}\0${version}\0${build.toString()}`)
  for (const source of sources) {
    for (const path of await filesOf(join(root, source)))
      hash.update(`\0${relative(root, path)}\0`).update(await readFile(path))
  }
  return `${language.replaceAll(/\W+/g, '-')}-${hash.digest('hex').slice(0, 24)}`
}

async function filesOf(path: string): Promise<string[]> {
  const entries = await readdir(path, { withFileTypes: true }).catch(() => null)
  if (entries === null) return [path]
  const names = entries.map(({ name }) => name).sort()
  return (await Promise.all(names.map((name) => filesOf(join(path, name))))).flat()
}
