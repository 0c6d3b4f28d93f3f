/**
 * What the code of a sandbox finds around it. jco's glue runs in the same realm as our own code, and all that keeps a
 * guest from becoming code there is that its names are checked. So what Node.js puts into that realm and leads to the
 * machine is taken away before any glue is compiled: even then there is nothing to call.
 *
 * Modules stay out of reach without it: a script that was compiled as the glue is cannot import (`glue.ts`). And Node's
 * permission model keeps a process from files, other processes, threads and the inspector; it does not keep it from
 * sockets, the node's own control socket among them, nor from signals, one of which opens the node's inspector.
 */

/**
 * Of Node.js 18 to 26, what reaches a network or another thread. Nothing in a sandbox asks for it; a test names all
 * the others, so that a new one is noticed.
 */
const reaching = [
  'fetch',
  'WebSocket',
  'EventSource',
  'BroadcastChannel',
  'Request',
  'Response',
  'Worker',
  'navigator',
  'localStorage',
  'sessionStorage',
] as const

/**
 * To be called once, by whoever owns the thread or the process, when everything of its own is loaded: from then on
 * `process` tells what it runs on and ends it, and leads to nothing (its streams are sockets, and their class is that of
 * any connection).
 */
export function closeRealm(): void {
  const { platform, arch, version, versions } = process
  const exit = process.exit.bind(process)
  // The environment is looked at on every step of jco's glue, which a plain object makes nearly free.
  define('process', Object.freeze({ platform, arch, version, versions, exit, env: Object.freeze({}) }))
  const { debug, info, log, warn, error } = console
  define('console', Object.freeze({ debug, info, log, warn, error }))
  for (const name of reaching) Reflect.deleteProperty(globalThis, name)
}

function define(name: string, value: object): void {
  Object.defineProperty(globalThis, name, { value, writable: false, configurable: false, enumerable: true })
}
