/** How far a topic goes and who hears it, by what was signed. */
import { describe, expect, it } from 'vitest'
import { MeshTopics, type DirectoryMesh } from '../../../host/messages/directory.ts'
import type { TopicScope } from '../../../mesh/index.ts'

interface Member {
  readonly id: string
  readonly groups: readonly string[]
  readonly topics?: readonly string[]
}
interface Release {
  readonly app: string
  readonly grants: readonly string[]
  readonly topics: Readonly<Record<string, { scope: TopicScope; keepMs?: number }>>
}

function meshOf(
  members: readonly Member[],
  releases: readonly Release[],
): { mesh: DirectoryMesh; tell(): void } {
  const listeners = new Set<() => void>()
  const mesh = {
    self: 'a',
    members: () =>
      members.map(({ id, groups, topics }) => ({
        id,
        name: `${id}-name`,
        groups,
        held: { record: { report: { topics } } },
      })),
    releases: { desired: () => releases.map((record) => ({ record })) },
    onChange: (listener: () => void) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  } as unknown as DirectoryMesh
  return { mesh, tell: () => listeners.forEach((listener) => listener()) }
}

const light = (app: string, scope: TopicScope, keepMs?: number): Release => ({
  app,
  grants: ['publish:light'],
  topics: { light: { scope, ...(keepMs !== undefined && { keepMs }) } },
})
const members: Member[] = [
  { id: 'a', groups: ['lobby'], topics: ['light'] },
  { id: 'b', groups: ['lobby', 'roof'], topics: ['light', 'door'] },
  { id: 'c', groups: ['garage'], topics: ['light'] },
  { id: 'd', groups: ['lobby'] },
]

describe('a topic', () => {
  it.each([
    ['node', []],
    ['group', ['b']],
    ['mesh', ['b', 'c']],
  ] as const)('of the %s goes to those who hear it there', (scope, nodes) => {
    const topics = new MeshTopics(meshOf(members, [light('one', scope)]).mesh)
    expect(topics.nodesFor('light')).toEqual(nodes)
    for (const node of ['b', 'c', 'd'])
      expect([node, topics.admits('light', node)]).toEqual([
        node,
        scope === 'mesh' || (scope === 'group' && node !== 'c'),
      ])
    expect(topics.admits('light', 'stranger')).toBe(false)
  })

  it('stays on its node where no release declares it', () => {
    const topics = new MeshTopics(meshOf(members, []).mesh)
    expect(topics.facts('door')).toEqual({ scope: 'node', keepMs: null, declaredBy: [] })
    expect(topics.nodesFor('door')).toEqual([])
    expect(topics.admits('door', 'b')).toBe(false)
  })

  it('goes as far as the nearest of the releases that declare it says, and waits as long as the longest', () => {
    const releases = [light('one', 'mesh', 1_000), light('two', 'group'), light('three', 'mesh', 5_000)]
    const topics = new MeshTopics(meshOf(members, releases).mesh)
    expect(topics.facts('light')).toEqual({
      scope: 'group',
      keepMs: 5_000,
      declaredBy: [
        { app: 'one', scope: 'mesh' },
        { app: 'two', scope: 'group' },
        { app: 'three', scope: 'mesh' },
      ],
    })
    expect(topics.declared()).toEqual(['light'])
  })

  it('is no business of a release that was not granted it', () => {
    const stranger = { ...light('stranger', 'node'), grants: ['publish:lights'] }
    const topics = new MeshTopics(meshOf(members, [light('one', 'mesh'), stranger]).mesh)
    expect(topics.facts('light').scope).toBe('mesh')
    const hearer = { ...light('hearer', 'node'), grants: ['subscribe:light'] }
    expect(new MeshTopics(meshOf(members, [light('one', 'mesh'), hearer]).mesh).facts('light').scope).toBe(
      'node',
    )
  })

  it('is looked up again when the mesh has changed', () => {
    const releases = [light('one', 'group')]
    const { mesh, tell } = meshOf(members, releases)
    const topics = new MeshTopics(mesh)
    const cancel = topics.follow()
    expect(topics.nodesFor('light')).toEqual(['b'])
    releases[0] = light('one', 'mesh')
    expect(topics.nodesFor('light')).toEqual(['b'])
    tell()
    expect(topics.nodesFor('light')).toEqual(['b', 'c'])
    cancel()
  })
})
