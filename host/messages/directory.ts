/**
 * How far a topic goes and who hears it, from what was signed: releases say the scope, certificates the groups, node
 * records the topics. Every node comes to the same answer, so that a receiver can hold a sender to it.
 */
import type { Cancel } from '../../core/index.ts'
import { topicScopes, type Mesh, type TopicScope } from '../../mesh/index.ts'

export interface TopicFacts {
  readonly scope: TopicScope
  /** As releases ask; null where none says. */
  readonly keepMs: number | null
  /** Releases that say something of it. */
  readonly declaredBy: readonly { readonly app: string; readonly scope: TopicScope }[]
}

export interface TopicDirectory {
  facts(topic: string): TopicFacts
  /** Other nodes within the topic's scope that hear it, sorted. */
  nodesFor(topic: string): readonly string[]
  /** Whether a message of it may come from there. */
  admits(topic: string, node: string): boolean
  isMember(node: string): boolean
  nameOf(node: string): string
  /** All topics that releases declare, sorted. */
  declared(): readonly string[]
}

export type DirectoryMesh = Pick<Mesh, 'self' | 'members' | 'releases' | 'onChange'>

interface Neighbour {
  readonly name: string
  readonly sharesGroup: boolean
  readonly hears: ReadonlySet<string>
}

const undeclared: TopicFacts = { scope: 'node', keepMs: null, declaredBy: [] }

/** Where there are no others. */
export const noDirectory: TopicDirectory = {
  facts: () => undeclared,
  nodesFor: () => [],
  admits: () => false,
  isMember: () => false,
  nameOf: (node) => node,
  declared: () => [],
}

export class MeshTopics implements TopicDirectory {
  readonly #mesh: DirectoryMesh
  #isStale = true
  #topics: ReadonlyMap<string, TopicFacts> = new Map()
  #nodes: ReadonlyMap<string, Neighbour> = new Map()

  constructor(mesh: DirectoryMesh) {
    this.#mesh = mesh
  }

  /** Follows the mesh until cancelled. */
  follow(): Cancel {
    return this.#mesh.onChange(() => (this.#isStale = true))
  }

  facts(topic: string): TopicFacts {
    this.#read()
    return this.#topics.get(topic) ?? undeclared
  }

  nodesFor(topic: string): readonly string[] {
    const { scope } = this.facts(topic)
    if (scope === 'node') return []
    return [...this.#nodes]
      .filter(([, { hears, sharesGroup }]) => hears.has(topic) && (scope === 'mesh' || sharesGroup))
      .map(([node]) => node)
      .sort()
  }

  admits(topic: string, node: string): boolean {
    const { scope } = this.facts(topic)
    const known = this.#nodes.get(node)
    return known !== undefined && (scope === 'mesh' || (scope === 'group' && known.sharesGroup))
  }

  isMember(node: string): boolean {
    this.#read()
    return this.#nodes.has(node)
  }

  nameOf(node: string): string {
    this.#read()
    return this.#nodes.get(node)?.name ?? node
  }

  declared(): readonly string[] {
    this.#read()
    return [...this.#topics.keys()].sort()
  }

  #read(): void {
    if (!this.#isStale) return
    this.#isStale = false
    const members = this.#mesh.members()
    const own = members.find(({ id }) => id === this.#mesh.self)?.groups ?? []
    this.#nodes = new Map(
      members
        .filter(({ id }) => id !== this.#mesh.self)
        .map(({ id, name, groups, held }) => {
          const hears = new Set(held?.record.report.topics ?? [])
          return [id, { name, hears, sharesGroup: share(own, groups) }]
        }),
    )
    const topics = new Map<string, TopicFacts>()
    for (const { record } of this.#mesh.releases.desired()) {
      for (const [topic, policy] of Object.entries(record.topics ?? {})) {
        // Whoever was not granted a topic has no say in it.
        const isGranted =
          record.grants.includes(`publish:${topic}`) || record.grants.includes(`subscribe:${topic}`)
        if (isGranted) topics.set(topic, joined(topics.get(topic), record.app, policy))
      }
    }
    this.#topics = topics
  }
}

/** The nearest scope counts, and the longest wait. */
function joined(
  known: TopicFacts | undefined,
  app: string,
  { scope, keepMs }: { readonly scope: TopicScope; readonly keepMs?: number | undefined },
): TopicFacts {
  if (known === undefined) return { scope, keepMs: keepMs ?? null, declaredBy: [{ app, scope }] }
  const nearest = Math.min(topicScopes.indexOf(known.scope), topicScopes.indexOf(scope))
  const waits = [known.keepMs, keepMs ?? null].filter((ms) => ms !== null)
  return {
    scope: topicScopes[nearest] ?? 'node',
    keepMs: waits.length === 0 ? null : Math.max(...waits),
    declaredBy: [...known.declaredBy, { app, scope }],
  }
}

/** Nodes of no group are among themselves. */
function share(some: readonly string[], others: readonly string[]): boolean {
  if (some.length === 0 && others.length === 0) return true
  return some.some((group) => others.includes(group))
}
