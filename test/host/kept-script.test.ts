import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { setFlagsFromString } from 'node:v8'
import { build } from 'esbuild'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { runKept, type KeptScript } from '../../host/kept-script.ts'

let folder: string
let file: string
const load = (specifier: string): Promise<unknown> => import(/* @vite-ignore */ specifier)

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'selvedge-kept-'))
  file = join(folder, 'program.cjs')
  write('first')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** As long whatever it says, as V8 tells texts from each other by their length alone. */
function write(says: string): void {
  writeFileSync(file, `exports.said = (() => '${says.padEnd(10)}'.trim())()\n//build:${says.padEnd(16)}\n`)
}

function run(into: string | null = folder): KeptScript {
  return runKept(file, into, load)
}

const said = ({ exports }: KeptScript): unknown => (exports as { said: unknown }).said
const kept = (): string[] => readdirSync(folder).filter((name) => name.endsWith('.code'))

describe('a script whose code is kept', () => {
  it('is run as a CommonJS module, with what it asks for', () => {
    writeFileSync(file, "exports.name = require('node:path').basename(__filename)\n")
    expect(run().exports).toEqual({ name: 'program.cjs' })
  })

  it('imports what it asks for, whether its code was kept or not', async () => {
    const other = join(folder, 'other.mjs')
    writeFileSync(other, 'export const name = 1\n')
    writeFileSync(file, `exports.other = () => __import(${JSON.stringify(pathToFileURL(other).href)})\n`)
    for (const script of [run(), run()]) {
      const { other: imported } = script.exports as { other(): Promise<unknown> }
      expect(await imported()).toMatchObject({ name: 1 })
      script.keep()
    }
  })

  it('says the same from what was kept', () => {
    run().keep()
    expect(kept()).toHaveLength(1)
    expect(said(run())).toBe('first')
  })

  it('does not write again what it was started from', () => {
    run().keep()
    const again = run()
    rmSync(join(folder, kept()[0] ?? ''))
    again.keep()
    expect(kept()).toEqual([])
  })

  it('is not written down while a thread has V8 compile otherwise, but when it is asked again', () => {
    const script = run()
    setFlagsFromString('--no-lazy')
    try {
      expect(script.keep()).toBe(false)
    } finally {
      setFlagsFromString('--lazy')
    }
    expect(kept()).toEqual([])
    expect(script.keep()).toBe(true)
    run().keep()
    expect(kept()).toHaveLength(1)
  })

  it('of another build is not taken for this one, and its code is kept beside it', () => {
    run().keep()
    write('second')
    const second = run()
    expect(said(second)).toBe('second')
    second.keep()
    expect(kept()).toHaveLength(2)
  })

  it.each([
    ['cut short', (bytes: Buffer) => bytes.subarray(0, bytes.length >> 1)],
    ['altered', (bytes: Buffer) => Buffer.from(bytes).fill(7, bytes.length - 20)],
    ['emptied', () => Buffer.alloc(0)],
  ])('is compiled anew where what was kept was %s, and kept anew', (_, harm) => {
    run().keep()
    const path = join(folder, kept()[0] ?? '')
    const whole = readFileSync(path)
    writeFileSync(path, harm(whole))
    const script = run()
    expect(said(script)).toBe('first')
    script.keep()
    expect(readFileSync(path).length).toBeGreaterThan(whole.length / 2)
    expect(said(run())).toBe('first')
  })

  it.skipIf(process.platform === 'win32')(
    'is compiled anew where others may have changed what was kept',
    () => {
      run().keep()
      const path = join(folder, kept()[0] ?? '')
      chmodSync(path, 0o660)
      run().keep()
      expect(statSync(path).mode & 0o777).toBe(0o600)
    },
  )

  it('keeps that of a few builds and no more', () => {
    const written: string[] = []
    for (let build = 0; build < 6; build++) {
      write(`build ${build}`)
      run().keep()
      const name = kept().find((file) => !written.includes(file)) ?? ''
      written.push(name)
      utimesSync(join(folder, name), build + 1, build + 1)
    }
    expect(kept().sort(), 'the newest').toEqual(written.slice(-3).sort())
    expect(said(run())).toBe('build 5')
  })

  it('is run where there is no place to keep anything', () => {
    const script = run(null)
    script.keep()
    expect(said(script)).toBe('first')
    const nowhere = run(join(folder, 'not', 'there'))
    nowhere.keep()
    expect(said(nowhere)).toBe('first')
    expect(kept()).toEqual([])
  })

  it('leaves nothing of one that ended while it wrote', () => {
    run().keep()
    const draft = `${kept()[0]}.12345`
    writeFileSync(join(folder, draft), 'half')
    write('second')
    run().keep()
    expect(readdirSync(folder)).not.toContain(draft)
  })

  it.runIf(process.platform === 'linux')('is kept for the next start where addresses are few', async () => {
    const bound = join(folder, 'bound.mjs')
    // As `up` goes about it: the script runs, then its memories are held to what they may grow to, then it is kept.
    const source =
      "import { runKept } from './host/kept-script.ts'\n" +
      "import { capMemories, memoryCapBytes } from './core/addresses.ts'\n" +
      'const script = runKept(process.argv[2], process.argv[3], (name) => import(name))\n' +
      'capMemories(memoryCapBytes())\n' +
      'script.keep()\n'
    await build({
      stdin: { contents: source, resolveDir: process.cwd(), loader: 'ts' },
      outfile: bound,
      bundle: true,
      platform: 'node',
      format: 'esm',
    })
    const start = (): void => {
      const few = 'ulimit -v 40000000; exec "$0" "$@"'
      execFileSync('sh', ['-c', few, process.execPath, bound, file, folder])
    }
    start()
    const path = join(folder, kept()[0] ?? '')
    const { ino } = statSync(path)
    start()
    expect(statSync(path).ino).toBe(ino)
  })

  it('throws what the program throws', () => {
    writeFileSync(file, "throw new Error('no')\n")
    expect(() => run()).toThrow('no')
  })
})
