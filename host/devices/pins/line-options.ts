/** What every driver of real pins is told: which line of which chip, which way, and how it is wired. */
import * as v from 'valibot'
import { deviceName } from '../options.ts'

/** Lines of one chip; the largest known have some hundreds. */
const maxLine = 4_095

export const lineNumber = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(maxLine))

export const lineFields = {
  /**
   * The chip's label, as `pinctrl-bcm2711`, which stays the same from start to start; or its name, as `gpiochip0`.
   */
  chip: deviceName,
  /** The line of this chip, from 0. On a Raspberry Pi it is the number behind GPIO. */
  line: lineNumber,
  direction: v.optional(v.picklist(['in', 'out']), 'out'),
  /** It is on where the line is low: a button to ground, a LED to the supply. */
  activeLow: v.optional(v.boolean(), false),
} as const

/** Of an output: what it is set to when it is opened; without it an output is left as it is. */
export const initialField = v.optional(v.boolean())

export interface LineOptions {
  readonly chip: string
  readonly line: number
  readonly direction: 'in' | 'out'
  readonly activeLow: boolean
  readonly initial?: boolean | undefined
}
