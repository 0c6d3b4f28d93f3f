/**
 * Programs of others, as rivals. Nothing of them is installed into the system or the checkout: they come from the path,
 * from the folder that is named with `--rivals` (or SELVEDGE_BENCH_RIVALS), or are unpacked into one of the system's
 * temporary ones, with npm and, where there is apt, from Debian's packages.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { build } from 'esbuild'
import type { BenchContext } from '../benchmark.ts'

const debianPackages = ['python3-libtorrent', 'casync', 'zchunk', 'bsdiff', 'xdelta3', 'zstd']
const npmPackages = ['helia@7', '@helia/bitswap@4', '@helia/unixfs@8', '@libp2p/tls@3', 'libp2p@3']
const transports = ['@libp2p/tcp@11', '@libp2p/noise@17', '@libp2p/yamux@8', '@libp2p/identify@4']
const installMs = 180_000
/** A client of HTTP among helia's packages, which nobody calls here, takes two functions at its start that Node has from 22 on. */
const asNode22 = `data:text/javascript,${encodeURIComponent(`
import threads from 'node:worker_threads'
import zlib from 'node:zlib'
zlib.createZstdDecompress ??= () => { throw new Error('not here') }
threads.markAsUncloneable ??= () => {}`)}`

export interface Tool {
  readonly program: string
  /** What finds its libraries, where it is not installed. */
  readonly env: Readonly<Record<string, string>>
}

/** Where rivals lie: `root/` as Debian has it, and `node_modules/`. */
export class RivalTools {
  readonly folder: string

  private constructor(folder: string) {
    this.folder = folder
  }

  /** Fetches what is not there, unless a folder was named. */
  static async open({ rivals, say }: Pick<BenchContext, 'rivals' | 'say'>): Promise<RivalTools> {
    const folder = rivals ?? join(tmpdir(), 'selvedge-bench-rivals-distribution')
    if (rivals === null) {
      await mkdir(folder, { recursive: true })
      if (!existsSync(join(folder, 'root'))) {
        say('fetching rivals of Debian into a temporary folder')
        unpackDebian(folder)
      }
      if (!existsSync(join(folder, 'node_modules/helia'))) {
        say('fetching rivals of npm into a temporary folder')
        const options = ['install', '--no-save', '--no-audit', '--no-fund', '--prefix', folder]
        const stdio = 'ignore'
        spawnSync('npm', [...options, ...npmPackages, ...transports], { stdio, timeout: installMs })
      }
    }
    return new RivalTools(folder)
  }

  /** @returns null where it is not here */
  find(name: string): Tool | null {
    const unpacked = join(this.folder, 'root/usr/bin', name)
    if (existsSync(unpacked)) return { program: unpacked, env: this.#libraries() }
    for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
      const program = join(folder, name)
      if (existsSync(program)) return { program, env: {} }
    }
    return null
  }

  /** Python with libtorrent; null where it is not here. */
  get libtorrent(): Tool | null {
    // Debian's module is for Debian's Python, whatever else is on the path.
    const program = '/usr/bin/python3'
    const modules = join(this.folder, 'root/usr/lib/python3/dist-packages')
    const env = { ...this.#libraries(), PYTHONPATH: modules }
    const options = { env: { ...process.env, ...env }, timeout: 10_000 }
    return spawnSync(program, ['-c', 'import libtorrent'], options).status === 0 ? { program, env } : null
  }

  /**
   * One of our programs that uses packages of npm's, put where it finds them.
   * @returns how Node runs it; null where `needs` is not there
   */
  async program(root: string, name: string, needs: string): Promise<readonly string[] | null> {
    if (!existsSync(join(this.folder, 'node_modules', needs))) return null
    const outdir = join(this.folder, 'programs')
    await build({
      entryPoints: [join(root, 'bench/distribution', name), join(root, 'core/compat.ts')],
      outdir,
      entryNames: '[name]',
      outExtension: { '.js': '.mjs' },
      bundle: true,
      platform: 'node',
      target: 'node20',
      format: 'esm',
      packages: 'external',
      logLevel: 'warning',
    })
    // Before all else: what these packages take from a newer Node.
    const first = `file://${join(outdir, 'compat.mjs')}`
    return ['--import', first, '--import', asNode22, join(outdir, name.replace(/\.m?[jt]s$/, '.mjs'))]
  }

  #libraries(): Record<string, string> {
    const folders = ['usr/lib', 'lib'].map((folder) => join(this.folder, 'root', folder))
    const found = folders.filter((folder) => existsSync(folder)).flatMap(withArchitectures)
    return { LD_LIBRARY_PATH: found.join(delimiter) }
  }
}

function withArchitectures(folder: string): string[] {
  return [
    folder,
    ...readdirSync(folder)
      .filter((name) => name.includes('-linux-gnu'))
      .map((name) => join(folder, name)),
  ]
}

function unpackDebian(folder: string): void {
  const archives = join(folder, 'archives')
  // Downloads only: nothing is installed.
  for (const name of debianPackages) {
    const options = ['install', '-y', '-d', '--no-install-recommends', '--reinstall']
    spawnSync('mkdir', ['-p', join(archives, 'partial')])
    spawnSync('apt-get', [...options, '-o', `Dir::Cache::archives=${archives}`, name], {
      stdio: 'ignore',
      timeout: installMs,
    })
  }
  if (!existsSync(archives)) return
  for (const file of readdirSync(archives).filter((name) => name.endsWith('.deb'))) {
    spawnSync('dpkg', ['-x', join(archives, file), join(folder, 'root')], { stdio: 'ignore' })
  }
}
