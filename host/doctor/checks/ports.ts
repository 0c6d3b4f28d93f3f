/**
 * Addresses: of a daemon, whether they answer on this machine; without one, whether those of the TOML are free. Whether
 * others reach them is for the others to say: the mesh asks them, and `status` shows it.
 */
import { connect, createServer } from 'node:net'
import { isSelvedgeError, messageOf, type Clock } from '../../../core/index.ts'
import { loadNodeConfig, parseHttpAddress } from '../../config/index.ts'
import type { Check, Finding, Patient } from '../contract.ts'

const answerMs = 2_000
const wrong = (what: string, fix: string): Finding => ({ level: 'wrong', code: 'ERR_DOCTOR_PORT', what, fix })

interface Place {
  readonly host: string
  readonly port: number
}

/** @returns null for an address that leads through another node, or is no TCP address */
export function placeOf(address: string): Place | null {
  if (address.includes('/p2p-circuit') || /\/p2p\/.*\/p2p\//.test(address)) return null
  const match = /^\/(?:ip4|ip6)\/([^/]+)\/tcp\/(\d{1,5})(?:\/|$)/.exec(address)
  return match?.[1] === undefined ? null : { host: match[1], port: Number(match[2]) }
}

/** @returns null where it answers, else why not */
function whyNoAnswer({ host, port }: Place, clock: Clock): Promise<string | null> {
  return new Promise((resolve) => {
    const socket = connect({ host, port })
    const end = (why: string | null): void => {
      cancel()
      socket.destroy()
      resolve(why)
    }
    const cancel = clock.after(answerMs, () => end(`no answer in ${answerMs / 1_000} s`))
    socket.once('connect', () => end(null))
    socket.once('error', (error) => end(messageOf(error)))
  })
}

/** @returns null where it can be listened on, else why not */
function whyNotFree({ host, port }: Place): Promise<string | null> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) =>
      resolve(error.code === 'EADDRINUSE' ? 'another program has it' : messageOf(error)),
    )
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(null)))
  })
}

async function ofRunning({ self }: NonNullable<Patient['node']>['status'], clock: Clock): Promise<Finding[]> {
  if (self.network === 'off')
    return [
      { level: 'note', what: 'the network of this node is off', fix: 'selvedge network on lets it back' },
    ]
  const places = self.addresses.flatMap((address) => placeOf(address) ?? [])
  if (places.length === 0)
    return [{ level: 'note', what: 'it listens nowhere, and only connects to others itself' }]
  const answers = await Promise.all(
    places.map(async (place) => ({ place, why: await whyNoAnswer(place, clock) })),
  )
  return answers.map(({ place: { host, port }, why }) =>
    why === null
      ? { level: 'fine', what: `${host} port ${port} answers on this machine` }
      : wrong(
          `${host} port ${port} does not answer on this machine: ${why}`,
          `a firewall that drops it here drops it for others too; allow it, as sudo ufw allow ${port}/tcp`,
        ),
  )
}

async function ofStopped(config: string, own: readonly string[]): Promise<Finding[]> {
  const { http, metrics, deploy } = await loadNodeConfig(config, own)
  const wanted = [http.listen, metrics.listen, deploy.listen].flatMap((text) => {
    const place = text === undefined ? null : parseHttpAddress(text)
    return place === null || place.port === 0 ? [] : [place]
  })
  const found = await Promise.all(wanted.map(async (place) => ({ place, why: await whyNotFree(place) })))
  return found.map(({ place: { host, port }, why }) =>
    why === null
      ? { level: 'fine', what: `${host} port ${port} is free` }
      : wrong(
          `${host} port ${port} cannot be used: ${why}`,
          `see who has it with sudo ss -ltnp 'sport = :${port}'`,
        ),
  )
}

export const portsCheck: Check = {
  name: 'ports',
  summary: 'addresses of the daemon, or of its TOML',
  async run({ node, config, data, keys, clock }) {
    if (node !== null) return ofRunning(node.status, clock)
    if (config === undefined) return [{ level: 'fine', what: 'nothing listens, as no daemon runs' }]
    // What is wrong with the TOML is another check's finding.
    const found = await ofStopped(config, [data, keys]).catch((error: unknown) => {
      if (isSelvedgeError(error)) return []
      throw error
    })
    return found.length > 0 ? found : [{ level: 'fine', what: 'the TOML names no port' }]
  },
}
