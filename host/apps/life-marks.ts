/**
 * Which apps ran inside the node's own process, on the disk, so that a node that died knows afterwards with whom.
 *
 * A fatal error of V8 in a thread of an app ends the whole process, and nobody is left to say why. So each app that
 * is about to run in that process leaves a mark before, and takes it back when it has stopped. Marks that are found
 * at a start tell who was there: those that were just starting are suspected first, otherwise all of them. A suspect
 * runs in a process of its own from then on, where the same error ends nothing but itself and shows with its reason.
 *
 * A machine that was switched off has marks too; they are of another boot and suspect nobody.
 */
import { readFile } from 'node:fs/promises'
import * as v from 'valibot'
import { isDigest, type Digest, type DurableFolder } from '../../core/index.ts'
import type { Doubt } from './app-state.ts'
import { appProblems } from './problems.ts'
import { reasonOf, type DesiredRelease } from './release.ts'

const suffix = '.alive.json'
const maxFileBytes = 512
const maxMarks = 1_024

const markSchema = v.object({
  v: v.literal(1),
  digest: v.custom<Digest>(isDigest),
  doing: v.picklist(['starting', 'running']),
  /** Names the time since the machine was switched on; null where it has no name. */
  boot: v.nullable(v.pipe(v.string(), v.maxLength(64))),
})

type Mark = v.InferOutput<typeof markSchema>
export type Doing = Mark['doing']

/** An app that may be what the node died of. */
export interface Suspicion {
  /** Its release then. Another one is not suspected. */
  readonly digest: Digest
  readonly doing: Doing
  /** How many others are suspected as much. */
  readonly others: number
}

/** The kernel's name for this run of the machine; null where there is none. */
export async function readBootId(): Promise<string | null> {
  const text = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '')
  return text.trim().slice(0, 64) || null
}

/** @returns those that the node may have died of, by app; none after a clean stop. A damaged mark counts as none */
export async function readSuspicions(
  folder: DurableFolder,
  boot: string | null,
): Promise<ReadonlyMap<string, Suspicion>> {
  const marks = new Map<string, Mark>()
  for (const file of (await folder.list()).filter((name) => name.endsWith(suffix)).slice(0, maxMarks)) {
    const mark = await readMark(folder, file)
    if (mark !== null && mark.boot === boot) marks.set(file.slice(0, -suffix.length), mark)
  }
  return suspicionsOf(marks)
}

/** Pure: who of those that were there is suspected. */
export function suspicionsOf(
  marks: ReadonlyMap<string, Pick<Mark, 'digest' | 'doing'>>,
): ReadonlyMap<string, Suspicion> {
  const starting = [...marks].filter(([, { doing }]) => doing === 'starting')
  const suspects = starting.length > 0 ? starting : [...marks]
  return new Map(
    suspects.map(([app, { digest, doing }]) => [app, { digest, doing, others: suspects.length - 1 }]),
  )
}

async function readMark(folder: DurableFolder, file: string): Promise<Mark | null> {
  try {
    const bytes = await folder.read(file, maxFileBytes)
    return bytes === null ? null : v.parse(markSchema, JSON.parse(new TextDecoder().decode(bytes)))
  } catch {
    return null
  }
}

/** The mark of one app. Writes are made one after the other, and only where something changes. */
export class LifeMark {
  readonly #folder: DurableFolder
  readonly #file: string
  readonly #boot: string | null
  readonly #failed: (error: unknown) => void
  #written = ''
  #last: Promise<void> = Promise.resolve()

  /** @param failed told where a mark cannot be written; the app runs all the same */
  constructor(folder: DurableFolder, app: string, boot: string | null, failed: (error: unknown) => void) {
    this.#folder = folder
    this.#file = `${app}${suffix}`
    this.#boot = boot
    this.#failed = failed
  }

  /** Resolves when it is on the disk. A release that has run before is not `starting` again: it has shown that it can. */
  set(digest: Digest, doing: Doing): Promise<void> {
    const running: Mark = { v: 1, digest, doing: 'running', boot: this.#boot }
    if (this.#written === JSON.stringify(running)) return this.#last
    const text = JSON.stringify({ ...running, doing })
    return this.#queue(text, () => this.#folder.write(this.#file, new TextEncoder().encode(text)))
  }

  /** Nothing of it runs in the node's process any more. */
  clear(): Promise<void> {
    return this.#queue('', () => this.#folder.remove(this.#file))
  }

  #queue(text: string, write: () => Promise<void>): Promise<void> {
    if (text === this.#written && text !== '') return this.#last
    this.#written = text
    this.#last = this.#last.then(write).catch((error: unknown) => this.#failed(error))
    return this.#last
  }
}

/** After all others: they are not to wait for what the node may die of again, ms. */
const suspectWaitMs = { starting: 2_000, running: 500 } as const

/** Why it is not started at once, in words. */
export function doubtOf({ record: { app, version } }: DesiredRelease, { doing, others }: Suspicion): Doubt {
  const what = doing === 'starting' ? 'was starting' : 'ran in its process'
  const more =
    others === 0 ? '' : `, with ${others} ${others === 1 ? 'other' : 'others'} that may be the cause as well`
  const message = `the node died while ${app} ${version} ${what}${more}`
  return { reason: reasonOf(appProblems.error('ERR_APP_NODE_DIED', message)), waitMs: suspectWaitMs[doing] }
}
