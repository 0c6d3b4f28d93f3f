import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  createLog,
  memoryFolder,
  systemClock,
  systemRandom,
  type DurableFolder,
  type LogEntry,
} from '../../../core/index.ts'
import { enterMesh, type EntryNeeds, type Origin } from '../../../host/node/membership.ts'
import { issueInvite, openKeyRing, openNodeIdentity } from '../../../mesh/index.ts'

let keys: string
let folder: DurableFolder
const told: LogEntry[] = []

beforeEach(async () => {
  keys = await mkdtemp(join(tmpdir(), 'selvedge-keys-'))
  folder = memoryFolder()
  told.length = 0
})

afterEach(() => rm(keys, { recursive: true, force: true }))

/** A start on the folder, as far as its mesh. */
async function enter(changes: Partial<EntryNeeds> = {}): Promise<{ origin: Origin; mesh: string }> {
  const identity = await openNodeIdentity(await folder.folder('identity'), systemRandom)
  const origin = await enterMesh({
    folder,
    identity,
    name: 'lobby-1',
    groups: ['lobby', 'ground-floor'],
    token: undefined,
    signal: undefined,
    keys,
    clock: systemClock,
    random: systemRandom,
    log: createLog((entry) => void told.push(entry), systemClock),
    ...changes,
  })
  return { origin, mesh: identity.meshId ?? '' }
}

async function tokenFor(mesh: string, signer = mesh, expiresAt = Date.now() + 60_000): Promise<string> {
  const admin = await openKeyRing(keys).get(signer, 'admin')
  const terms = { mesh, roots: [], addresses: ['/ip4/127.0.0.1/tcp/1'], groups: ['lobby'], roles: [] }
  return issueInvite({ ...terms, expiresAt, admin, random: systemRandom }).token
}

const warnings = (): string[] => told.filter(({ level }) => level === 'warn').map(({ event }) => event)

describe('a folder that belongs to a mesh', () => {
  it('resumes with a token of that mesh, used up or expired, and says that it was not needed', async () => {
    const { mesh } = await enter()
    for (const expiresAt of [Date.now() + 60_000, 1]) {
      told.length = 0
      const token = await tokenFor(mesh, mesh, expiresAt)
      expect(await enter({ token })).toEqual({ origin: 'resumed', mesh })
      expect(told.map(({ event }) => event)).toEqual(['token:not-needed'])
    }
  })

  it('refuses a token of another mesh, and names both', async () => {
    const { mesh } = await enter()
    const token = await tokenFor('ab'.repeat(32), mesh)
    await expect(enter({ token })).rejects.toMatchObject({
      code: 'ERR_NODE_MEMBER',
      message: expect.stringMatching(new RegExp(`${mesh.slice(0, 8)}.*abababab`)) as string,
    })
  })

  it('warns of a name and of groups that its certificate does not have, and goes on', async () => {
    await enter()
    expect((await enter({ name: 'garage-1', groups: ['garage'] })).origin).toBe('resumed')
    expect(warnings()).toEqual(['name:not-used', 'groups:not-used'])
    expect(told.at(-2)?.fields).toMatchObject({ name: 'garage-1', certified: 'lobby-1' })
  })

  it('says nothing where they agree in any order, or were not given', async () => {
    await enter()
    await enter({ groups: ['ground-floor', 'lobby'] })
    await enter({ name: null, groups: [] })
    expect(warnings()).toEqual([])
  })
})
