/**
 * The thread of the first app of a node that starts: begun before the node is evaluated, on another core, as the start of a
 * thread and of what is in it takes a fifth of the time until an app has its first event.
 */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { nodeBudget, sizesOf } from '../budget/index.ts'
import { startThread, type IdleThread } from './thread.ts'

/** Behind the name of an app, in the folder `apps` of the data folder: the release of it that ran last. */
export const lastGoodSuffix = '.last-good.json'

/**
 * @param data the data folder
 * @param program sandbox.mjs
 * @returns null where no app ran there before. Its heap is what the memory of the machine suggests: a node that is told
 *   another budget has no use for it
 */
export function startFirstThread(data: string, program: URL): IdleThread | null {
  return hasRunApps(data) ? startThread(program, sizesOf(nodeBudget('auto')).sandboxHeapMb) : null
}

function hasRunApps(data: string): boolean {
  try {
    return readdirSync(join(data, 'apps')).some((name) => name.endsWith(lastGoodSuffix))
  } catch {
    // A new node, or one that is about to say why it cannot read its folder.
    return false
  }
}
