import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as v from 'valibot'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock, systemRandom } from '../../../core/index.ts'
import type { Sensor } from '../../../host/devices/index.ts'
import { commandSensor } from '../../../host/devices/sensors/command.ts'

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'selvedge-command-'))
})

afterEach(() => rm(folder, { recursive: true, force: true }))

function open(table: object): Promise<Sensor> {
  const context = { clock: systemClock, random: systemRandom, root: '/', base: folder }
  return commandSensor.open('probe', v.parse(commandSensor.options, table), context)
}

const read = async (table: object): Promise<number> => (await (await open(table)).read()).value

/** One that ended and that nobody has asked after is none. */
async function isAlive(pid: number): Promise<boolean> {
  const facts = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  return facts !== '' && !/\) Z /.test(facts)
}

describe('the command sensor', () => {
  it('reads the number that the program writes, in its unit, times its scale', async () => {
    const sensor = await open({ command: ['echo', '41250'], unit: 'Cel', scale: 0.001 })
    await expect(sensor.read()).resolves.toMatchObject({ value: 41.25, unit: 'Cel' })
  })

  it('reads a place in the JSON that it writes', async () => {
    const json = '{"sensors":[{"value":7.5}]}'
    expect(await read({ command: ['echo', json], pointer: '/sensors/0/value' })).toBe(7.5)
  })

  it('has no shell between, unless one is asked for', async () => {
    await expect(read({ command: ['echo', '1; echo 2'] })).rejects.toThrow('"1; echo 2", and no number')
    expect(await read({ shell: 'echo 12 | tr 1 4' })).toBe(42)
  })

  it('starts in the folder of the node’s TOML, and sees nothing of the node’s environment', async () => {
    await writeFile(join(folder, 'value'), '5')
    expect(await read({ command: ['cat', 'value'] })).toBe(5)
    process.env['SELVEDGE_SECRET'] = '1'
    await expect(read({ shell: 'echo "${SELVEDGE_SECRET-none}"' })).rejects.toThrow('"none"')
    delete process.env['SELVEDGE_SECRET']
    expect(await read({ shell: 'echo "$PORT"', env: { PORT: '80' } })).toBe(80)
  })

  it('says how a program failed, and with what words', async () => {
    await expect(read({ shell: 'echo no bus >&2; exit 3' })).rejects.toThrow('/bin/sh ended with 3: no bus')
    await expect(read({ command: ['no-such-program'] })).rejects.toThrow('ENOENT')
    await expect(read({ command: ['true'] })).rejects.toThrow('it wrote nothing')
  })

  it('ends one that is too slow, with all that it started', async () => {
    const line = 'sleep 600 & echo $! > child; wait'
    await expect(read({ shell: line, timeout: '1s' })).rejects.toThrow('/bin/sh did not end in 1 s')
    const child = Number(await readFile(join(folder, 'child'), 'utf8'))
    await expect.poll(() => isAlive(child)).toBe(false)
  })

  it('ends one that writes too much', async () => {
    await expect(read({ command: ['yes', '1'] })).rejects.toThrow('yes wrote more than 64 KiB')
  })

  it('ends what runs when its reader gives up, and when it is closed', async () => {
    const sensor = await open({ shell: 'echo $$ > own; exec sleep 600' })
    const giveUp = new AbortController()
    const given = sensor.read(giveUp.signal)
    const outcome = expect(given).rejects.toThrow('enough')
    await expect.poll(() => readFile(join(folder, 'own'), 'utf8').catch(() => '')).not.toBe('')
    giveUp.abort(new Error('enough'))
    await outcome
    const pid = Number(await readFile(join(folder, 'own'), 'utf8'))
    await expect.poll(() => isAlive(pid)).toBe(false)
    const closed = expect(sensor.read()).rejects.toThrow('the sensor was closed')
    await sensor.close()
    await closed
  })

  it('needs a program or a line, and not both', async () => {
    await expect(open({})).rejects.toThrow('write either')
    await expect(open({ command: ['true'], shell: 'true' })).rejects.toThrow('write either')
  })
})
