/** What can be typed behind `npm run hosts --`. */
import { availableParallelism } from 'node:os'
import { hosts, type Host } from './hosts.ts'

export const parts = ['tests', 'figures', 'mesh'] as const
export type Part = (typeof parts)[number]

export interface HostsOptions {
  readonly hosts: readonly Host[]
  readonly parts: readonly Part[]
  /** Only test files whose path holds it. */
  readonly files: string
  readonly json: boolean
  readonly keep: boolean
  /** Writes the report where it is committed. */
  readonly record: boolean
  /** A commit, or {@link noPrevious}; null finds the last one by itself. */
  readonly previous: string | null
  /** Hosts that are tried at the same time. */
  readonly atOnce: number
  /** Most emulated hosts of one mesh: more make as many meshes as it takes. */
  readonly meshSize: number
}

/** What `--previous` takes for a mesh without the program of before. */
export const noPrevious = 'none'

/** One for each core of the smallest machine that this is for. */
const usualAtOnce = 2

/** With more of them the nodes of a mesh wait for their turn so long that they hold each other for dead, and they are right. */
function usualMeshSize(): number {
  return availableParallelism() + 1
}

export const usage = `npm run hosts -- [OPTIONS]
  --only NAMES     these hosts, with commas: ${hosts.map(({ name }) => name).join(',')}
  --part NAMES     of ${parts.join(',')}: only these
  --files TEXT     only test files with it in their path
  --at-once N      so many hosts at the same time (${usualAtOnce})
  --mesh-size N    so many emulated hosts in one mesh, and several meshes for more (here: ${usualMeshSize()})
  --previous REF   the program of before, beside today's, from this commit; ${noPrevious} leaves it out
  --json           a line of JSON for each host
  --keep           leave the nodes' folders of the mesh, and say where they are
  --record         write the report to docs/hosts-report.md`

/** @throws what is wrong with them */
export function parseOptions(args: readonly string[]): HostsOptions {
  const values = new Map<string, string>()
  const flags = new Set<string>()
  for (let at = 0; at < args.length; at += 1) {
    const [name = '', inline] = (args[at] ?? '').split(/=(.*)/s)
    if (['--json', '--keep', '--record'].includes(name) && inline === undefined) flags.add(name)
    else if (['--only', '--part', '--files', '--at-once', '--mesh-size', '--previous'].includes(name)) {
      const value = inline ?? args[(at += 1)]
      if (value === undefined || value === '') throw new Error(`${name} takes a value\n${usage}`)
      values.set(name, value)
    } else throw new Error(`there is no option ${args[at]}\n${usage}`)
  }
  const countOf = (name: string, usual: number): number => {
    const count = Number(values.get(name) ?? usual)
    if (!Number.isInteger(count) || count < 1) throw new Error(`${name} takes a number from 1\n${usage}`)
    return count
  }
  return {
    atOnce: countOf('--at-once', usualAtOnce),
    meshSize: countOf('--mesh-size', usualMeshSize()),
    hosts: pick(values.get('--only'), hosts, ({ name }) => name, 'host'),
    parts: pick(values.get('--part'), parts, (name) => name, 'part'),
    files: values.get('--files') ?? '',
    json: flags.has('--json'),
    keep: flags.has('--keep'),
    record: flags.has('--record'),
    previous: values.get('--previous') ?? null,
  }
}

function pick<T>(
  typed: string | undefined,
  all: readonly T[],
  nameOf: (one: T) => string,
  what: string,
): readonly T[] {
  if (typed === undefined) return all
  return typed.split(',').map((name) => {
    const found = all.find((one) => nameOf(one) === name)
    if (found === undefined)
      throw new Error(`there is no ${what} ${name}; there is ${all.map(nameOf).join(', ')}`)
    return found
  })
}
