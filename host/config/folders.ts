/**
 * The folders that the node's owner names for apps, held against the disk when the node starts: what is wrong with
 * one is said then, and not when an app that was granted it comes. That one disappears later is the app's trouble.
 */
import { stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import type { SelvedgeError } from '../../core/index.ts'
import { configProblems } from './problems.ts'

/** `[folders.NAME]`: what an app with the grant `folder:NAME` sees as `/NAME`. */
export interface FolderConfig {
  readonly path: string
  readonly access: 'read' | 'read-write'
}

export type FoldersConfig = Readonly<Record<string, FolderConfig>>

/**
 * @param fileName of the TOML; relative paths start in its folder
 * @returns the same with absolute paths
 * @throws ERR_CONFIG_INVALID naming file and field of the first that is no folder, and what stands there
 */
export async function locateFolders(folders: FoldersConfig, fileName: string): Promise<FoldersConfig> {
  const located: [string, FolderConfig][] = []
  for (const [name, folder] of Object.entries(folders)) {
    const path = resolve(dirname(fileName), folder.path)
    const problem = await problemAt(path)
    if (problem !== null) throw refuse(`${fileName}: folders.${name}.path: ${problem}`)
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

function refuse(message: string): SelvedgeError {
  return configProblems.error('ERR_CONFIG_INVALID', message, {
    hint: 'make the folder, or name one that is there, and start the node again',
  })
}
