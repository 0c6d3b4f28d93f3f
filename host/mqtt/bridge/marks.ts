/**
 * What a bridge writes on a message beside what it says, so that the other end can tell what it has seen: user
 * properties of MQTT 5. Brokers and clients of 3.1.1 drop them, and with them goes the deduplication.
 */
import { createHash } from 'node:crypto'
import { wholeStart } from '../../../core/index.ts'
import { messageLimits, type Message } from '../../messages/index.ts'
import type { BrokerMessage, MetadataPair } from '../contract.ts'

const idMark = 'selvedge-id'
const originMark = 'selvedge-origin'
const meshMark = 'selvedge-mesh'
/** On messages that came from a broker, in the mesh. */
const brokerMark = 'mqtt-broker'
const topicMark = 'mqtt-topic'
const own: ReadonlySet<string> = new Set([idMark, originMark, meshMark, brokerMark, topicMark])

/** What goes along to the broker. */
export function marksOut({ id, origin, metadata }: Message, mesh: string): MetadataPair[] {
  const rest = metadata.filter(([name]) => !own.has(name))
  return [[idMark, id], [originMark, origin], [meshMark, mesh], ...rest]
}

/** What goes along into the mesh, within what a message there may have. */
export function marksIn({ topic, metadata }: BrokerMessage, broker: string): MetadataPair[] {
  const pairs: MetadataPair[] = [
    [brokerMark, broker],
    [topicMark, wholeStart(topic, 1_024)],
  ]
  let characters = pairs.reduce((sum, [name, value]) => sum + name.length + value.length, 0)
  for (const [name, value] of metadata) {
    characters += name.length + value.length
    if (pairs.length >= messageLimits.metadataEntries || characters > messageLimits.metadataChars) break
    if (!own.has(name)) pairs.push([name, value])
  }
  return pairs
}

/** It left this mesh by some bridge, and comes back. */
export function isEcho({ metadata }: BrokerMessage, mesh: string): boolean {
  return metadata.some(([name, value]) => name === meshMark && value === mesh)
}

/** It came from this broker: sending it back would make a circle. */
export function cameFrom({ metadata }: Message, broker: string): boolean {
  return metadata.some(([name, value]) => name === brokerMark && value === broker)
}

/** The same for the same message of the same bridge, however often it comes; null where it says nothing of itself. */
export function idIn({ metadata }: BrokerMessage, to: string): string | null {
  const find = (mark: string): string | undefined => metadata.find(([name]) => name === mark)?.[1]
  const id = find(idMark)
  if (id === undefined) return null
  const parts = [find(meshMark) ?? '', find(originMark) ?? '', id, to]
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, messageLimits.idChars)
}
