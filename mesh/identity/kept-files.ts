/** How a folder with one signed record in each file is read when a node starts. */
import { messageOf, type DurableFolder } from '../../core/index.ts'
import type { OnAlarm } from './alarm.ts'

export interface KeptFiles {
  readonly folder: DurableFolder
  readonly maxFiles: number
  readonly maxBytes: number
  /** What is in each, for the alarm: `credential`. */
  readonly what: string
  readonly onAlarm: OnAlarm
}

/**
 * Hands each file to `take`. Where that throws, the file is damaged: it is removed, and a peer brings the record again.
 * What cannot be read today may be read tomorrow, and stays. Both are reported.
 */
export async function readKept(
  files: KeptFiles,
  take: (bytes: Uint8Array, name: string) => void,
): Promise<void> {
  const { folder, maxFiles, maxBytes, what, onAlarm } = files
  const report = (name: string, error: unknown): void =>
    onAlarm({ code: 'ERR_STORED_DAMAGED', message: `${what} ${name}: ${messageOf(error)}`, evidence: [] })
  for (const name of (await folder.list()).slice(0, maxFiles)) {
    const bytes = await folder.read(name, maxBytes).catch((error: unknown) => {
      report(name, error)
      return null
    })
    if (bytes === null) continue
    try {
      take(bytes, name)
    } catch (error) {
      await folder.remove(name)
      report(name, error)
    }
  }
}
