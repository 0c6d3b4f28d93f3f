/** Where the node listens for requests to apps: one address for all of them, and ports that are one app's own. */
import type { Clock, Log } from '../../core/index.ts'
import type { CallRouter } from '../calls/index.ts'
import { parseHttpAddress, parsePortAddress, type HttpAddress, type NodeConfig } from '../config/index.ts'
import { HttpServer, type HttpObserver } from '../http/index.ts'

export interface RequestNeeds {
  /** As typed; undefined leaves it to the configuration. */
  readonly typed: string | undefined
  readonly config: NodeConfig['http']
  readonly router: Pick<CallRouter, 'ingressOf'>
  readonly problems: readonly { readonly code: string; readonly text: string }[]
  readonly observer: HttpObserver
  readonly clock: Clock
  readonly log: Log
}

export interface RequestServers {
  /** For all apps; null where nobody asked for it. */
  readonly main: HttpServer | null
  readonly all: readonly HttpServer[]
  /** Requests that apps have and have not answered yet; null where it listens for none. */
  readonly reading: { readonly underWay: number } | null
}

export function requestServers({ typed, config, router, problems, ...needs }: RequestNeeds): RequestServers {
  const texts = new Map(problems.map(({ code, text }) => [code, text]))
  const serve = (address: HttpAddress, only?: string): HttpServer =>
    new HttpServer({
      ...needs,
      ...address,
      hosts: new Map(Object.entries(config.hosts)),
      ...(only !== undefined && { only }),
      ingressOf: (app) => router.ingressOf(app),
      textOf: (code) => texts.get(code) ?? code,
    })
  const text = typed ?? config.listen
  const address = text === undefined ? null : parseHttpAddress(text)
  const main = address === null ? null : serve(address)
  const own = Object.entries(config.ports).flatMap(([port, app]) => {
    const at = parsePortAddress(port, address?.host)
    return at === null ? [] : [serve(at, app)]
  })
  const all = main === null ? own : [main, ...own]
  const reading = {
    get underWay() {
      return all.reduce((sum, { underWay }) => sum + underWay, 0)
    },
  }
  return { main, all, reading: all.length === 0 ? null : reading }
}
