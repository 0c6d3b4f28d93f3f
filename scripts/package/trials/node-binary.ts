/** Versions of Node.js as npm carries them, whole. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { tell } from './trial.ts'

/** @returns the path of a binary, kept under build/ for the next time; null where npm cannot bring it */
export function nodeBinary(root: string, version: string): string | null {
  const name = `node-${process.platform}-${process.arch}`
  const folder = join(root, 'build/nodes', version)
  const binary = join(folder, 'node_modules', name, 'bin/node')
  if (existsSync(binary)) return binary
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), '{"private":true}')
  const options = ['--no-save', '--no-audit', '--no-fund', '--silent']
  tell(['npm', 'install', ...options, `${name}@${version}`], { cwd: folder })
  return existsSync(binary) ? binary : null
}
