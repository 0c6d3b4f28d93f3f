/**
 * How a daemon that has a data folder shows that it lives to whoever cannot see its process: it listens on a socket in the
 * folder, which the kernel closes with it. Where there can be none (a file system without sockets, too long a path) there is
 * no sign, and nothing else is the worse for it.
 */
import { rm } from 'node:fs/promises'
import { createConnection, createServer } from 'node:net'
import { join } from 'node:path'
import { systemClock, type Cancel } from '../../core/index.ts'
import { longestSocketPathBytes } from './socket-path.ts'

/** Who listens is connected to by the kernel, also while it is frozen. */
const patienceMs = 2_000

function signPath(folder: string): string | null {
  const path = join(folder, 'life.sock')
  return Buffer.byteLength(path) <= longestSocketPathBytes ? path : null
}

/** By the holder of the folder alone. @returns ends it; never rejects, nor does this */
export async function showLifeSign(folder: string): Promise<() => Promise<void>> {
  const path = signPath(folder)
  if (path === null) return async () => {}
  // Of one that was killed.
  await rm(path, { force: true }).catch(() => {})
  const server = createServer((socket) => socket.destroy())
  server.unref()
  await new Promise<void>((resolve) => {
    server.on('error', () => resolve())
    server.listen(path, resolve)
  })
  return () => new Promise((resolve) => server.close(() => resolve()))
}

/** Whether somebody listens there. Never rejects. */
export async function hasLifeSign(folder: string): Promise<boolean> {
  const path = signPath(folder)
  if (path === null) return false
  const socket = createConnection(path)
  let cancel: Cancel | null = null
  try {
    return await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true))
      // Refused, or not there. One that has too many to answer at once is there.
      socket.once('error', ({ code }: NodeJS.ErrnoException) => resolve(code === 'EAGAIN'))
      cancel = systemClock.after(patienceMs, () => resolve(true))
    })
  } finally {
    ;(cancel as Cancel | null)?.()
    socket.destroy()
  }
}
