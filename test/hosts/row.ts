/** What was found on one host, and whether all of it holds. */
import type { Compared } from './comparison.ts'
import type { Host } from './hosts.ts'
import type { Seat } from './mesh/seat.ts'
import type { HostFigures } from './suite/protocol.ts'

export interface Row {
  readonly host: Host
  /** What starts its Node.js; null where there is none. */
  program: string | null
  /** Of Node.js. */
  version: string | null
  /** `node -e 0`, ms. */
  emptyMs: number | null
  tests: Compared | null
  testsMs: number | null
  figures: HostFigures | null
  seat: Seat | null
  /** What kept a part from being tried at all. */
  readonly obstacles: string[]
}

export function emptyRow(host: Host): Row {
  return {
    host,
    program: null,
    version: null,
    emptyMs: null,
    tests: null,
    testsMs: null,
    figures: null,
    seat: null,
    obstacles: [],
  }
}

/** What does not hold, a line each; none is a pass. */
export function faultsOf({ obstacles, tests, seat }: Row): string[] {
  const different = (tests?.unexplained ?? []).map(
    ({ file, test, message }) => `${file}: ${test}: ${message.split('\n')[0] ?? ''}`,
  )
  const outcome = seat?.failure
  return [
    ...obstacles,
    ...different,
    ...(outcome === null || outcome === undefined ? [] : [`mesh: ${outcome}`]),
  ]
}
