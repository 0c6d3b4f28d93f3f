/**
 * One bridge and the hosts on it: a pair of interfaces each, one end in the host's namespace, the other a port of
 * the bridge. What a host sends is shaped on its own end, what it receives on the port's, as each can only hold back
 * what leaves it.
 */
import { net } from './namespaces.ts'

export interface Caps {
  /** Of each host, in Mbit/s of whole Ethernet frames; absent is as fast as the machine. */
  readonly upMbit?: number
  readonly downMbit?: number
}

/** Whole Ethernet frames since the host was wired. */
export interface Traffic {
  readonly receivedBytes: number
  readonly sentBytes: number
  /** Frames that a full queue in front of a capped link threw away, of both directions. */
  readonly dropped: number
}

export interface Wire {
  readonly namespace: string
  /** The host's end of the pair on the bridge, in the bridge's namespace. */
  readonly port: string
  readonly address: string
}

/** Where a host stands: the first three numbers of its address, and the router it asks for the rest of the world. */
export interface Place {
  readonly subnet: string
  readonly gateway?: string
}

const flat: Place = { subnet: '10.86.0' }
/** A queue of a tenth of a second: about what routers at the end of a slow line have. */
const queue = '100ms'
/** Less than one burst of the kernel's own, so that a rate is a rate; more than a few frames, so that it is reached. */
const burst = '32kb'

export function addBridge(namespace: string): void {
  net('ip', ['netns', 'add', namespace])
  net('ip', ['-n', namespace, 'link', 'add', 'br0', 'type', 'bridge', 'stp_state', '0', 'forward_delay', '0'])
  net('ip', ['-n', namespace, 'link', 'set', 'br0', 'up'])
}

/** @param number of the host on this bridge, from 1 to 250 */
export function addHost(
  bridge: string,
  namespace: string,
  number: number,
  caps: Caps,
  { subnet, gateway }: Place = flat,
): Wire {
  const port = `port${number}`
  const address = `${subnet}.${number}`
  net('ip', ['netns', 'add', namespace])
  const pair = ['type', 'veth', 'peer', 'name', port, 'netns', bridge]
  net('ip', ['-n', namespace, 'link', 'add', 'eth0', ...pair])
  net('ip', ['-n', namespace, 'addr', 'add', `${address}/24`, 'dev', 'eth0'])
  net('ip', ['-n', namespace, 'link', 'set', 'lo', 'up'])
  net('ip', ['-n', namespace, 'link', 'set', 'eth0', 'up'])
  net('ip', ['-n', bridge, 'link', 'set', port, 'master', 'br0', 'up'])
  if (gateway !== undefined) net('ip', ['-n', namespace, 'route', 'add', 'default', 'via', gateway])
  shape(namespace, 'eth0', caps.upMbit)
  shape(bridge, port, caps.downMbit)
  return { namespace, port, address }
}

/**
 * As if the line were broken further away: frames go nowhere in both directions, and nobody is told. (A link that is
 * taken down would be noticed by the host at once.)
 */
export function unplug(bridge: string, { port }: Wire): void {
  net('ip', ['-n', bridge, 'link', 'set', port, 'nomaster'])
}

export function plugIn(bridge: string, { port }: Wire): void {
  net('ip', ['-n', bridge, 'link', 'set', port, 'master', 'br0'])
}

export function trafficOf(bridge: string, { namespace, port }: Wire): Traffic {
  const sent = queueCounters(namespace, 'eth0')
  const received = queueCounters(bridge, port)
  return {
    receivedBytes: received.bytes,
    sentBytes: sent.bytes,
    dropped: sent.drops + received.drops,
  }
}

/** Also without a cap there is a queue: its counters see each frame of a large send, which those of a link do not. */
function shape(namespace: string, device: string, mbit: number | undefined): void {
  const discipline =
    mbit === undefined
      ? ['pfifo', 'limit', '1000']
      : ['tbf', 'rate', `${mbit}mbit`, 'burst', burst, 'latency', queue]
  net('tc', ['-n', namespace, 'qdisc', 'add', 'dev', device, 'root', 'handle', '1:', ...discipline])
}

interface QueueCounters {
  readonly bytes: number
  readonly drops: number
}

function queueCounters(namespace: string, device: string): QueueCounters {
  const answer = net('tc', ['-n', namespace, '-s', '-j', 'qdisc', 'show', 'dev', device])
  const found = (JSON.parse(answer) as (QueueCounters & { handle: string })[]).find(
    ({ handle }) => handle === '1:',
  )
  if (found === undefined) throw new Error(`${device} of ${namespace} has no queue of ours: ${answer}`)
  return found
}
