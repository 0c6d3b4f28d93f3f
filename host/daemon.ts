/**
 * What `up` runs: the program with the node in it, built as one script, so that V8's code for it can be kept from one
 * start to the next (see kept-script.ts). The node is evaluated when it is asked to start, and what it reaches by a dynamic
 * import when that is reached.
 */
// oxlint-disable-next-line import/no-unassigned-import
import '../core/compat.ts'
import * as nodeModule from 'node:module'
import { useCompileCache, type CodeCache } from './compile-cache.ts'
import { cacheFolder, loadProblems, runProgram } from './program.ts'
import { startFirstThread } from './threads/index.ts'

// For the files of its threads, where Node.js can.
const codeCache = nodeModule as CodeCache
const isCaching = useCompileCache(codeCache, cacheFolder(), process.getuid?.() ?? null)

let tellWorks!: () => void
/** Resolves when the node is ready and runs an app; never where there is none. */
export const works = new Promise<void>((resolve) => (tellWorks = resolve))

/** Settles only with what ought not to happen: the process ends before. */
export const finished = runProgram({
  async startNode(options) {
    const firstThread = startFirstThread(options.data, new URL('./sandbox.mjs', import.meta.url))
    const [{ startNode }, problems] = await Promise.all([import('./node/index.ts'), loadProblems()])
    const node = await startNode({ ...options, problems, ...(firstThread !== null && { firstThread }) })
    // A node often ends with its power.
    if (isCaching) codeCache.flushCompileCache?.()
    void node.works.then(tellWorks)
    return node
  },
})
