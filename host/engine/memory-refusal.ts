/** What is said of a component or module that starts with more memory than it may have. */
import { pageBytes } from './core-module.ts'
import { engineProblems } from './problems.ts'

/** @param memoryBytes its limit */
export function memoryRefusal(neededPages: number, memoryBytes: number): Error {
  const needed = neededPages * pageBytes
  return engineProblems.error(
    'ERR_MEMORY_LIMIT',
    `it starts with ${needed} bytes of memory (${neededPages} pages); its limit is ${memoryBytes} (${Math.floor(memoryBytes / pageBytes)} pages)`,
    { hint: `set \`memory\` under [limits] in selvedge.toml to at least ${needed}, or build it with less` },
  )
}
