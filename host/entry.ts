#!/usr/bin/env node
/**
 * What starts first: it parses on versions of Node.js that the program does not, so that an old one, a missing file
 * or two builds in one folder are told in a line, and so is
 * what keeps it from starting at all. Everything else is in main.ts, and in daemon.ts for a node.
 *
 * Built for Node 12.20 and without compat.ts; it may import nothing of ours but what needs nothing newer either.
 */
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ownCacheFolder } from './compile-cache.ts'
import { installationFault, loadFault, nodeFault, type StartFault } from './installation.ts'
import { runKept, type KeptScript } from './kept-script.ts'
import { ownFolders } from './own-folders.ts'

/** What daemon.ts exports. */
interface Daemon {
  readonly works: Promise<void>
  readonly finished: Promise<never>
}

/** Until what a node does at its start, and for its first app, has been compiled, ms. */
const keepAfterMs = 10_000

/** At once, and whole: the process ends behind it. */
function refuse({ code, what, hint }: StartFault): void {
  process.stderr.write(`error[${code}]: ${what}\nhint: ${hint}\n`)
  process.exitCode = 1
}

function keepLater(daemon: KeptScript): void {
  setTimeout(() => {
    if (!daemon.keep()) keepLater(daemon)
  }, keepAfterMs).unref()
}

async function startDaemon(): Promise<void> {
  const { getuid, env } = process
  const uid = getuid === undefined ? null : getuid.call(process)
  // Whose data it is plays no part in where its caches are.
  const { cache } = ownFolders(env, uid, 'up', () => null)
  const daemon = runKept(
    join(folder, 'daemon.cjs'),
    ownCacheFolder(cache, uid),
    (specifier) => import(specifier),
  )
  const { works, finished } = daemon.exports as Daemon
  void works.then(() => keepLater(daemon))
  await finished
}

const folder = dirname(fileURLToPath(import.meta.url))
const fault = nodeFault(process.versions.node, process.execPath) ?? installationFault(folder)
if (fault !== null) refuse(fault)
else
  (process.argv[2] === 'up' ? startDaemon() : import('./main.ts')).catch((error: unknown) =>
    refuse(loadFault(error)),
  )
