/** Who runs what, from the members' own signed records: made anew when something changed and somebody asks. */
import type { Cancel } from '../../core/index.ts'
import type { CallPolicy, MemberView, Mesh, ReleaseRecord } from '../../mesh/index.ts'
import { httpTriggerKind } from '../triggers/index.ts'
import type { Candidate } from './resolver.ts'

export interface AppEntry {
  readonly app: string
  readonly policy: CallPolicy
  /** Of one call of it, ms. */
  readonly deadlineMs: number
  readonly takesRequests: boolean
  /** Other nodes that run it, as their records and this node's verdicts have it. */
  readonly candidates: readonly Candidate[]
}

interface Entry extends AppEntry {
  readonly candidates: Candidate[]
}

export type DirectoryMesh = Pick<Mesh, 'self' | 'members' | 'releases' | 'onChange'>

const well: ReadonlySet<string> = new Set(['alive'])
/** `cut-off` is alive by the word of others; `suspect` may be. */
const doubtful: ReadonlySet<string> = new Set(['suspect', 'cut-off'])

export class Directory {
  readonly #mesh: DirectoryMesh
  #isStale = true
  #apps: ReadonlyMap<string, AppEntry> = new Map()
  #members: ReadonlyMap<string, Pick<MemberView, 'name' | 'groups'>> = new Map()

  constructor(mesh: DirectoryMesh) {
    this.#mesh = mesh
  }

  /** Follows the mesh until cancelled. */
  follow(): Cancel {
    return this.#mesh.onChange(() => (this.#isStale = true))
  }

  /** null where no release of it may run. */
  find(app: string): AppEntry | null {
    if (this.#isStale) this.#read()
    return this.#apps.get(app) ?? null
  }

  /** Of every app that may run. */
  appNames(): string[] {
    if (this.#isStale) this.#read()
    return [...this.#apps.keys()]
  }

  nameOf(node: string): string {
    if (this.#isStale) this.#read()
    return this.#members.get(node)?.name ?? node
  }

  /** Whether two members have a group in common; those of no group are among themselves. */
  shareGroup(one: string, other: string): boolean {
    if (this.#isStale) this.#read()
    const [a, b] = [this.#members.get(one)?.groups, this.#members.get(other)?.groups]
    return a !== undefined && b !== undefined && share(a, b)
  }

  #read(): void {
    this.#isStale = false
    const members = this.#mesh.members()
    this.#members = new Map(members.map((member) => [member.id, member]))
    const own = this.#members.get(this.#mesh.self)?.groups ?? []
    const apps = new Map(this.#mesh.releases.desired().map(({ record }) => [record.app, entryOf(record)]))
    for (const { id, name, groups, opinion, held } of members) {
      const isWell = well.has(opinion.verdict)
      if (id === this.#mesh.self || !(isWell || doubtful.has(opinion.verdict))) continue
      const scope = share(own, groups) ? 'group' : 'mesh'
      for (const { app, state } of held?.record.report.apps ?? []) {
        if (state === 'running') apps.get(app)?.candidates.push({ node: id, name, scope, isWell })
      }
    }
    this.#apps = apps
  }
}

function entryOf({ app, calls = {}, limits, triggers }: ReleaseRecord): Entry {
  const takesRequests = triggers.some(({ kind }) => kind === httpTriggerKind)
  return { app, policy: calls, deadlineMs: limits.deadlineMs, takesRequests, candidates: [] }
}

function share(some: readonly string[], others: readonly string[]): boolean {
  if (some.length === 0 && others.length === 0) return true
  return some.some((group) => others.includes(group))
}
