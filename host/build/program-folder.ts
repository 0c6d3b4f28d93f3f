/**
 * Where this program is installed: the checkout when it runs from source, the package when it runs as dist/.
 * The WIT packages lie beside it, and the toolchains may.
 */
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildProblems } from './problems.ts'

const here = dirname(fileURLToPath(import.meta.url))

/** @returns the folder that holds wit/. @throws ERR_WORLD where the installation lacks it */
export function programFolder(): string {
  // dist/selvedge.mjs is one folder below, host/build/ two.
  const found = [join(here, '..'), join(here, '..', '..')].find((root) =>
    existsSync(join(root, 'wit', 'edge.wit')),
  )
  if (found === undefined) {
    throw buildProblems.error('ERR_WORLD', `this installation has no wit/ folder beside ${here}`, {
      hint: 'install selvedge again',
    })
  }
  return found
}
