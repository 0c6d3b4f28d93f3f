import { describe, expect, it } from 'vitest'
import { parseManifest, releaseDraft } from '../../../host/manifest/index.ts'

describe('the draft of a manifest', () => {
  it('carries everything that gets signed, in canonical order', () => {
    const manifest = parseManifest(`
      app = { name = "alarm", version = "1.2.0" }
      grants = { sensors = ["light"], pins = ["led"], keyvalue = ["own", "shared"] }
      stores = { own = { scope = "node" }, shared = { scope = "group" } }
      triggers = [{ kind = "sensor", sensor = "light" }]
      limits = { memory = "1 MiB", deadline = "2s", folders = { size = "1 GiB", files = 10 }, keyvalue = { keys = 5 } }
      placement = { groups = ["lobby", "garage"], replicas = 2, needs = ["role:gateway", "arch:arm64"], replace-after = "1min", minority = "stop", stable-names = true }
      calls = { scope = "mesh", idempotent = true, sticky = "cookie:session" }
      config = { threshold = "300" }
      run = { args = ["--room", "lobby"] }
      instances = { isolation = "process", min = 0, idle = "2s", cpu = 50 }`)
    expect(releaseDraft(manifest)).toEqual({
      app: 'alarm',
      version: '1.2.0',
      grants: ['keyvalue:own', 'keyvalue:shared', 'pin:led', 'sensor:light'],
      triggers: [{ kind: 'sensor', sensor: 'light' }],
      config: { threshold: '300' },
      instances: { isolation: 'process', min: 0, idleMs: 2000, cpuPercent: 50 },
      limits: { memoryBytes: 1_048_576, deadlineMs: 2000 },
      args: ['--room', 'lobby'],
      quotas: { folderBytes: 2 ** 30, folderFiles: 10, keyValueKeys: 5 },
      groups: ['garage', 'lobby'],
      links: {},
      stores: { shared: { scope: 'group' } },
      topics: {},
      calls: { scope: 'mesh', idempotent: true, sticky: 'cookie:session' },
      placement: {
        replicas: 2,
        needs: ['arch:arm64', 'role:gateway'],
        replaceAfterMs: 60_000,
        minority: 'stop',
        stableNames: true,
      },
    })
  })
})

describe('the draft of a bare file', () => {
  it('is named after the file, and granted nothing', () => {
    expect(releaseDraft({ file: '/tmp/My_App 2.wasm' })).toMatchObject({
      app: 'my-app-2',
      version: null,
      grants: [],
      triggers: [],
      groups: [],
    })
  })

  it('takes links from options, of apps that it may call', () => {
    const linked = (links: string[], grants = ['call:thermo']) =>
      releaseDraft({ file: 'x.wasm', grants, links }).links
    expect(linked(['acme:thermo/api@1.0.0=thermo'])).toEqual({ 'acme:thermo/api@1.0.0': 'thermo' })
    expect(() => linked(['acme:thermo/api@1.0.0=thermo'], [])).toThrow('may not call')
    expect(() => linked(['acme:thermo/api@1.0.0'])).toThrow('names no app')
    expect(() => linked(['thermo=thermo'])).toThrow('is no interface')
    expect(() => linked(['acme:t/a=thermo', 'acme:t/a=thermo'])).toThrow('linked twice')
    expect(() => linked(['wasi:http/types@0.2.0=thermo'])).toThrow('for the node to give')
  })

  it('takes grants, triggers and groups from options', () => {
    const draft = releaseDraft({
      file: 'x.wasm',
      app: 'alarm',
      version: '2.0.0',
      grants: ['sensor:light', 'pin:led', 'folder:photos', 'pin:led'],
      triggers: ['sensor:light:200ms', 'sensor:light'],
      groups: ['lobby', 'garage', 'lobby'],
    })
    expect(draft).toMatchObject({
      app: 'alarm',
      version: '2.0.0',
      grants: ['folder:photos', 'pin:led', 'sensor:light'],
      triggers: [
        { kind: 'sensor', sensor: 'light', everyMs: 200 },
        { kind: 'sensor', sensor: 'light' },
      ],
      groups: ['garage', 'lobby'],
    })
  })

  it.each([
    [{ file: '123.wasm' }, 'no app can be named after the file 123.wasm'],
    [{ file: 'a.wasm', app: 'A' }, '--app A'],
    [{ file: 'a.wasm', version: 'v1' }, '--version v1: is no version'],
    [{ file: 'a.wasm', groups: ['Lobby'] }, '--group Lobby'],
    [{ file: 'a.wasm', triggers: ['timr:1s'] }, 'there is no trigger of kind "timr"; did you mean "timer"?'],
    [{ file: 'a.wasm', triggers: ['cron:0 0 30 2 *'] }, 'can never run'],
    [{ file: 'a.wasm', triggers: ['pin:door'] }, 'is a pin that the release is not granted'],
    [
      { file: 'a.wasm', triggers: ['sensor:light:1'], grants: ['sensor:light'] },
      'is not understood; write a number and its unit',
    ],
    [
      { file: 'a.wasm', triggers: ['sensor:light:1ms'], grants: ['sensor:light'] },
      'is out of range; write something from 5ms to 1d',
    ],
    [{ file: 'a.wasm', triggers: ['sensor:light:1s:2'], grants: ['sensor:light'] }, 'too many parts'],
    [{ file: 'a.wasm', triggers: ['sensor:light'] }, 'is a sensor that the release is not granted'],
    [{ file: 'a.wasm', args: Array<string>(65).fill('x') }, 'more than 64'],
    [{ file: 'a.wasm', args: ['x'.repeat(4097)] }, '--arg "xxx'],
    [{ file: 'a.wasm', args: Array<string>(5).fill('x'.repeat(4000)) }, 'more than 16384'],
    [{ file: 'a.wasm', args: ['a\0b'] }, 'a zero character'],
    [{ file: 'a.wasm', triggers: Array<string>(17).fill('sensor:light') }, 'at most 16'],
  ])('refuses %j', (options, message) => {
    expect(() => releaseDraft(options)).toThrow(
      expect.objectContaining({ code: 'ERR_RELEASE_OPTION', message: expect.stringContaining(message) }),
    )
  })

  it('names the grant to add for a trigger that lacks it', () => {
    expect(() => releaseDraft({ file: 'a.wasm', triggers: ['sensor:light'] })).toThrow(
      expect.objectContaining({ hint: 'add --grant sensor:light' }),
    )
  })
})

describe('replicas of a bare file', () => {
  const placed = (replicas: string) => releaseDraft({ file: 'x.wasm', replicas }).placement

  it('are a number, or all', () => {
    expect([placed('2'), placed('all')]).toEqual([{ replicas: 2 }, {}])
  })

  it.each(['x', '0', '-1', '1.5', ''])('are refused as they were typed: %s', (text) => {
    expect(() => placed(text)).toThrow(`--replicas ${text}: `)
  })
})
