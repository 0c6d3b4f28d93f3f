/**
 * Where a person's prepared components are kept. Only a cache: what cannot be written is made again the next time,
 * what was torn by a power cut does not match its own digest, and so nothing here is flushed, nothing fails, and
 * two programs that start at once do not disturb each other.
 *
 * What is read here is run: so files count only where they are this user's own, and nobody else may write to them.
 * Whoever may write to the folder (`sudo` that keeps the caller's HOME, a cache below /tmp) can remove what is in it.
 */
import { randomBytes } from 'node:crypto'
import { mkdir, open, readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { memoryFolder, type DurableFolder } from '../../core/index.ts'

const temporary = '.tmp-'

export class CacheFolder implements DurableFolder {
  readonly path: string
  /** What this program made or read itself: it goes on without a disk. */
  readonly #own = new Map<string, Uint8Array>()

  constructor(path: string) {
    this.path = path
  }

  async read(name: string, maxBytes: number): Promise<Uint8Array | null> {
    const own = this.#own.get(name)
    if (own !== undefined) return own
    const bytes = await readBounded(join(this.path, name), maxBytes).catch(() => null)
    if (bytes !== null) this.#own.set(name, bytes)
    return bytes
  }

  async write(name: string, bytes: Uint8Array): Promise<void> {
    this.#own.set(name, bytes)
    const beside = join(this.path, `${temporary}${randomBytes(8).toString('hex')}`)
    try {
      await mkdir(this.path, { recursive: true, mode: 0o700 })
      await writeFile(beside, bytes, { mode: 0o600 })
      await rename(beside, join(this.path, name))
    } catch {
      await rm(beside, { force: true }).catch(() => {})
    }
  }

  async remove(name: string): Promise<void> {
    this.#own.delete(name)
    await rm(join(this.path, name), { force: true }).catch(() => {})
  }

  async list(): Promise<string[]> {
    const names = await readdir(this.path).catch(() => [])
    return names.filter((name) => !name.startsWith(temporary)).sort()
  }

  async sizes(): Promise<ReadonlyMap<string, number>> {
    const sizes = new Map<string, number>()
    for (const name of await this.list()) {
      const found = await stat(join(this.path, name)).catch(() => null)
      if (found !== null) sizes.set(name, found.size)
    }
    return sizes
  }

  async folder(name: string): Promise<DurableFolder> {
    return new CacheFolder(join(this.path, name))
  }
}

/** @param path null keeps everything in memory */
export function cacheAt(path: string | null): DurableFolder {
  return path === null ? memoryFolder() : new CacheFolder(path)
}

async function readBounded(file: string, maxBytes: number): Promise<Uint8Array | null> {
  const handle = await open(file, 'r')
  try {
    const facts = await handle.stat()
    return facts.size > maxBytes || !isOnlyOurs(facts) ? null : new Uint8Array(await handle.readFile())
  } finally {
    await handle.close()
  }
}

/** Asked of the open file, so that nothing can be put in its place between. */
function isOnlyOurs(facts: { readonly uid: number; readonly mode: number; isFile(): boolean }): boolean {
  const othersMayWrite = 0o022
  const uid = process.getuid?.()
  // Where the system has no such numbers, the user's profile is what keeps others out.
  return facts.isFile() && (uid === undefined || (facts.uid === uid && (facts.mode & othersMayWrite) === 0))
}
