/** One blob that a fetch wants. */
import type { BlobRef } from '../releases/index.ts'
import type { Ranked } from './rarity.ts'
import type { Source } from './source.ts'

export interface Want extends BlobRef, Ranked {
  /** Its place in what sources say they have. */
  readonly number: number
  readonly askedOf: Set<Source>
  /** How often it was taken from one source and given to another. */
  moves: number
  isStoring: boolean
}
