/** Takes a service away that `selvedge service install` made. What it ran on stays: data, settings, keys, user. */
import { messageOf } from '../../core/index.ts'
import { ownMark, type ServiceManager, type ServiceOrder } from './contract.ts'
import type { Machine } from './machine.ts'
import { serviceProblems } from './problems.ts'
import { readServiceFile, refuseWithoutRights } from './rights.ts'
import { foreignHint, readStanding } from './standing.ts'

export interface Uninstallation {
  /** Files that were, or would be, taken away; none where there is no service of ours. */
  readonly removed: readonly string[]
  readonly commands: readonly string[]
}

/**
 * @param isDry says what it would do, and does nothing
 * @throws ERR_SERVICE_ROOT, ERR_SERVICE_FOREIGN, ERR_SERVICE_FILE
 */
export async function uninstallService(
  machine: Machine,
  manager: ServiceManager,
  order: ServiceOrder,
  isDry: boolean,
): Promise<Uninstallation> {
  const { scope } = order
  const standing = await readStanding(machine, manager, order)
  if (standing.madeBy === 'package' || standing.madeBy === 'somebody') {
    const hint = foreignHint(standing)
    throw serviceProblems.error('ERR_SERVICE_FOREIGN', `${standing.file} was not written by selvedge`, {
      hint,
    })
  }
  if (standing.madeBy === 'selvedge' && !isDry) refuseWithoutRights(machine, scope, 'uninstall')
  const removed: string[] = []
  for (const { path } of manager.files(order)) {
    if ((await readServiceFile(machine, scope, path))?.includes(ownMark) === true) removed.push(path)
  }
  if (removed.length === 0) return { removed, commands: [] }
  const [stop, forget] = [manager.stop(scope), manager.forget(scope)]
  const commands = [...stop, ...forget].map((line) => line.join(' '))
  if (isDry) return { removed, commands }
  refuseWithoutRights(machine, scope, 'uninstall')
  // A service that is half gone already must not keep the rest from going.
  for (const line of stop) await machine.run(line)
  for (const path of removed) {
    await machine.remove(path).catch((cause: unknown) => {
      throw serviceProblems.error('ERR_SERVICE_FILE', `cannot remove ${path}: ${messageOf(cause)}`, { cause })
    })
  }
  for (const line of forget) await machine.run(line)
  return { removed, commands }
}
