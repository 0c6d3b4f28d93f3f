/** Where the engine's own worker files lie: beside the bundle, or in dist/ when run from source. */
import { readFile } from 'node:fs/promises'
import { messageOf } from '../../core/index.ts'
import { engineProblems } from './problems.ts'

export interface Program {
  readonly prepare: URL
  readonly sandbox: URL
  readonly sandboxProcess: URL
  readonly sandboxShared: URL
  readonly glueCompiler: URL
  /** Changes with the transpiler and with our own part of it; part of every cache key. */
  readonly build: string
}

/** @throws ERR_ENGINE_INCOMPLETE */
export async function findProgram(folder: URL = defaultFolder()): Promise<Program> {
  const file = new URL('prepare.json', folder)
  try {
    const { build } = JSON.parse(await readFile(file, 'utf8')) as { build?: unknown }
    if (typeof build !== 'string' || build === '') throw new Error('it names no build')
    return {
      prepare: new URL('prepare.mjs', folder),
      sandbox: new URL('sandbox.mjs', folder),
      sandboxProcess: new URL('sandbox-process.mjs', folder),
      sandboxShared: new URL('sandbox-shared.mjs', folder),
      glueCompiler: new URL('glue-compiler.mjs', folder),
      build,
    }
  } catch (error) {
    throw engineProblems.error('ERR_ENGINE_INCOMPLETE', `cannot use ${file.pathname}: ${messageOf(error)}`)
  }
}

function defaultFolder(): URL {
  return new URL(import.meta.url.endsWith('.ts') ? '../../dist/' : './', import.meta.url)
}
