import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { SelvedgeError } from '../../../core/index.ts'
import {
  parseHttpAddress,
  parseMetricsAddress,
  loadNodeConfig,
  parseNodeConfig,
} from '../../../host/config/index.ts'

function refusalOf(text: string): SelvedgeError {
  try {
    parseNodeConfig(text, 'node.toml')
  } catch (error) {
    return error as SelvedgeError
  }
  throw new Error('it was accepted')
}

describe('the node’s TOML', () => {
  it('needs no file at all', async () => {
    expect(await loadNodeConfig(undefined)).toEqual({
      name: null,
      groups: [],
      http: { hosts: {}, ports: {} },
      deploy: {},
      engine: { without: [] },
      metrics: { hosts: [] },
      mesh: { listen: ['/ip4/0.0.0.0/tcp/0'], mdns: true, reachable: 'auto', relay: 64 * 2 ** 20 },
      brokers: {},
      bridges: [],
      sensors: {},
      pins: {},
      buses: {},
      folders: {},
      storage: {
        keyvalue: {
          driver: 'sqlite',
          options: { durability: 'full' },
          size: 256 * 2 ** 20,
          keys: 100_000,
        },
        blobstore: { driver: 'disk', options: { durability: 'full' }, size: 2 ** 30, objects: 10_000 },
        ttl: [],
      },
      components: {},
      messages: { items: 50_000, keep: 7 * 86_400_000, size: 64 * 2 ** 20, 'when-full': 'refuse' },
      apps: {},
      limits: { memory: 'auto', queuedEvents: 256, logLines: 10_000, logLinesPerSecond: 500 },
      logs: { size: 2 ** 20, total: 32 * 2 ** 20 },
    })
  })

  it('wires names to drivers, and fills in what the driver defaults to', () => {
    const config = parseNodeConfig(
      `
name = "lobby-1"
groups = ["lobby"]
[mesh]
mdns = false
listen = []
reachable = "no"
gateway = true
relay = "1 MiB"
[sensors.light]
driver = "simulated"
shape = "daylight"
unit = "lx"
max = 1000
period = "6s"
phase = 0.4
[sensors.idle]
driver = "system"
metric = "cpu-idle"
[pins.led]
driver = "simulated"
[apps.light-alarm.config]
threshold = "40"
`,
      'node.toml',
    )
    expect(config.name).toBe('lobby-1')
    expect(config.mesh).toEqual({
      listen: [],
      mdns: false,
      reachable: 'no',
      gateway: true,
      relay: 2 ** 20,
    })
    expect(config.sensors['light']).toEqual({
      driver: 'simulated',
      options: { shape: 'daylight', unit: 'lx', min: 0, max: 1_000, period: 6_000, phase: 0.4, noise: 0 },
    })
    expect(config.sensors['idle']).toEqual({ driver: 'system', options: { metric: 'cpu-idle' } })
    expect(config.pins['led']).toEqual({ driver: 'simulated', options: { initial: false } })
    expect(config.apps['light-alarm']?.config).toEqual({ threshold: '40' })
  })

  it('names buses by their addresses, and takes none for all', () => {
    const { buses } = parseNodeConfig('[buses.light]\nbus = 1\naddresses = [0x23, 0x5c]\n', 'node.toml')
    expect(buses).toEqual({ light: { driver: 'i2ctransfer', bus: 1, addresses: [0x23, 0x5c] } })
    for (const [table, field] of [
      ['bus = 1\naddresses = []', 'addresses'],
      ['bus = 1', 'addresses'],
      ['bus = 1\naddresses = [0x78]', 'addresses'],
      ['bus = -1\naddresses = [0x23]', 'bus'],
      ['bus = 1\naddresses = [0x23]\ndriver = "i2c"', 'driver'],
    ]) {
      expect(refusalOf(`[buses.light]\n${table}\n`).message).toContain(`buses.light.${field}`)
    }
  })

  it('refuses an unknown driver: file, field, value, nearest name and all there are', () => {
    const error = refusalOf('[sensors.light]\ndriver = "simulatd"\nshape = "sine"\n')
    expect(error.code).toBe('ERR_DRIVER_UNKNOWN')
    expect(error.message).toBe(
      'node.toml: sensors.light.driver: there is no sensor driver "simulatd"; did you mean "simulated"?',
    )
    expect(error.hint).toContain('"simulated", "system"')
    expect(refusalOf('[pins.led]\ndriver = "gpio"').message).toContain(
      'pins.led.driver: there is no pin driver "gpio"',
    )
  })

  it('refuses an option that the driver does not have, with the nearest name', () => {
    const error = refusalOf('[sensors.light]\ndriver = "simulated"\nshap = "sine"\n')
    expect(error.code).toBe('ERR_CONFIG_INVALID')
    expect(error.message).toContain('node.toml')
    expect(error.message).toContain('sensors.light.shap')
    expect(error.message).toContain('did you mean "shape"')
  })

  it('refuses an option of another driver', () => {
    const error = refusalOf('[sensors.light]\ndriver = "system"\nmetric = "load"\nshape = "sine"\n')
    expect(error.message).toContain('sensors.light.shape')
  })

  it.each([
    ['a missing option', '[sensors.light]\ndriver = "system"', 'sensors.light.metric: is missing'],
    [
      'a duration without unit',
      '[sensors.light]\ndriver = "simulated"\nperiod = "6"',
      'sensors.light.period',
    ],
    ['a device name in capitals', '[sensors.Light]\ndriver = "simulated"', 'Light'],
    ['a misspelt table', '[sensor.light]\ndriver = "simulated"', 'did you mean "sensors"'],
    ['a setting that is no text', '[apps.alarm.config]\nthreshold = 40', 'apps.alarm.config.threshold'],
    ['a limit out of range', '[limits]\nqueuedEvents = 0', 'limits.queuedEvents'],
    ['an address that is none', '[mesh]\nlisten = ["0.0.0.0:4001"]', 'mesh.listen[0]'],
    ['a folder without a path', '[folders.photos]', 'folders.photos.path: is missing'],
    ['an empty path', '[folders.photos]\npath = ""', 'folders.photos.path: "" is empty'],
    ['a size without its unit', '[folders.a]\npath = "/"\nsize = "10"', 'folders.a.size: "10"'],
    ['less than no file', '[folders.a]\npath = "/"\nfiles = -1', 'folders.a.files: -1'],
    ['a store’s size that is none', '[storage.keyvalue]\nsize = "much"', 'storage.keyvalue.size: "much"'],
    ['a cap that lets nothing pass', '[components]\nupload = "10 B"', 'components.upload: "10 B"'],
    [
      'a store’s driver that is none',
      '[storage.keyvalue]\ndriver = "sqlit"',
      'storage.keyvalue.driver: "sqlit"',
    ],
    [
      'another driver’s option',
      '[storage.blobstore]\nnowhere = "x"',
      'storage.blobstore.nowhere: unknown key',
    ],
    ['a durability that is none', '[storage.keyvalue]\ndurability = "half"', 'keyvalue.durability: "half"'],
    ['a life without a bucket', '[storage.ttl]\n"sessions" = "1h"', 'storage.ttl.sessions'],
    ['a life that is no time', '[storage.ttl]\n"a/b" = "1"', 'storage.ttl."a/b": "1"'],
    ['objects in part', '[storage.blobstore]\nobjects = 0.5', 'storage.blobstore.objects: 0.5'],
    ['an access that is none', '[folders.a]\npath = "/"\naccess = "write"', 'folders.a.access: "write"'],
    ['a folder’s name that is a path', '[folders."a/b"]\npath = "/"', 'folders."a/b"'],
    ['no TOML', 'name = ', 'node.toml'],
  ])('refuses %s', (_name, text, expected) => {
    const error = refusalOf(text)
    expect(error.code).toBe('ERR_CONFIG_INVALID')
    expect(error.message).toContain(expected)
    expect(error.hint).not.toBe('')
  })

  it('says so where the file is not there', async () => {
    await expect(loadNodeConfig('/nowhere/node.toml')).rejects.toMatchObject({
      code: 'ERR_CONFIG_UNREADABLE',
    })
  })

  it('names the file as it was given', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'selvedge-config-'))
    try {
      const path = join(folder, 'lobby.toml')
      await writeFile(path, 'nme = "x"\n')
      await expect(loadNodeConfig(path)).rejects.toThrow(`${path}: nme: unknown key; did you mean "name"?`)
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})

describe('folders for apps', () => {
  const inFolder = async (use: (folder: string, path: string) => Promise<void>): Promise<void> => {
    const folder = await mkdtemp(join(tmpdir(), 'selvedge-config-'))
    try {
      await use(folder, join(folder, 'node.toml'))
    } finally {
      await rm(folder, { recursive: true })
    }
  }

  it('are to be read unless it says more, and start where the TOML lies', () =>
    inFolder(async (folder, path) => {
      await mkdir(join(folder, 'photos'))
      await writeFile(
        path,
        `[folders.photos]\npath = "photos"\n[folders.all]\npath = "${folder}"\naccess = "read-write"\nsize = "10 MiB"\nfiles = 7\n`,
      )
      const { folders } = await loadNodeConfig(path)
      expect(folders).toEqual({
        photos: { path: join(folder, 'photos'), access: 'read', size: 2 ** 30, files: 100_000 },
        all: { path: folder, access: 'read-write', size: 10 * 2 ** 20, files: 7 },
      })
    }))

  it.each([
    ['that is not there', 'nowhere', 'there is nothing at'],
    ['that is a file', 'node.toml', 'is no folder'],
    ['inside a file', 'node.toml/photos', 'cannot be reached (ENOTDIR)'],
  ])('are refused with file, field and remedy where one is named %s', (_name, named, expected) =>
    inFolder(async (folder, path) => {
      await writeFile(path, `[folders.photos]\npath = "${named}"\n`)
      const error = (await loadNodeConfig(path).catch((thrown: unknown) => thrown)) as SelvedgeError
      expect(error.code).toBe('ERR_CONFIG_INVALID')
      expect(error.message).toContain(`${path}: folders.photos.path: `)
      expect(error.message).toContain(`"${join(folder, named)}"`)
      expect(error.message).toContain(expected)
      expect(error.hint).toContain('make the folder')
    }),
  )

  it.each([
    ['what is the node’s own', '.', 'node/data', 'holds'],
    ['the node’s own itself', 'node', 'node', 'holds'],
    ['a part of what is the node’s own', 'node', '.', 'lies in'],
    ['what is the node’s own, behind a link', 'link', 'node', 'holds'],
  ])('are refused where one gives apps %s', (_name, named, own, how) =>
    inFolder(async (folder, path) => {
      await mkdir(join(folder, 'node'))
      await symlink('node', join(folder, 'link'))
      await writeFile(path, `[folders.photos]\npath = "${named}"\n`)
      const error = (await loadNodeConfig(path, [join(folder, own)]).catch(
        (thrown: unknown) => thrown,
      )) as SelvedgeError
      expect(error.code).toBe('ERR_CONFIG_INVALID')
      expect(error.message).toContain(`folders.photos.path: "${join(folder, named)}" ${how} `)
      expect(error.hint).toBe('name a folder beside it, and start the node again')
    }),
  )

  it('may lie beside what is the node’s own, however alike the names are', () =>
    inFolder(async (folder, path) => {
      await mkdir(join(folder, 'node-photos'))
      await writeFile(path, '[folders.photos]\npath = "node-photos"\n')
      const { folders } = await loadNodeConfig(path, [join(folder, 'node')])
      expect(folders['photos']?.path).toBe(join(folder, 'node-photos'))
    }))
})

describe('the address for HTTP', () => {
  it('is a host and a port', () => {
    expect(parseHttpAddress('127.0.0.1:8080')).toEqual({ host: '127.0.0.1', port: 8080 })
    expect(parseHttpAddress('[::]:0')).toEqual({ host: '::', port: 0 })
    expect(parseHttpAddress('localhost:80')).toEqual({ host: 'localhost', port: 80 })
    for (const text of ['', '8080', ':8080', 'a:', 'a:65536', '::1:80', 'a:b', 'http://a:80', '[a]:1:2']) {
      expect(parseHttpAddress(text), text).toBeNull()
    }
  })

  it('is refused with a remedy, and so are host names in another form', () => {
    expect(() => parseNodeConfig('[http]\nlisten = "8080"', 'node.toml')).toThrow(/http\.listen/)
    expect(() => parseNodeConfig('[http.hosts]\n"A:80" = "hello"', 'node.toml')).toThrow(/http\.hosts/)
    const { http } = parseNodeConfig(
      '[http]\nlisten = "[::]:80"\nhosts = { "shop.example" = "hello" }\nports = { 8081 = "hello" }',
      'node.toml',
    )
    expect(http).toEqual({ listen: '[::]:80', hosts: { 'shop.example': 'hello' }, ports: { 8081: 'hello' } })
  })
})

describe('the address for build jobs', () => {
  it('is a host and a port', () => {
    const { deploy } = parseNodeConfig('[deploy]\nlisten = "127.0.0.1:7440"', 'node.toml')
    expect(deploy).toEqual({ listen: '127.0.0.1:7440' })
    for (const wrong of ['listen = "7440"', 'listen = 7440', 'key = "x"']) {
      expect(() => parseNodeConfig(`[deploy]\n${wrong}`, 'node.toml'), wrong).toThrow(/deploy\./)
    }
  })
})

describe('the address for metrics', () => {
  it('is a host and a port, or a port of this machine alone', () => {
    expect(parseMetricsAddress('0.0.0.0:9464')).toEqual({ host: '0.0.0.0', port: 9_464 })
    expect(parseMetricsAddress('9464')).toEqual({ host: '127.0.0.1', port: 9_464 })
    for (const text of ['', '65536', ':9464', '9464 ', '-1', '1e3']) {
      expect(parseMetricsAddress(text), text).toBeNull()
    }
  })

  it('is refused with a remedy, and so are host names in another form', () => {
    expect(() => parseNodeConfig('[metrics]\nlisten = ":9464"', 'node.toml')).toThrow(/metrics\.listen/)
    expect(() => parseNodeConfig('[metrics]\nlisten = 9464', 'node.toml')).toThrow(/metrics\.listen/)
    expect(() => parseNodeConfig('[metrics]\nhosts = ["A:80"]', 'node.toml')).toThrow(/metrics\.hosts/)
    const { metrics } = parseNodeConfig('[metrics]\nlisten = "9464"\nhosts = ["node-1.lan"]', 'node.toml')
    expect(metrics).toEqual({ listen: '9464', hosts: ['node-1.lan'] })
  })
})
