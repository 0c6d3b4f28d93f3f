/** The programs that the board takes, each with the Debian package that has it; installed where one is missing. */
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { installPackages } from '../foreign/index.ts'

const tools: Readonly<Record<string, string>> = {
  'qemu-system-arm': 'qemu-system-arm',
  'arm-linux-gnueabihf-g++': 'g++-arm-linux-gnueabihf',
  'mkfs.ext4': 'e2fsprogs',
  'dpkg-deb': 'dpkg',
  npm: 'npm',
}

/** @throws with the line that installs what is missing, where we may not */
export async function ensureTools(say: (text: string) => void): Promise<void> {
  // Where root's programs are, which others may run as well.
  process.env['PATH'] = `${process.env['PATH'] ?? ''}${delimiter}/usr/sbin${delimiter}/sbin`
  const missing = Object.entries(tools).flatMap(([name, found]) => (isThere(name) ? [] : [found]))
  if (missing.length > 0) await installPackages(missing, say)
}

function isThere(name: string): boolean {
  const folders = (process.env['PATH'] ?? '').split(delimiter)
  return folders.some((folder) => existsSync(join(folder, name)))
}
