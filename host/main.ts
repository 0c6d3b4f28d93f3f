/** What every command but `up` runs: it asks a node that runs already, or needs none. */
// oxlint-disable-next-line import/no-unassigned-import
import '../core/compat.ts'
import * as nodeModule from 'node:module'
import { useCompileCache, type CodeCache } from './compile-cache.ts'
import { cacheFolder, runProgram } from './program.ts'

// Of some versions of Node.js only.
useCompileCache(nodeModule as CodeCache, cacheFolder(), process.getuid?.() ?? null)

await runProgram({
  startNode: () => Promise.reject(new Error('a node is started by daemon.ts')),
})
