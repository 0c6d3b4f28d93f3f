/**
 * wasi:http on the node's side: the types, which reach nothing by themselves, and requests to the origins that the
 * release was granted. A request to another one is denied, and the app's log says which grant it lacks.
 */
import { systemClock } from '../../../core/index.ts'
import { httpPartName, httpTypesId, outgoingChannelName, outgoingHandlerId } from '../../guest/http/index.ts'
import { httpClient } from '../../http/index.ts'
import { lessKept } from '../call/failure.ts'
import type { InterfaceOffer } from '../offer.ts'
import { appLookup } from '../own-machine.ts'

/** Origins and names that one app's log has been told of; a guest chooses them, and may choose many. */
const maxReported = 64

const types: InterfaceOffer = {
  id: httpTypesId,
  summary: 'requests and responses of HTTP, for apps with an http trigger',
  grantKind: null,
  part: httpPartName,
  bind: () => ({}),
}

const outgoing: InterfaceOffer = {
  id: outgoingHandlerId,
  summary: 'send requests to the granted origins',
  grantKind: 'http',
  grantList: 'http',
  grantTakes: 'https://HOST',
  part: httpPartName,
  bind({ origins, log, howToGrant }) {
    const reported = new Set<string>()
    const isNew = (what: string): boolean => {
      if (reported.has(what) || reported.size >= maxReported) return false
      reported.add(what)
      return true
    }
    const lookup = appLookup((name) => {
      if (!isNew(name)) return
      const why = 'it leads to this machine; to allow it, grant the address or localhost in place of the name'
      log('warn', 'http', `a request to ${name} was denied: ${why}`)
    })
    const serve = httpClient({
      origins,
      clock: systemClock,
      lookup,
      denied(origin) {
        if (!isNew(origin)) return
        const remedy = howToGrant?.('http', origin)
        const why =
          remedy === undefined ? `: the release lacks the grant http:${origin}` : `; to allow it, ${remedy}`
        log('warn', 'http', `a request to ${origin} was denied${why}`)
      },
    })
    return {
      [outgoingChannelName]: {
        mode: 'channel',
        // It keeps some of its time to answer whoever waits for it.
        run: (args, channel, opener) =>
          serve(args, channel, opener && { ...opener, leftMs: lessKept(opener.leftMs) }),
      },
    }
  },
}

export const httpInterfaces: readonly InterfaceOffer[] = [types, outgoing]
