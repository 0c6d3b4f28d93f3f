/**
 * Which release of an app last ran here, on the disk.
 *
 * The newest release may be one that this node refuses; after a restart it must still run what ran before. Only
 * the digest is kept: the record itself comes from the release log, where its signature is checked again.
 */
import { isDigest, type Digest, type DurableFolder } from '../../core/index.ts'
import { lastGoodSuffix } from '../threads/index.ts'

const maxFileBytes = 256
/** More than a node runs. */
const maxApps = 1_024
const fileOf = (app: string): string => `${app}${lastGoodSuffix}`

/** @returns null where none is known; a damaged file counts as none */
export async function readLastGood(folder: DurableFolder, app: string): Promise<Digest | null> {
  try {
    const bytes = await folder.read(fileOf(app), maxFileBytes)
    if (bytes === null) return null
    const content = JSON.parse(new TextDecoder().decode(bytes)) as { v?: unknown; digest?: unknown }
    return content.v === 1 && isDigest(content.digest) ? content.digest : null
  } catch {
    return null
  }
}

/** Of all apps that ran here last. */
export async function readAllLastGood(folder: DurableFolder): Promise<ReadonlyMap<string, Digest>> {
  const found = new Map<string, Digest>()
  for (const file of (await folder.list())
    .filter((name) => name.endsWith(lastGoodSuffix))
    .slice(0, maxApps)) {
    const app = file.slice(0, -lastGoodSuffix.length)
    const digest = await readLastGood(folder, app)
    if (digest !== null) found.set(app, digest)
  }
  return found
}

export async function writeLastGood(folder: DurableFolder, app: string, digest: Digest): Promise<void> {
  await folder.write(fileOf(app), new TextEncoder().encode(JSON.stringify({ v: 1, digest })))
}

export async function forgetLastGood(folder: DurableFolder, app: string): Promise<void> {
  await folder.remove(fileOf(app))
}
