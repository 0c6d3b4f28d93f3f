// Makes a fresh clone usable: installs the locked packages when they are missing or older than the lockfile.
// Runs before anything of ours is built, so it is plain JavaScript on nothing but Node.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = dirname(dirname(fileURLToPath(import.meta.url)))

/** The packages as npm recorded them at its last install match the lockfile, or not. */
function isInstalled() {
  try {
    const wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages
    const present = JSON.parse(readFileSync(join(root, 'node_modules/.package-lock.json'), 'utf8')).packages
    return Object.entries(wanted).every(
      ([path, { version, optional }]) => path === '' || optional || present[path]?.version === version,
    )
  } catch {
    return false
  }
}

/** Installs what the lockfile names, unless it is there already. Says what it does on stderr. */
export function ensureInstalled() {
  if (Number(process.versions.node.split('.')[0]) < 20) {
    console.error(`error: building Selvedge takes Node 20 or later; this is ${process.version}`)
    console.error('hint: the built dist/ runs on 18.20 and later, only building and testing need 20')
    process.exit(1)
  }
  if (isInstalled()) return
  console.error('installing packages (npm ci), about a minute the first time …')
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm'
  const result = spawnSync(npm, ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  })
  if (result.status !== 0) {
    console.error('error: npm ci failed')
    console.error('hint: it needs the npm registry once; read its message above, then run this command again')
    process.exit(1)
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) ensureInstalled()
