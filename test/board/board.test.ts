/** The parts of the board that need no emulator. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { PassThrough } from 'node:stream'
import { afterAll, describe, expect, it } from 'vitest'
import { boardPin } from './board.ts'
import { SerialConsole } from './console.ts'
import { cpioOf } from './cpio.ts'
import { dependenciesIn, modulesFor } from './kernel-modules.ts'

const folder = mkdtempSync(join(tmpdir(), 'selvedge-board-test-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function module(depends: string): string {
  return `\x7fELF…license=GPL\0depends=${depends}\0name=x\0`
}

describe('the initramfs', () => {
  it('has each entry with its kind and its bytes, in whole words, and an end', () => {
    const archive = cpioOf([
      { path: 'bin', kind: 'folder' },
      { path: 'bin/run', kind: 'file', content: 'hello', isProgram: true },
      { path: 'sh', kind: 'link', content: 'bin/run' },
    ])
    const found: [string, string, string][] = []
    let at = 0
    while (at < archive.length) {
      const field = (index: number): number =>
        Number.parseInt(archive.toString('latin1', at + 6 + index * 8, at + 14 + index * 8), 16)
      expect(archive.toString('latin1', at, at + 6)).toBe('070701')
      const [mode, size, nameLength] = [field(1), field(6), field(11)]
      const name = archive.toString('latin1', at + 110, at + 110 + nameLength - 1)
      const from = (at + 110 + nameLength + 3) & ~3
      found.push([name, mode.toString(8), archive.toString('latin1', from, from + size)])
      at = (from + size + 3) & ~3
    }
    expect(found).toEqual([
      ['bin', '40755', ''],
      ['bin/run', '100755', 'hello'],
      ['sh', '120777', 'bin/run'],
      ['TRAILER!!!', '0', ''],
    ])
  })

  it('loads a module after what it depends on, each once, and none that the kernel has built in', () => {
    const files = {
      'kernel/fs/ext4/ext4.ko': module('jbd2,crc16'),
      'kernel/fs/jbd2/jbd2.ko': module('mbcache'),
      'kernel/lib/crc16.ko': module(''),
      'kernel/fs/mbcache.ko': module('crc16'),
      'kernel/drivers/gpio/gpio-aspeed.ko': module('core-part'),
      'modules.builtin': 'kernel/drivers/core_part.ko\n',
    }
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true })
      writeFileSync(join(folder, path), text, 'latin1')
    }
    const names = modulesFor(folder, ['gpio_aspeed', 'ext4', 'jbd2']).map(({ name }) => name)
    expect(names).toEqual(['gpio_aspeed', 'crc16', 'mbcache', 'jbd2', 'ext4'])
    expect(() => modulesFor(folder, ['no-such'])).toThrow('has no module no_such')
    expect(dependenciesIn(Buffer.from('nothing is said'))).toEqual([])
  })
})

describe('the console', () => {
  function shell(answer: (line: string) => string): SerialConsole {
    const [output, input] = [new PassThrough(), new PassThrough()]
    input.on('data', (chunk: Buffer) => output.write(answer(chunk.toString())))
    return new SerialConsole(output, input)
  }

  it('tells what a command wrote from what the kernel says between commands', async () => {
    const serial = shell((typed) => {
      const mark = /begin (#\d+#)/.exec(typed)?.[1]
      return `[ 1.2] usb 1-1: new device\r\nbegin ${mark}\r\none\r\ntwo\r\nend ${mark} 3\r\n`
    })
    expect(await serial.run('false')).toEqual({ status: 3, output: 'one\ntwo' })
    await expect(serial.mustRun('false')).rejects.toThrow('false ended with 3')
  })

  it('gives up with the last lines that came, when time is over or the board is off', async () => {
    const output = new PassThrough()
    const serial = new SerialConsole(output, new PassThrough())
    output.write('panic: no root\n')
    await expect(serial.until(/login/, 20)).rejects.toThrow(/in vain for \/login\/.*\npanic: no root$/)
    const waiting = serial.until(/login/, 60_000)
    output.destroy()
    await expect(waiting).rejects.toThrow('the board is off')
  })
})

describe('a pin', () => {
  it('has the controller’s line of QEMU’s name', () => {
    expect(['gpioA0', 'gpioB2', 'gpioI3'].map((name) => boardPin(name).line)).toEqual([0, 10, 67])
  })
})
