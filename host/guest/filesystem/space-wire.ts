/** What a sandbox and the node say to each other of the space in folders that the node counts. */

/** The node's half; bound by whoever grants such folders, and named by no component. */
export const spaceInterface = 'selvedge:sandbox/space'

/** Room is lent and given back in these, unless more is needed at once. */
export const spacePiece = { bytes: 1024 * 1024, items: 64 } as const

export interface SpaceAmount {
  readonly bytes: number
  /** Files, folders and links. */
  readonly items: number
}
