/** A few bytes for each trigger of an app that are there after a restart: a file each, beside the app's other marks. */
import { decodeCbor, encodeCbor, type DurableFolder } from '../../core/index.ts'
import { triggerProblems, type Payload, type TriggerMemory } from '../triggers/index.ts'

const maxBytes = 4_096
const limits = { maxBytes, maxDepth: 8, maxItems: 256 }
const suffix = '.trigger'

/** @param lane tells the app's triggers apart */
export function triggerMemory(folder: DurableFolder, app: string, lane: string): TriggerMemory {
  const file = `${app}.${lane}${suffix}`
  return {
    async read() {
      try {
        const bytes = await folder.read(file, maxBytes)
        return bytes === null ? null : (decodeCbor(bytes, limits) as Payload)
      } catch {
        // What it said of the past is lost, and the trigger begins anew.
        return null
      }
    },
    async write(value) {
      const bytes = encodeCbor(value)
      if (bytes.length > maxBytes) {
        throw triggerProblems.error('ERR_TRIGGER_MEMORY', `${bytes.length} bytes, of at most ${maxBytes}`)
      }
      await folder.write(file, bytes)
    },
  }
}

/** The app has left the node. */
export async function forgetTriggers(folder: DurableFolder, app: string): Promise<void> {
  const names = await folder.list()
  const own = names.filter((name) => name.startsWith(`${app}.`) && name.endsWith(suffix))
  await Promise.all(own.map((name) => folder.remove(name)))
}
