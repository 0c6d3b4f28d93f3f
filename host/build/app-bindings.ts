/**
 * The bindings of one app, in a folder beside its main source: written by every build, and by `selvedge bindings`, so
 * that an editor sees them. Files that would not change are left alone, those of an earlier world go.
 */
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join, posix } from 'node:path'
import { messageOf } from '../../core/index.ts'
import type { Manifest } from '../manifest/index.ts'
import { generateBindings, generatedMark, type Bindings } from './bindings/index.ts'
import { buildProblems } from './problems.ts'
import { programFolder } from './program-folder.ts'
import { ownWitFolder, readWitSource, worldsOf } from './wit-source.ts'
import { readWorld } from './wit/index.ts'

const defaultSource = 'assembly/index.ts'

export interface PreparedBindings {
  /** The app's main source file, in its folder. */
  readonly source: string
  /** What is to be compiled, in its folder. */
  readonly entry: string
  readonly witSource: string
  readonly bindings: Bindings
}

/** @throws ERR_WORLD, ERR_BUILD_FAILED where they cannot be written */
export async function prepareBindings(folder: string, manifest: Manifest): Promise<PreparedBindings> {
  const source = manifest.component.source ?? defaultSource
  const { world } = manifest.component
  const own = await ownWitFolder(folder)
  const witSource = await readWitSource(...(own === null ? [] : [own]), join(programFolder(), 'wit'))
  const worlds = worldsOf(witSource)
  if (!worlds.includes(world)) {
    throw buildProblems.error('ERR_WORLD', `there is no world ${world} (there is: ${worlds.join(', ')})`)
  }
  const app = `../${posix.basename(source).replace(/\.ts$/, '')}`
  const bindings = generateBindings(readWorld(witSource, world), app)
  const relative = posix.join(posix.dirname(source), 'bindings')
  await writeBindings(join(folder, relative), bindings)
  return { source, entry: posix.join(relative, 'exports.ts'), witSource, bindings }
}

async function writeBindings(folder: string, { files }: Bindings): Promise<void> {
  try {
    await mkdir(folder, { recursive: true })
    for (const name of await readdir(folder)) {
      if (!name.endsWith('.ts') || files.has(name)) continue
      const text = await readFile(join(folder, name), 'utf8')
      if (text.startsWith(generatedMark)) await rm(join(folder, name))
    }
    // The folder keeps itself out of version control.
    for (const [name, text] of [...files, ['.gitignore', '*\n'] as const]) {
      await writeChanged(join(folder, name), text)
    }
  } catch (error) {
    throw buildProblems.error(
      'ERR_BUILD_FAILED',
      `bindings cannot be written to ${folder}: ${messageOf(error)}`,
      {
        hint: `give this user the right to write in ${dirname(folder)}`,
        cause: error,
      },
    )
  }
}

async function writeChanged(file: string, text: string): Promise<void> {
  const before = await readFile(file, 'utf8').catch(() => null)
  if (before !== text) await writeFile(file, text)
}
