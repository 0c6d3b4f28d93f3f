/** What the nodes of a lab hold of each other: by asking them now, and by what they have logged. */
import type { Lab } from './lab.ts'
import type { LabHost } from './host.ts'

/** A change of mind about a member, or about itself. */
export interface Change {
  readonly at: number
  readonly by: string
  readonly about: string
  readonly to: string
}

/** @returns the verdict of a host's node on another, or on itself; null where it does not know it */
export async function verdictOf(host: LabHost, about: string): Promise<string | null> {
  const { nodes } = await host.client.status()
  return nodes.find(({ name }) => name === about)?.state ?? null
}

/** Whether each of `hosts` holds each of `about` for `verdict`. */
export async function agree(
  hosts: readonly LabHost[],
  about: readonly LabHost[],
  verdict: string,
): Promise<boolean> {
  for (const { client } of hosts) {
    const { nodes } = await client.status()
    const states = new Map(nodes.map(({ name, state }) => [name, state]))
    if (about.some(({ name }) => states.get(name) !== verdict)) return false
  }
  return true
}

/** By the id of a node, its name. */
export async function namesOf(lab: Lab): Promise<ReadonlyMap<string, string>> {
  const [first] = lab.hosts
  if (first === undefined) return new Map()
  const { nodes } = await first.client.status()
  return new Map(nodes.map(({ id, name }) => [id, name]))
}

/** All changes of mind since then, by the clock that all hosts share. */
export function changesSince(lab: Lab, names: ReadonlyMap<string, string>, sinceMs: number): Change[] {
  return lab.hosts
    .flatMap(({ name, events }) =>
      events
        .filter(({ event, at }) => event === 'member:verdict' && at >= sinceMs)
        .map(({ at, fields }) => ({
          at,
          by: name,
          about: names.get(String(fields['node'])) ?? String(fields['node']),
          to: String(fields['to']),
        })),
    )
    .sort((a, b) => a.at - b.at)
}

export function inWords({ by, about, to }: Change): string {
  return `${by} called ${about} ${to}`
}
