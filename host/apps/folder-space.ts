/**
 * The space of the folders that apps may write to: how much is in each, and how much may be. A folder is looked
 * through when the first app that may write to it starts, and again before something is refused; between these looks the
 * sandboxes say what they take and free (`host/guest/filesystem/space.ts`).
 *
 * What this cannot promise: another program that writes to the folder is seen with the next look only; each sandbox
 * may have room left that was lent to it (a piece, twice that when it has freed some); and what an app has broken out of
 * its sandbox for is not asked here.
 */
import { delay, type Clock } from '../../core/index.ts'
import { WitError, type BoundInterface } from '../engine/index.ts'
import { spaceInterface, spacePiece, type SpaceAmount } from '../guest/index.ts'
import type { NodeFolder, NodeFolders } from './folders.ts'

/** Between two looks at one folder, ms. */
const lookEveryMs = 10_000
/** A guest that asks waits so long for a look, ms; the look goes on. */
const patienceMs = 200

export interface FolderReport {
  /** null until it was looked through. */
  readonly held: SpaceAmount | null
  readonly allowed: SpaceAmount
}

export interface FolderSpacesNeeds {
  readonly folders: NodeFolders
  readonly clock: Clock
  count(path: string, enough: SpaceAmount): Promise<SpaceAmount>
}

/** What one pool of an app may put into its folders. */
export interface AppSpace {
  /** For its sandboxes. */
  readonly bound: BoundInterface
  /** Its instances are gone, and with them what they hid. */
  close(): void
}

/** Of one node, by the names that its owner gave the folders. */
export class FolderSpaces {
  readonly #folders: NodeFolders
  readonly #spaces = new Map<string, FolderSpace>()
  readonly #needs: FolderSpacesNeeds

  constructor(needs: FolderSpacesNeeds) {
    this.#needs = needs
    this.#folders = needs.folders
  }

  /**
   * @param names of the folders that the app may write to
   * @param asked how much of each it asked for; no more than the node's owner allows
   * @param refused told once for each folder, by its name
   */
  open(
    names: readonly string[],
    asked: Partial<SpaceAmount>,
    refused: (name: string, held: SpaceAmount, allowed: SpaceAmount) => void,
  ): AppSpace {
    const users = new Map<string, FolderUser>()
    for (const name of names) {
      const space = this.#spaceOf(name)
      const folder = this.#folders[name]
      if (space === null || folder === undefined) continue
      const allowed = allowedIn(folder, asked)
      users.set(`/${name}`, new FolderUser(space, allowed, (held) => refused(name, held, allowed)))
      // In the background, so that the first write need not wait for all of it.
      void space.look()
    }
    const userOf = (folder: unknown): FolderUser => {
      const user = users.get(String(folder))
      if (user === undefined) throw new Error('a sandbox spoke of a folder that it was not given')
      return user
    }
    return {
      bound: {
        id: spaceInterface,
        part: 'wasi:filesystem',
        functions: {
          take: {
            mode: 'call',
            run: ([folder, bytes, items]) => userOf(folder).take(amountOf(bytes, items)),
          },
          'give-back': {
            mode: 'call',
            run: ([folder, bytes, items]) => userOf(folder).giveBack(amountOf(bytes, items)),
          },
          hide: {
            mode: 'call',
            run: ([folder, used, hidden]) => userOf(folder).hide(integer(used), integer(hidden)),
          },
        },
      },
      close() {
        for (const user of users.values()) user.close()
      },
    }
  }

  report(names: readonly string[], asked: Partial<SpaceAmount>): Record<string, FolderReport> {
    return Object.fromEntries(
      names.flatMap((name) => {
        const folder = this.#folders[name]
        if (folder?.access !== 'read-write') return []
        return [[name, { held: this.#spaces.get(name)?.held ?? null, allowed: allowedIn(folder, asked) }]]
      }),
    )
  }

  /** null for a folder that nobody may write to. */
  #spaceOf(name: string): FolderSpace | null {
    const folder = this.#folders[name]
    if (folder?.access !== 'read-write') return null
    const space = this.#spaces.get(name) ?? new FolderSpace(folder, this.#needs)
    this.#spaces.set(name, space)
    return space
  }
}

class FolderSpace {
  readonly #path: string
  readonly #most: SpaceAmount
  readonly #needs: FolderSpacesNeeds
  #bytes = 0
  #items = 0
  /** Of files without a name that guests have open: no look finds them. */
  #hidden = 0
  #lookedAtMs: number | null = null
  #looking: Promise<void> | null = null
  /** Taken since the look that goes on began: it may have come before it, or after. */
  #takenSince = { bytes: 0, items: 0 }

  constructor(folder: NodeFolder, needs: FolderSpacesNeeds) {
    this.#path = folder.path
    this.#most = mostIn(folder)
    this.#needs = needs
  }

  get held(): SpaceAmount | null {
    return this.#lookedAtMs === null ? null : { bytes: this.#bytes, items: this.#items }
  }

  /** Resolves when the folder was looked through; does nothing where that was just done. */
  look(): Promise<void> {
    if (this.#looking !== null) return this.#looking
    const nowMs = this.#needs.clock.monotonicMs()
    if (this.#lookedAtMs !== null && nowMs - this.#lookedAtMs < lookEveryMs) return Promise.resolve()
    this.#looking = this.#look().finally(() => (this.#looking = null))
    return this.#looking
  }

  async #look(): Promise<void> {
    this.#takenSince = { bytes: 0, items: 0 }
    const found = await this.#needs.count(this.#path, this.#most)
    this.#bytes = found.bytes + this.#hidden + this.#takenSince.bytes
    this.#items = found.items + this.#takenSince.items
    this.#lookedAtMs = this.#needs.clock.monotonicMs()
  }

  /**
   * Lends at least what is asked for, and a piece where there is room for it.
   * @returns null where it is not there
   */
  async take(asked: SpaceAmount, allowed: SpaceAmount): Promise<SpaceAmount | null> {
    // A large folder is written to before it was counted: for some seconds after the node's start, within `allowed`.
    if (this.#lookedAtMs === null) await this.#lookAgain()
    const lent = this.#lend(asked, allowed)
    if (lent !== null) return lent
    await this.#lookAgain()
    return this.#lend(asked, allowed)
  }

  giveBack({ bytes, items }: SpaceAmount): void {
    this.#bytes = Math.max(0, this.#bytes - bytes)
    this.#items = Math.max(0, this.#items - items)
  }

  hide(used: number, hidden: number): void {
    this.#bytes = Math.max(0, this.#bytes + used)
    this.#hidden = Math.max(0, this.#hidden + hidden)
  }

  #lend(asked: SpaceAmount, allowed: SpaceAmount): SpaceAmount | null {
    const [roomBytes, roomItems] = [allowed.bytes - this.#bytes, allowed.items - this.#items]
    // A folder that holds too much already may still be tidied: moves and empty files take no bytes.
    if ((asked.bytes > 0 && asked.bytes > roomBytes) || (asked.items > 0 && asked.items > roomItems))
      return null
    const lent = {
      bytes: asked.bytes === 0 ? 0 : Math.max(asked.bytes, Math.min(spacePiece.bytes, roomBytes)),
      items: asked.items === 0 ? 0 : Math.max(asked.items, Math.min(spacePiece.items, roomItems)),
    }
    this.#bytes += lent.bytes
    this.#items += lent.items
    this.#takenSince.bytes += lent.bytes
    this.#takenSince.items += lent.items
    return lent
  }

  async #lookAgain(): Promise<void> {
    const enough = new AbortController()
    const waited = delay(this.#needs.clock, patienceMs, enough.signal).catch(() => {})
    await Promise.race([this.look(), waited])
    enough.abort()
  }
}

/** One pool's use of a folder. */
class FolderUser {
  readonly #space: FolderSpace
  readonly #allowed: SpaceAmount
  readonly #refused: (held: SpaceAmount) => void
  #hidden = 0
  #hasTold = false

  constructor(space: FolderSpace, allowed: SpaceAmount, refused: (held: SpaceAmount) => void) {
    this.#space = space
    this.#allowed = allowed
    this.#refused = refused
  }

  /** @throws WitError `quota` */
  async take(asked: SpaceAmount): Promise<SpaceAmount> {
    const lent = await this.#space.take(asked, this.#allowed)
    if (lent !== null) return lent
    if (!this.#hasTold) this.#refused(this.#space.held ?? { bytes: 0, items: 0 })
    this.#hasTold = true
    throw new WitError('quota')
  }

  giveBack(amount: SpaceAmount): void {
    this.#space.giveBack(amount)
  }

  hide(used: number, hidden: number): void {
    const least = Math.max(-this.#hidden, hidden)
    this.#hidden += least
    this.#space.hide(used, least)
  }

  close(): void {
    this.#space.hide(-this.#hidden, -this.#hidden)
    this.#hidden = 0
  }
}

function mostIn({ size = Infinity, files = Infinity }: NodeFolder): SpaceAmount {
  return { bytes: size, items: files }
}

function allowedIn(
  folder: NodeFolder,
  { bytes = Infinity, items = Infinity }: Partial<SpaceAmount>,
): SpaceAmount {
  const most = mostIn(folder)
  return { bytes: Math.min(bytes, most.bytes), items: Math.min(items, most.items) }
}

/** From a sandbox, which may say anything. */
function amountOf(bytes: unknown, items: unknown): SpaceAmount {
  return { bytes: Math.max(0, integer(bytes)), items: Math.max(0, integer(items)) }
}

function integer(value: unknown): number {
  if (Number.isSafeInteger(value)) return value as number
  throw new TypeError('a sandbox asked for space that is no number')
}
