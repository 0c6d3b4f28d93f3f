/** What takes root, and what an installation may not read without being it. */
import { messageOf } from '../../core/index.ts'
import type { ServiceScope } from './contract.ts'
import type { Machine } from './machine.ts'
import { serviceProblems } from './problems.ts'

/** @throws ERR_SERVICE_ROOT */
export function refuseWithoutRights(machine: Machine, scope: ServiceScope, verb: string): void {
  if (scope === 'user' || machine.uid === 0) return
  throw serviceProblems.error('ERR_SERVICE_ROOT', `only root can ${verb} a service of the machine`)
}

/**
 * The text of a service's file; the one with the words for `up` may be read by root alone.
 * @returns null where there is none. @throws ERR_SERVICE_ROOT, ERR_SERVICE_FILE
 */
export async function readServiceFile(
  machine: Machine,
  scope: ServiceScope,
  path: string,
): Promise<string | null> {
  try {
    return (await machine.read(path))?.text ?? null
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (scope === 'system' && machine.uid !== 0 && (code === 'EACCES' || code === 'EPERM'))
      throw serviceProblems.error('ERR_SERVICE_ROOT', `only root can read ${path}`, { cause })
    throw serviceProblems.error('ERR_SERVICE_FILE', `cannot read ${path}: ${messageOf(cause)}`, {
      hint: 'see the message; move the file away if it is not needed',
      cause,
    })
  }
}
