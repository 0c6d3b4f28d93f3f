// Runs the built dist/ on other Node.js versions: up, publish, LED, swap, restart. A version is a path of a node
// binary, or a number such as 18.20.8, whose binary npm then fetches into a temporary folder.
//
//   node scripts/smoke.mjs 18.20.8 20.20.2 24.21.0
import { execFileSync, spawn } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { root } from './ensure.mjs'

const app = 'light-alarm'
const config = `
[sensors.light]
driver = "simulated"
shape = "steps"
values = [10, 900]
unit = "lx"
period = "1s"
[pins.led]
driver = "simulated"
`

/** @returns the path of a node binary of this version */
function nodeBinary(version, folder) {
  if (existsSync(version)) return version
  const name = `node-${process.platform}-${process.arch}`
  writeFileSync(join(folder, 'package.json'), '{"private":true}')
  execFileSync('npm', ['install', '--no-save', '--no-audit', '--no-fund', '--silent', `${name}@${version}`], {
    cwd: folder,
    stdio: ['ignore', 2, 2],
  })
  return join(folder, 'node_modules', name, 'bin/node')
}

/** Plays the smoke test with one binary, on a copy of dist/ that lies outside the checkout. */
async function smoke(version) {
  const folder = mkdtempSync(join(tmpdir(), 'selvedge-smoke-'))
  const node = nodeBinary(version, folder)
  cpSync(join(root, 'dist'), join(folder, 'dist'), { recursive: true })
  cpSync(join(root, 'components', app), join(folder, app), { recursive: true })
  writeFileSync(join(folder, 'node.toml'), config)
  const program = join(folder, 'dist/selvedge.mjs')
  const data = join(folder, 'data')
  const env = {
    PATH: process.env.PATH,
    HOME: folder,
    SELVEDGE_KEYS: join(folder, 'keys'),
    SELVEDGE_DATA: data,
  }
  const run = (...args) =>
    execFileSync(node, [program, ...args], { cwd: folder, env, encoding: 'utf8', timeout: 60_000 })
  const children = []
  const up = async () => {
    const listen = ['--listen', '/ip4/127.0.0.1/tcp/0', '--no-mdns']
    const child = spawn(
      node,
      [program, 'up', '--config', 'node.toml', '--name', 'smoke', '--group', 'lobby', ...listen],
      {
        cwd: folder,
        env,
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    )
    children.push(child)
    await new Promise((resolve, reject) => {
      child.stdout.once('data', resolve)
      child.once('exit', (code) => reject(new Error(`the daemon ended with ${code}`)))
    })
    return child
  }
  try {
    const first = await up()
    run('publish', app, '--no-build', '--wait')
    await waitFor(() => /led on/.test(run('logs', app)) && /led off/.test(run('logs', app)))
    const manifest = join(folder, app, 'selvedge.toml')
    writeFileSync(manifest, readFileSync(manifest, 'utf8').replace('1.0.0', '1.1.0'))
    run('publish', app, '--no-build', '--wait')
    first.kill('SIGKILL')
    await new Promise((resolve) => first.once('exit', resolve))
    await up()
    await waitFor(() => {
      const { nodes } = JSON.parse(run('status', '--json'))
      return nodes[0].apps.some(({ version: running, state }) => running === '1.1.0' && state === 'running')
    })
    run('stop')
  } finally {
    for (const child of children) child.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
  }
}

async function waitFor(holds) {
  const deadline = Date.now() + 60_000
  while (!holds()) {
    if (Date.now() > deadline) throw new Error('waited 60 s in vain')
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
}

const versions = process.argv.slice(2)
if (versions.length === 0) versions.push(process.execPath)
for (const version of versions) {
  const startedAt = Date.now()
  await smoke(version)
  console.log(`smoke ok on ${version} in ${((Date.now() - startedAt) / 1_000).toFixed(1)} s`)
}
