/** What is said where preparing a component took more memory than there is for it. */
import { engineProblems } from './problems.ts'

const kib = 1024
const mib = 1024 * kib

/**
 * @param componentBytes what was to be prepared
 * @param takenBytes how far it came
 */
export function outOfMemory(componentBytes: number, takenBytes: number): Error {
  return engineProblems.error(
    'ERR_PREPARE_MEMORY',
    `preparing a component of ${sizeText(componentBytes)} took ${sizeText(takenBytes)} of memory and was not done; this node has no more for that`,
  )
}

function sizeText(bytes: number): string {
  return bytes < mib ? `${Math.ceil(bytes / kib)} KiB` : `${Math.round(bytes / mib)} MiB`
}
