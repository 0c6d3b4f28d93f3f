/**
 * The folders that the node's owner names for apps, held against the disk when the node starts: what is wrong with
 * one is said then, and not when an app that was granted it comes. That one disappears later is the app's trouble.
 *
 * None may hold, or lie in, what is the node's own: its keys, its control socket and every other app's store.
 */
import { realpath, stat } from 'node:fs/promises'
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path'
import type { SelvedgeError } from '../../core/index.ts'
import { configProblems } from './problems.ts'

/** `[folders.NAME]`: what an app with the grant `folder:NAME` sees as `/NAME`. */
export interface FolderConfig {
  readonly path: string
  readonly access: 'read' | 'read-write'
  /** Most bytes and entries that may be in it while apps write to it. */
  readonly size: number
  readonly files: number
}

export type FoldersConfig = Readonly<Record<string, FolderConfig>>

/**
 * @param fileName of the TOML; relative paths start in its folder
 * @param own folders of the node itself, whether or not they are there yet
 * @returns the same with absolute paths
 * @throws ERR_CONFIG_INVALID naming file and field of the first that is no folder, and what stands there; or of the first that
 *   would give an app what is the node's own
 */
export async function locateFolders(
  folders: FoldersConfig,
  fileName: string,
  own: readonly string[],
): Promise<FoldersConfig> {
  const kept = await Promise.all(own.map((path) => realPathOf(resolve(path))))
  const located: [string, FolderConfig][] = []
  for (const [name, folder] of Object.entries(folders)) {
    const path = resolve(dirname(fileName), folder.path)
    const at = `${fileName}: folders.${name}.path: `
    const problem = await problemAt(path)
    if (problem !== null) throw refuse(`${at}${problem}`, 'make the folder, or name one that is there')
    const real = await realPathOf(path)
    const touched = kept.find((folder) => holds(real, folder) || holds(folder, real))
    if (touched !== undefined) {
      const how = holds(real, touched) ? 'holds' : 'lies in'
      throw refuse(
        `${at}${JSON.stringify(path)} ${how} ${touched}, where the node keeps what no app may see`,
        'name a folder beside it',
      )
    }
    located.push([name, { ...folder, path }])
  }
  return Object.fromEntries(located)
}

async function problemAt(path: string): Promise<string | null> {
  try {
    return (await stat(path)).isDirectory() ? null : `${JSON.stringify(path)} is no folder`
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const shown = JSON.stringify(path)
    return code === 'ENOENT' ? `there is nothing at ${shown}` : `${shown} cannot be reached (${code})`
  }
}

/** Without symbolic links, as far as the path is there. */
async function realPathOf(path: string): Promise<string> {
  try {
    return await realpath(path)
  } catch {
    const parent = dirname(path)
    return parent === path ? path : join(await realPathOf(parent), basename(path))
  }
}

function holds(outer: string, inner: string): boolean {
  const way = relative(outer, inner)
  return way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way)
}

function refuse(message: string, remedy: string): SelvedgeError {
  return configProblems.error('ERR_CONFIG_INVALID', message, {
    hint: `${remedy}, and start the node again`,
  })
}
