/**
 * The ports that the system chose where a node asked for port 0, kept across restarts: members look for each other where
 * they were. Nodes that all start again at once would otherwise never meet, as each remembers ports that nobody has.
 */
import { messageOf, type DurableFolder, type Log } from '../../core/index.ts'

export interface PortMemory {
  /** @returns `wanted` with the ports of last time in place of 0, as far as they are known */
  recall(wanted: readonly string[]): Promise<readonly string[]>
  /** Never rejects: without it the next start takes other ports. */
  keep(settled: readonly string[]): Promise<void>
}

const fileName = 'ports.json'
const maxBytes = 16 * 1024
const anyPort = /\/tcp\/0$/

/** @param folder where a file `ports.json` may be kept */
export function openPortMemory(folder: DurableFolder, log: Log): PortMemory {
  return {
    async recall(wanted) {
      const kept = await read(folder).catch((error: unknown) => {
        log.warn('ports:forgotten', { error: messageOf(error) })
        return []
      })
      return wanted.map((address) => {
        if (!anyPort.test(address)) return address
        const at = kept.findIndex((text) => isWith(address, text))
        // Each is for one address: two that ask for the same get two.
        return at < 0 ? address : (kept.splice(at, 1)[0] ?? address)
      })
    },
    async keep(settled) {
      const ports = settled.filter((address) => !anyPort.test(address))
      try {
        const same = JSON.stringify(await read(folder).catch(() => null)) === JSON.stringify(ports)
        if (!same) await folder.write(fileName, Buffer.from(JSON.stringify(ports)))
      } catch (error) {
        log.warn('ports:not-kept', { error: messageOf(error) })
      }
    },
  }
}

/** Whether `text` is that address with a port. */
function isWith(address: string, text: string): boolean {
  const port = /\/tcp\/([1-9][0-9]{0,4})$/.exec(text)?.[1]
  return port !== undefined && Number(port) <= 65_535 && text.replace(/\d+$/, '0') === address
}

async function read(folder: DurableFolder): Promise<string[]> {
  const bytes = await folder.read(fileName, maxBytes)
  const value: unknown = bytes === null ? [] : JSON.parse(Buffer.from(bytes).toString('utf8'))
  if (!Array.isArray(value)) throw new Error(`${fileName} is no list`)
  return value.filter((text): text is string => typeof text === 'string')
}
