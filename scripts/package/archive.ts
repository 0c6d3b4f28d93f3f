/**
 * The two archives, as the same bytes whenever, wherever and by whomever they are made: entries in one order, root's, of
 * one time, with the modes that the list says and not those of the disk.
 *
 * gzip's bytes come from Node's own zlib: two versions of Node.js may pack the same differently.
 */
import { gzipSync } from 'node:zlib'
import { tarOf, type TarFile } from '../../host/formats/tar/writer.ts'
import { byName, type PackageFile } from './package-file.ts'

/** npm's date for what has none: a build's own would make each one different, and 1970 looks like a mistake. */
export const packedAt = Date.UTC(1985, 9, 26, 8, 15) / 1_000

/** @param top the folder that everything is in, with its slash; `./` for a Debian package */
export function tarball(files: readonly PackageFile[], top: string): Uint8Array {
  const folders = new Set([top])
  for (const { name } of files) {
    const path = `${top}${name}`
    for (let at = path.indexOf('/', top.length); at !== -1; at = path.indexOf('/', at + 1))
      folders.add(path.slice(0, at + 1))
  }
  const entries: TarFile[] = [
    ...[...folders].map((name) => ({ name, bytes: new Uint8Array(0) })),
    ...files.map((file) => ({ ...file, name: `${top}${file.name}` })),
  ]
  return packed(Buffer.concat([...tarOf(byName(entries), packedAt)]))
}

/** gzip without a time or a name: zlib writes neither. */
export function packed(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(gzipSync(bytes, { level: 9 }))
}

/** deb(5): an ar(1) archive of three members. */
export function ar(members: readonly PackageFile[]): Uint8Array {
  const parts = [Buffer.from('!<arch>\n', 'latin1')]
  for (const { name, bytes } of members) {
    const fields = [
      name.padEnd(16),
      String(packedAt).padEnd(12),
      '0'.padEnd(6),
      '0'.padEnd(6),
      '100644'.padEnd(8),
      String(bytes.length).padEnd(10),
      '`\n',
    ]
    parts.push(Buffer.from(fields.join(''), 'latin1'), Buffer.from(bytes))
    if (bytes.length % 2 === 1) parts.push(Buffer.from('\n', 'latin1'))
  }
  return new Uint8Array(Buffer.concat(parts))
}
