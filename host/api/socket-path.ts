/**
 * Where a daemon's control socket is, for both sides.
 *
 * A Unix socket path may have 107 bytes, and Node 20 cuts a longer one without an error. Where the data folder's
 * own path is too long, the socket gets a hashed name in a folder private to the user. That folder hangs on
 * nothing but the user id: a daemon started as a service and a client in a login shell see different
 * XDG_RUNTIME_DIR and TMPDIR, and must still find each other.
 */
import { createHash } from 'node:crypto'
import { realpathSync } from 'node:fs'
import { lstat, mkdir } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { apiProblems } from './problems.ts'

/** Below the 107 of Linux and the 103 of macOS. */
export const longestSocketPathBytes = 100
const sharedFolder = '/tmp'

/** @returns `<data>/control.sock`, or a hashed name where that is longer than a socket path may be. */
export function controlSocketPath(dataFolder: string): string {
  const folder = realPath(dataFolder)
  const path = join(folder, 'control.sock')
  if (Buffer.byteLength(path) <= longestSocketPathBytes) return path
  const name = createHash('sha256').update(folder).digest('hex').slice(0, 32)
  return join(sharedFolder, `selvedge-${userInfo().uid}`, `${name}.sock`)
}

/**
 * Makes the folder of a hashed socket, and checks that nobody else put it there.
 * @throws ERR_SOCKET_FOLDER when it is a link, another user's, or open to others
 */
export async function prepareSocketFolder(socketPath: string): Promise<void> {
  const folder = dirname(socketPath)
  if (dirname(folder) !== sharedFolder) return
  await mkdir(folder, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error
  })
  const facts = await lstat(folder)
  if (!facts.isDirectory() || facts.uid !== userInfo().uid || (facts.mode & 0o077) !== 0) {
    throw apiProblems.error('ERR_SOCKET_FOLDER', `${folder} is not a folder that only this user can enter`)
  }
}

function realPath(folder: string): string {
  try {
    return realpathSync(folder)
  } catch {
    return resolve(folder)
  }
}
