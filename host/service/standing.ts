/** What manages services here, and how it stands with ours. */
import {
  ownMark,
  serviceName,
  type ServiceManager,
  type ServiceOrder,
  type ServiceState,
} from './contract.ts'
import type { Machine } from './machine.ts'
import { serviceManagers } from './managers.ts'
import { serviceProblems } from './problems.ts'
import { readServiceFile } from './rights.ts'

export interface Standing extends ServiceState {
  readonly manager: string
  readonly scope: ServiceOrder['scope']
  /** Who made it; null where there is none. */
  readonly madeBy: 'selvedge' | 'package' | 'somebody' | null
  /** What the manager knows it by; null where there is none. */
  readonly file: string | null
  /** How a person reads what it said. */
  readonly log: string
}

/**
 * @param named by a person, who wants the files of another machine's manager; undefined for the one that is here
 * @throws ERR_SERVICE_MANAGER
 */
export function chooseManager(machine: Machine, named: string | undefined): ServiceManager {
  const names = serviceManagers.map(({ name }) => name)
  const found = serviceManagers.find((manager) =>
    named === undefined ? manager.isHere(machine) : manager.name === named,
  )
  if (found !== undefined) return found
  throw named === undefined
    ? serviceProblems.error('ERR_SERVICE_MANAGER', `neither ${names.join(' nor ')} runs this machine`)
    : serviceProblems.error('ERR_SERVICE_MANAGER', `there is no service manager ${named}`, {
        hint: `write ${names.join(' or ')}`,
      })
}

export async function readStanding(
  machine: Machine,
  manager: ServiceManager,
  order: ServiceOrder,
): Promise<Standing> {
  const { scope } = order
  const [first] = manager.files(order)
  const own = first === undefined ? null : await readServiceFile(machine, scope, first.path)
  const packaged = manager.packaged(scope).find((path) => machine.exists(path)) ?? null
  const file = own === null ? packaged : (first?.path ?? null)
  const log = manager.logCommand(scope).join(' ')
  const about = { manager: manager.name, scope, file, log }
  if (file === null) return { ...about, madeBy: null, isEnabled: false, state: 'stopped', restarts: null }
  const madeBy = own === null ? 'package' : own.includes(ownMark) ? 'selvedge' : 'somebody'
  return { ...about, madeBy, ...(await manager.stateOf(machine, scope)) }
}

/** The hint for a service that `selvedge` did not make. */
export function foreignHint({ madeBy, file }: Standing): string {
  return madeBy === 'package'
    ? `take the package away instead: apt remove ${serviceName}`
    : `look at ${file}, and take it away by hand`
}
