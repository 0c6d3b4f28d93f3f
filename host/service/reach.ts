/** Whether the service could reach what it is to run on: its user may not, and systemd hides folders from it. */
import { realpathSync } from 'node:fs'
import { isReadableByOthers } from '../readable-by-others.ts'
import type { ServiceManager, ServiceOrder } from './contract.ts'
import { serviceProblems } from './problems.ts'

/** @throws ERR_SERVICE_UNREADABLE, ERR_SERVICE_WORD */
export function refuseUnreachable(manager: ServiceManager, order: ServiceOrder): void {
  const { scope, user, node, program, config, data } = order
  const broken = [node, program, config, data].find((path) => /\p{Cc}/u.test(path))
  if (broken !== undefined)
    throw serviceProblems.error(
      'ERR_SERVICE_WORD',
      `${JSON.stringify(broken)} has a line break or its like`,
      {
        hint: 'name a path without one',
      },
    )
  const places = [
    {
      path: node,
      hint: 'install a Node.js for all, as /usr/bin/node, and run `service install` with that one',
    },
    { path: program, hint: 'put selvedge where everybody can read it, as /usr/local/lib' },
    { path: config, hint: 'put the settings elsewhere, as /etc/selvedge/node.toml' },
    { path: data, hint: 'put the data elsewhere, as /var/lib/selvedge' },
  ]
  const hidden = manager.hidden(scope)
  for (const { path, hint } of places) {
    const folder = hidden.find((root) => isBelow(path, root) || isBelow(realOf(path), root))
    if (folder === undefined) continue
    const what = `${path} is below ${folder}, which ${manager.name} hides from a service of the machine`
    throw serviceProblems.error('ERR_SERVICE_UNREADABLE', what, { hint: `${hint}, or add --user` })
  }
  if (user === null) return
  const closed = [node, program].find((path) => !isReadableByOthers(path))
  if (closed === undefined) return
  throw serviceProblems.error('ERR_SERVICE_UNREADABLE', `the user ${user} could not read ${closed}`)
}

function isBelow(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`)
}

/** Where links lead; a path that is not there yet leads where it says. */
function realOf(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return path
  }
}
