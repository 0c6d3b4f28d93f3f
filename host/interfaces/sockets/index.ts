/**
 * wasi:sockets on the node's side: node:net, node:dgram and the system's resolver behind channels. Every operation
 * asks the app's policy, whatever the sandbox's half has asked before.
 */
import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { WitError, type BoundChannel, type BoundFunction, type HostChannel } from '../../engine/index.ts'
import {
  socketsId,
  socketsPartName,
  type ConnectOptions,
  type NetworkErrorCode,
  type NetworkUse,
  type WireAddress,
  type WireAddresses,
  type WireOpened,
} from '../../guest/index.ts'
import type { AppContext } from '../context.ts'
import type { InterfaceOffer } from '../offer.ts'
import { carry, serveConnect } from './connection.ts'
import { serveDatagrams } from './datagrams.ts'
import { errorCodeOf } from './error-code.ts'
import { serveListen, WaitingConnections } from './listener.ts'
import { Denials } from './denials.ts'
import { networkGrantKind } from './policy.ts'

const summaries: Readonly<Record<string, string>> = {
  'instance-network': 'the network that the grants open; without one everything is denied',
  network: 'addresses and errors of the network',
  tcp: 'TCP connections, where granted',
  'tcp-create-socket': 'make a TCP socket',
  udp: 'UDP datagrams, where granted',
  'udp-create-socket': 'make a UDP socket',
  'ip-name-lookup': 'names to addresses, where granted',
}

/** Given to every app, as guests of many toolchains import them whether they use them or not. */
export const sockets: readonly InterfaceOffer[] = Object.entries(summaries).map(([name, summary]) => {
  const id = `wasi:sockets/${name}@0.2.12`
  return {
    id,
    summary,
    grantKind: null,
    ...(id === socketsId ? { allowedBy: networkGrantKind } : {}),
    part: socketsPartName,
    bind: id === socketsId ? bindSockets : () => ({}),
  }
})

/** Names in one answer; a resolver that gives more is not believed further. */
const maxAddresses = 64

function bindSockets({ network, log, howToGrant }: AppContext): Record<string, BoundFunction | BoundChannel> {
  const waiting = new WaitingConnections()
  const denials = new Denials(
    (message) => log('warn', 'node', message),
    howToGrant && ((grant) => howToGrant('network', grant)),
  )
  const isAllowed = (use: NetworkUse, goal: WireAddress | string): boolean => {
    if (network.allows(use, goal)) return true
    denials.add(use, goal)
    return false
  }
  const check = (use: NetworkUse, goal: WireAddress | string): void => {
    if (!isAllowed(use, goal)) throw new WitError('access-denied' satisfies NetworkErrorCode)
  }
  const mayReach = (to: WireAddress): boolean => isIP(to.host) !== 0 && isAllowed('udp', to)
  /** Refuses on the channel itself, as its first message. */
  const guarded = async (
    use: NetworkUse,
    goal: WireAddress,
    channel: HostChannel,
    serve: () => Promise<void>,
  ): Promise<void> => {
    const refuse = (error: NetworkErrorCode): void => channel.send({ ok: false, error } satisfies WireOpened)
    if (isIP(goal.host) === 0) return refuse('invalid-argument')
    if (!isAllowed(use, goal)) return refuse('access-denied')
    await serve()
  }
  return {
    check: { mode: 'call', run: ([use, goal]) => check(use as NetworkUse, goal as WireAddress | string) },
    connect: {
      mode: 'channel',
      run: ([given], channel) => {
        const options = given as ConnectOptions
        return guarded('tcp-connect', options.remote, channel, () => serveConnect(options, channel))
      },
    },
    listen: {
      mode: 'channel',
      run: ([given, backlog], channel) => {
        const local = given as WireAddress
        const serve = (): Promise<void> => serveListen(local, Number(backlog), waiting, channel)
        return guarded('tcp-listen', local, channel, serve)
      },
    },
    accepted: {
      mode: 'channel',
      run: async ([token, keepAliveMs], channel) => {
        const socket = waiting.take(token)
        if (socket === undefined) throw new Error('the connection has gone')
        await carry(socket, channel, keepAliveMs as number | null)
      },
    },
    udp: {
      mode: 'channel',
      run: ([given, hopLimit], channel) => {
        const local = given as WireAddress
        return guarded('udp-listen', local, channel, () =>
          serveDatagrams(local, Number(hopLimit), mayReach, channel),
        )
      },
    },
    resolve: {
      mode: 'channel',
      run: async ([name], channel) => {
        check('lookup', String(name))
        const answer = await resolve(String(name))
        if (answer.ok) network.resolved(String(name), answer.addresses)
        channel.send(answer)
      },
    },
  }
}

async function resolve(name: string): Promise<WireAddresses> {
  try {
    const found = await lookup(name, { all: true, verbatim: true })
    return { ok: true, addresses: found.slice(0, maxAddresses).map(({ address }) => address) }
  } catch (error) {
    return { ok: false, error: errorCodeOf(error) }
  }
}
