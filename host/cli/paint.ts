/** Colours as functions, or their absence. Nothing is said by colour alone: a sign or a word is always with it. */
import pc from 'picocolors'

export type Paint = ReturnType<typeof pc.createColors>

export function paintFor(colour: boolean): Paint {
  return pc.createColors(colour)
}

/**
 * Whether a stream gets colour. `NO_COLOR` (no-color.org) wins over `FORCE_COLOR`, both over the terminal.
 * @param environment only the named variables are looked at; an empty value counts as not set
 */
export function wantsColour(
  environment: Readonly<Record<string, string | undefined>>,
  isTTY: boolean,
): boolean {
  if (environment.NO_COLOR !== undefined && environment.NO_COLOR !== '') return false
  const forced = environment.FORCE_COLOR ?? ''
  if (forced !== '') return forced !== '0' && forced !== 'false'
  return isTTY && environment.TERM !== 'dumb'
}
