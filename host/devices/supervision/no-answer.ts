import { deviceLimits } from './limits.ts'

/** Our own word for a driver that did not come back in time, which may mean that it never will. */
export class NoAnswer extends Error {
  constructor() {
    super(`no answer in ${deviceLimits.useMs / 1_000} s`)
  }
}

export const noAnswer = (): Error => new NoAnswer()
