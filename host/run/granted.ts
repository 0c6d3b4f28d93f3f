/** From options as they were typed to what the program may touch. Everything is checked before anything is loaded. */
import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import { isSelvedgeError } from '../../core/index.ts'
import { i2cAddresses } from '../devices/index.ts'
import { formatGrant, namePattern, parseGrant } from '../interfaces/index.ts'
import type { Granted, GrantedFolder } from './contract.ts'
import { runProblems } from './problems.ts'

/** As typed, each as often as it was given. */
export interface TypedGrants {
  readonly dir: readonly string[]
  readonly 'dir-ro': readonly string[]
  readonly env: readonly string[]
  readonly config: readonly string[]
  readonly sensor: readonly string[]
  readonly pin: readonly string[]
  readonly i2c: readonly string[]
  readonly keyvalue: readonly string[]
  readonly blobstore: readonly string[]
  readonly publish: readonly string[]
  readonly 'http-origin': readonly string[]
  readonly network: readonly string[]
}

/** How the grants of each kind are written on the command line, for a program that lacks one. */
export const optionOfGrant: Readonly<Record<string, string>> = {
  sensor: '--sensor NAME=VALUE',
  pin: '--pin NAME',
  i2c: '--i2c NAME=BUS:ADDRESS',
  keyvalue: '--keyvalue NAME',
  blobstore: '--blobstore NAME',
  publish: '--publish TOPIC',
  http: '--http-origin URL',
  network: '--network USE',
}

/**
 * @param cwd what relative folders start from
 * @param environment where `--env NAME` takes its value from
 * @throws ERR_RUN_OPTION
 */
export function readGrants(
  typed: TypedGrants,
  cwd: string,
  environment: Readonly<Record<string, string | undefined>>,
): Granted {
  const sensors = typed.sensor.map(readSensor)
  const pins = typed.pin.map((name) => ({
    name: deviceName('--pin', name),
    table: '{ driver = "simulated" }',
  }))
  refuseTwice('--sensor', sensors)
  refuseTwice('--pin', pins)
  const buses = typed.i2c.map(readBus)
  refuseTwice('--i2c', buses)
  return {
    folders: [
      ...typed.dir.map((text) => readFolder('--dir', text, 'read-write', cwd)),
      ...typed['dir-ro'].map((text) => readFolder('--dir-ro', text, 'read', cwd)),
    ],
    env: [...new Map(typed.env.flatMap((text) => readVariable(text, environment)))],
    config: Object.fromEntries(typed.config.map((text) => readSetting('--config', text))),
    grants: [
      ...sensors.map(({ name }) => `sensor:${name}`),
      ...pins.map(({ name }) => `pin:${name}`),
      ...buses.map(({ name }) => `i2c:${name}`),
      ...typed.keyvalue.map((name) => grantOf('--keyvalue', 'keyvalue', name)),
      ...typed.blobstore.map((name) => grantOf('--blobstore', 'blobstore', name)),
      ...typed.publish.map((topic) => grantOf('--publish', 'publish', topic)),
      ...typed['http-origin'].map((url) => grantOf('--http-origin', 'http', url)),
      ...typed.network.map((use) => grantOf('--network', 'network', use)),
    ],
    devices: [
      '[sensors]',
      ...sensors.map(({ name, table }) => `${name} = ${table}`),
      '[pins]',
      ...pins.map(({ name, table }) => `${name} = ${table}`),
      '[buses]',
      ...buses.map(({ name, table }) => `${name} = ${table}`),
      '',
    ].join('\n'),
  }
}

/** `HOST` or `HOST::GUEST`, as `wasmtime run` takes it: the guest's name is the host's where it is left out. */
function readFolder(
  option: string,
  text: string,
  access: GrantedFolder['access'],
  cwd: string,
): GrantedFolder {
  const [host = '', guest = host, ...more] = text.split('::')
  if (host === '' || guest === '' || more.length > 0) throw refuse(option, text, 'write HOST or HOST::GUEST')
  const hostPath = resolve(cwd, host)
  const facts = statSync(hostPath, { throwIfNoEntry: false })
  if (facts === undefined) throw refuse(option, text, 'name a folder', `there is nothing at ${hostPath}`)
  if (!facts.isDirectory())
    throw refuse(option, text, 'name the folder it lies in', `${hostPath} is no folder`)
  return { hostPath, guestPath: guest, access }
}

/** `NAME=VALUE`, or `NAME` for the value it has here; nothing where it has none, as `wasmtime run` does. */
function readVariable(
  text: string,
  environment: Readonly<Record<string, string | undefined>>,
): [string, string][] {
  if (!text.includes('=')) {
    const value = environment[text]
    return value === undefined ? [] : [[text, value]]
  }
  return [readSetting('--env', text)]
}

function readSetting(option: string, text: string): [string, string] {
  const equals = text.indexOf('=')
  if (equals < 1) throw refuse(option, text, `write ${option} NAME=VALUE`)
  return [text.slice(0, equals), text.slice(equals + 1)]
}

/** `light=312lx` reads always the same; `light={ shape = "sine", … }` is the TOML of a node's configuration. */
function readSensor(text: string): { name: string; table: string } {
  const [key, value] = readSetting('--sensor', text)
  const name = deviceName('--sensor', key)
  if (/^\s*\{.*\}\s*$/.test(value)) {
    const inner = value.trim().slice(1, -1).trim()
    const driver = /\bdriver\s*=/.test(inner) ? '' : `driver = "simulated"${inner === '' ? '' : ', '}`
    return { name, table: `{ ${driver}${inner} }` }
  }
  const reading = /^\s*([+-]?\d{1,15}(?:\.\d{1,9})?)\s*([^\d\s"\\\p{C}][^\s"\\\p{C}]{0,15})?\s*$/u.exec(value)
  if (reading === null) {
    throw refuse(
      '--sensor',
      text,
      'write --sensor light=312lx, or a table as `light={ shape = "sine", max = 900 }`',
    )
  }
  const [, number = '0', unit = '1'] = reading
  return {
    name,
    table: `{ driver = "simulated", shape = "constant", value = ${Number(number)}, unit = "${unit}" }`,
  }
}

/** `light=1:0x23`: the bus of this machine, and the addresses on it, as `i2cdetect` shows them. */
function readBus(text: string): { name: string; table: string } {
  const [key, value] = readSetting('--i2c', text)
  const name = deviceName('--i2c', key)
  const [bus = '', list = '', ...more] = value.split(':')
  const addresses = list.split(',')
  if (
    more.length > 0 ||
    !/^(?:\d|[1-9]\d|1\d\d|2[0-4]\d|25[0-5])$/.test(bus) ||
    !addresses.every(isChipAddress)
  ) {
    throw refuse(
      '--i2c',
      text,
      'write the number behind /dev/i2c- and addresses, as light=1:0x23 or both=1:0x23,0x5c',
    )
  }
  return { name, table: `{ bus = ${bus}, addresses = [${addresses.join(', ').toLowerCase()}] }` }
}

function isChipAddress(text: string): boolean {
  const number = /^0x[0-9a-f]{2}$/i.test(text) ? Number(text) : NaN
  return number >= i2cAddresses.first && number <= i2cAddresses.last
}

/** In the one form that a release would have it in. */
function grantOf(option: string, kind: string, name: string): string {
  try {
    return formatGrant(parseGrant(`${kind}:${name}`))
  } catch (error) {
    if (!isSelvedgeError(error, 'ERR_GRANT')) throw error
    throw refuse(option, name, error.hint.replace(new RegExp(`\\b${kind}:(?!//)`, 'g'), `${option} `))
  }
}

function deviceName(option: string, name: string): string {
  if (namePattern.test(name)) return name
  throw refuse(option, name, 'names are small letters, digits and "-", at most 63, a letter first')
}

function refuseTwice(option: string, named: readonly { readonly name: string }[]): void {
  const names = named.map(({ name }) => name)
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice !== undefined) throw refuse(option, twice, 'name it once', `${twice} is named twice`)
}

function refuse(option: string, text: string, hint: string, why = 'it cannot be understood'): Error {
  const shown = JSON.stringify(text.slice(0, 200))
  return runProblems.error('ERR_RUN_OPTION', `${option} ${shown}: ${why}`, { hint })
}
