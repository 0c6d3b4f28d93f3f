/** What the packages weigh, against what of them nobody can leave out: the three WebAssembly modules. */
import { execFileSync } from 'node:child_process'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import type { BenchContext, Finding } from '../benchmark.ts'

interface Packed {
  readonly artefacts: readonly {
    readonly file: string
    readonly bytes: number
    readonly installedBytes: number
  }[]
}

const modules = ['js-component-bindgen-component.core.wasm', 'node-sqlite3-wasm.wasm', 'zstd.wasm']
const megabyte = 1_000_000

export async function size({ root, say }: BenchContext): Promise<Finding[]> {
  const text = execFileSync(process.execPath, [join(root, 'scripts/package.mjs'), '--json'], { cwd: root })
  const { artefacts } = JSON.parse(text.toString()) as Packed
  const paths = modules.map((name) => join(root, 'build/package/dist', name))
  const installed = paths.reduce((sum, path) => sum + statSync(path).size, 0)
  const packed = paths.reduce((sum, path) => sum + gzipSync(readFileSync(path), { level: 9 }).length, 0)
  const node = statSync(process.execPath).size
  say(`for scale: the binary of Node.js ${process.version} has ${(node / megabyte).toFixed(1)} MB`)
  const finding = (
    question: string,
    metric: string,
    bytes: number,
    bound: number,
    goal: number,
  ): Finding => ({
    bench: 'hosts',
    question,
    metric,
    value: bytes / megabyte,
    unit: 'MB',
    samples: 1,
    rival: 'its WebAssembly alone',
    rivalValue: bound / megabyte,
    goalOf: 'value',
    op: '<=',
    goalValue: goal,
  })
  return artefacts.flatMap(({ file, bytes, installedBytes }) => {
    const kind = file.endsWith('.deb') ? 'Debian package' : 'archive'
    return [
      finding(`${kind}, packed`, `size_packed_${kind.split(' ')[0]?.toLowerCase()}`, bytes, packed, 5),
      finding(
        `${kind}, installed`,
        `size_installed_${kind.split(' ')[0]?.toLowerCase()}`,
        installedBytes,
        installed,
        20,
      ),
    ]
  })
}
