/**
 * Which folders a command means where nobody said: those of the machine's service for whoever runs it, and for root,
 * who asks about it; else the person's own.
 *
 * Not for `up` by root: a node started by hand would leave files that the service's user cannot open.
 */
import { homedir } from 'node:os'
import { isAbsolute, join, resolve } from 'node:path'

export interface OwnFolders {
  readonly data: string
  readonly keys: string
  readonly cache: string
}

/** What a service of the machine keeps its state in. */
const serviceData = '/var/lib/selvedge'

/**
 * @param uid null where the system has no such numbers
 * @param command the first word that was typed
 * @param ownerOf who owns a folder; null where there is none
 */
export function ownFolders(
  env: Readonly<Record<string, string | undefined>>,
  uid: number | null,
  command: string | undefined,
  ownerOf: (path: string) => number | null,
): OwnFolders {
  const [givenData, givenKeys] = [given(env['SELVEDGE_DATA']), given(env['SELVEDGE_KEYS'])]
  const cache = join(baseFolder(env['XDG_CACHE_HOME'], '.cache'), 'selvedge')
  if (givenData === null && isMeant(uid, command, ownerOf(serviceData)))
    return { data: serviceData, keys: givenKeys ?? join(serviceData, 'keys'), cache }
  return {
    data: givenData ?? join(baseFolder(env['XDG_DATA_HOME'], '.local', 'share'), 'selvedge'),
    keys: givenKeys ?? join(baseFolder(env['XDG_CONFIG_HOME'], '.config'), 'selvedge', 'keys'),
    cache,
  }
}

function isMeant(uid: number | null, command: string | undefined, owner: number | null): boolean {
  if (uid === null || owner === null) return false
  return uid === owner || (uid === 0 && command !== 'up')
}

/** XDG Base Directory Specification: relative values are to be ignored. */
function baseFolder(variable: string | undefined, ...fallback: string[]): string {
  return variable !== undefined && isAbsolute(variable) ? variable : join(homedir(), ...fallback)
}

function given(variable: string | undefined): string | null {
  return variable === undefined || variable === '' ? null : resolve(variable)
}
