import { homedir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ownFolders } from '../../host/own-folders.ts'

const service = { data: '/var/lib/selvedge', keys: '/var/lib/selvedge/keys' }
const owned = (owner: number | null) => (): number | null => owner

describe('a command without folders', () => {
  it('means the person’s own', () => {
    const { data, keys, cache } = ownFolders({ XDG_CONFIG_HOME: 'relative' }, 1000, 'status', owned(998))
    expect(data).toBe(join(homedir(), '.local/share/selvedge'))
    expect(keys).toBe(join(homedir(), '.config/selvedge/keys'))
    expect(cache).toBe(join(homedir(), '.cache/selvedge'))
  })

  it('means the machine’s service when root asks, or the service’s own user', () => {
    expect(ownFolders({}, 0, 'status', owned(998))).toMatchObject(service)
    expect(ownFolders({}, 998, 'up', owned(998))).toMatchObject(service)
  })

  it('never starts a node as root on the data of another user', () => {
    expect(ownFolders({}, 0, 'up', owned(998)).data).toBe(join(homedir(), '.local/share/selvedge'))
  })

  it('means the person’s own where the machine has no service', () => {
    expect(ownFolders({}, 0, 'status', owned(null)).data).toBe(join(homedir(), '.local/share/selvedge'))
  })
})

describe('folders that are given', () => {
  it('stand over both', () => {
    const given = { SELVEDGE_DATA: '/srv/node', SELVEDGE_KEYS: '/srv/keys' }
    expect(ownFolders(given, 0, 'status', owned(998))).toMatchObject({ data: '/srv/node', keys: '/srv/keys' })
    expect(ownFolders({ SELVEDGE_KEYS: '/srv/keys' }, 0, 'status', owned(998))).toMatchObject({
      data: '/var/lib/selvedge',
      keys: '/srv/keys',
    })
  })
})
