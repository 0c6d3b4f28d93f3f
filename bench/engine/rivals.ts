/**
 * Others that serve HTTP, each as a process of its own. Nothing is fetched into the checkout: workerd comes from the
 * folder that is named with `--rivals` (or SELVEDGE_BENCH_RIVALS), or is installed into the system's temporary one.
 */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../../demo/ports.ts'
import { Child } from './child.ts'

export interface Serving {
  readonly child: Child
  readonly port: number
}

/** A plain server of node:http that answers as the guests do. */
export async function nodeHttp(folder: string): Promise<Serving> {
  const file = join(folder, 'node-http.mjs')
  await writeFile(
    file,
    `import { createServer } from 'node:http'
const server = createServer((_, res) => {
  res.writeHead(200, { 'content-type': 'text/plain' })
  res.end('hello, world\\n')
})
server.listen(0, '127.0.0.1', () => console.log('ready ' + server.address().port))
`,
  )
  const started = await Child.start({ program: process.execPath, args: [file], ready: /^ready (\d+)/ })
  return { child: started.child, port: Number(started.found) }
}

/** @param isolation of requests: absent is one instance for all */
export async function jcoServe(root: string, file: string, isolation?: 'instance'): Promise<Serving> {
  const port = await freePort()
  const jco = join(root, 'node_modules/.bin/jco')
  const mode = isolation === undefined ? [] : ['--isolate-requests', isolation]
  const args = ['serve', file, '--port', String(port), '--host', '127.0.0.1', ...mode]
  const { child } = await Child.start({ program: jco, args, ready: /listening|Server|http:\/\//i })
  return { child, port }
}

/** @returns null where it is not here and cannot be installed */
export async function workerd(folder: string, rivals: string | null): Promise<Serving | null> {
  const program = findWorkerd(rivals)
  if (program === null) return null
  const port = await freePort()
  await mkdir(join(folder, 'workerd'), { recursive: true })
  await writeFile(
    join(folder, 'workerd/hello.js'),
    `export default { async fetch() {
  return new Response('hello, world\\n', { headers: { 'content-type': 'text/plain' } })
} }
`,
  )
  await writeFile(
    join(folder, 'workerd/config.capnp'),
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [ (name = "main", worker = .hello) ],
  sockets = [ (name = "http", address = "127.0.0.1:${port}", http = (), service = "main") ] );
const hello :Workerd.Worker =
  ( modules = [ (name = "hello", esModule = embed "hello.js") ], compatibilityDate = "2024-11-01" );
`,
  )
  const args = ['serve', '--control-fd=1', join(folder, 'workerd/config.capnp')]
  const { child } = await Child.start({ program, args, ready: /"event":"listen"/ })
  return { child, port }
}

function findWorkerd(rivals: string | null): string | null {
  const folder = rivals ?? join(tmpdir(), 'selvedge-bench-rivals')
  if (!existsSync(join(folder, 'node_modules/workerd'))) {
    if (rivals !== null) return null
    const args = ['install', '--no-save', '--no-audit', '--no-fund', '--prefix', folder, 'workerd']
    spawnSync('npm', args, { stdio: 'ignore', timeout: 60_000 })
  }
  try {
    const fromHere = createRequire(join(folder, 'node_modules/workerd/package.json'))
    const arch = process.arch === 'x64' ? '64' : process.arch
    return fromHere.resolve(`@cloudflare/workerd-${process.platform}-${arch}/bin/workerd`)
  } catch {
    return null
  }
}
