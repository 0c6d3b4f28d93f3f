/**
 * Which app a request is for: by the host it names, or by the first segment of its path, which the app then does
 * not see.
 */
export interface Route {
  readonly app: string
  /** Path and query for the app. */
  readonly path: string
  readonly authority: string | undefined
}

/**
 * @param target of the request line: `/path?query`, or a whole URL as proxies send it
 * @param hosts apps by the host names that the node's owner gave them, in lower case
 * @param only where there is one app alone, which sees every path as it is
 * @returns null where it is for no app
 */
export function routeOf(
  target: string,
  hostField: string | undefined,
  hosts: ReadonlyMap<string, string>,
  only?: string,
): Route | null {
  let path = target
  let authority = hostField
  if (!target.startsWith('/')) {
    // RFC 9112, 3.2.2: what the target says stands before the Host field.
    const match = /^https?:\/\/([^/?#]+)([/?][^#]*)?$/i.exec(target)
    if (match === null) return null
    authority = match[1]
    path = match[2] ?? '/'
    if (path.startsWith('?')) path = `/${path}`
  }
  const app = only ?? (authority === undefined ? undefined : appOfHost(authority, hosts))
  if (app !== undefined) return { app, path, authority }
  const end = segmentEnd(path)
  const first = path.slice(1, end)
  if (!isName(first)) return null
  const rest = path.slice(end)
  return { app: first, path: rest.startsWith('/') ? rest : `/${rest}`, authority }
}

const ownDomain = '.localhost'

function appOfHost(authority: string, hosts: ReadonlyMap<string, string>): string | undefined {
  const name = authority.replace(/:\d*$/, '').toLowerCase()
  const named = hosts.get(name)
  if (named !== undefined || !name.endsWith(ownDomain)) return named
  const app = name.slice(0, -ownDomain.length)
  return isName(app) ? app : undefined
}

/** Whether an app could be called so; whether one is, the apps know. */
function isName(text: string): boolean {
  return text.length > 0 && text.length <= 63
}

function segmentEnd(path: string): number {
  for (let at = 1; at < path.length; at += 1) {
    const character = path[at]
    if (character === '/' || character === '?') return at
  }
  return path.length
}
