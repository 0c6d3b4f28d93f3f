/** QEMU's programs that run one process of another architecture: found, or installed where that is allowed. */
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { finish } from './finish.ts'

const installMs = 600_000
const packageName = 'qemu-user-static'

/**
 * @param name as QEMU names the architecture: `arm`, `mips64el`
 * @returns the path of its emulator
 * @throws what to install, where this may not do it or it failed
 */
export async function findEmulator(name: string, say: (text: string) => void): Promise<string> {
  const found = lookFor(name)
  if (found !== null) return found
  await installPackages([packageName], say)
  const installed = lookFor(name)
  if (installed !== null) return installed
  throw new Error(`there is no qemu-${name}-static in ${packageName}: this emulator knows no ${name}`)
}

/** @throws what a person has to install, where this may not do it or it failed */
export async function installPackages(
  packages: readonly string[],
  say: (text: string) => void,
): Promise<void> {
  const remedy = `install it: sudo apt-get install ${packages.join(' ')}`
  if (process.getuid?.() !== 0) throw new Error(`${packages.join(', ')} is missing; ${remedy}`)
  say(`installing ${packages.join(', ')} …`)
  const args = ['-q', '--yes', '--no-install-recommends', 'install', ...packages]
  let { code, stderr } = await finish('apt-get', args, installMs)
  if (code !== 0) {
    // The machine's lists may be too old to find it.
    await finish('apt-get', ['-q', 'update'], installMs)
    const again = await finish('apt-get', args, installMs)
    code = again.code
    stderr = again.stderr
  }
  if (code !== 0)
    throw new Error(`${packages.join(', ')} is missing (${stderr.trim().slice(-300)}); ${remedy}`)
}

function lookFor(name: string): string | null {
  const folders = (process.env['PATH'] ?? '/usr/bin').split(delimiter)
  const paths = folders.flatMap((folder) =>
    [`qemu-${name}-static`, `qemu-${name}`].map((file) => join(folder, file)),
  )
  return paths.find((path) => existsSync(path)) ?? null
}
