/**
 * The ustar archives that image tools write (POSIX.1-1988 section 10.1.1), read in place: an index of plain files.
 *
 * Nothing is ever unpacked, so no name can lead out of a folder; links, devices and names with `..` are refused all the
 * same, as no layout has them.
 */
import { formatLimits } from '../limits.ts'
import { formatsProblems } from '../problems.ts'

/** Bytes that can be read anywhere. */
export interface RandomAccess {
  readonly sizeBytes: number
  /** @returns exactly `length` bytes. @throws where there are fewer */
  read(at: number, length: number): Promise<Uint8Array>
}

/** Where a file's content lies in its archive. */
export interface TarEntry {
  readonly at: number
  readonly sizeBytes: number
}

const blockBytes = 512
/** Extended headers say more of an entry; one that names or sizes it anew would need them to be understood. */
const maxExtendedBytes = 64 * 1024

/**
 * Files by name, without leading `./`.
 * @throws ERR_TAR for another format, a checksum that does not fit, links, names out of the archive or twice, an end
 *   before the end, and more than {@link formatLimits}.tarEntries
 */
export async function indexTar(archive: RandomAccess): Promise<ReadonlyMap<string, TarEntry>> {
  const files = new Map<string, TarEntry>()
  let entries = 0
  for (let at = 0; ;) {
    if (at + blockBytes > archive.sizeBytes) throw refused('it ends before its end')
    const header = await archive.read(at, blockBytes)
    at += blockBytes
    if (header.every((byte) => byte === 0)) return files
    if (++entries > formatLimits.tarEntries)
      throw refused(`it has more than ${formatLimits.tarEntries} entries`)
    const { name, type, sizeBytes } = readHeader(header)
    if (sizeBytes > archive.sizeBytes - at) throw refused(`${name} goes on beyond its end`)
    if (type === 'file') {
      if (files.has(name)) throw refused(`${name} is in it twice`)
      files.set(name, { at, sizeBytes })
    } else if (type === 'extended') {
      await checkExtended(archive, at, sizeBytes)
    }
    at += Math.ceil(sizeBytes / blockBytes) * blockBytes
  }
}

interface Header {
  readonly name: string
  readonly type: 'file' | 'folder' | 'extended'
  readonly sizeBytes: number
}

function readHeader(header: Uint8Array): Header {
  const sum = header.reduce((total, byte, index) => total + (index >= 148 && index < 156 ? 32 : byte), 0)
  if (octal(header, 148, 8) !== sum)
    throw refused('a header’s checksum does not fit: it is no tar, or damaged')
  const prefix = isUstar(header) ? text(header, 345, 155) : ''
  const name = text(header, 0, 100)
  const sizeBytes = octal(header, 124, 12)
  const full = prefix === '' ? name : `${prefix}/${name}`
  switch (header[156]) {
    case 0:
    case 0x30:
      return { type: 'file', name: plainName(full), sizeBytes }
    case 0x35:
      return { type: 'folder', name: full, sizeBytes: 0 }
    case 0x67:
    case 0x78:
      return { type: 'extended', name: full, sizeBytes }
    default:
      throw refused(`${JSON.stringify(full.slice(0, 100))} is neither a file nor a folder`)
  }
}

/** POSIX has the magic end in NUL and the version 00; old GNU tar writes `ustar  `, without a prefix. */
function isUstar(header: Uint8Array): boolean {
  return Buffer.from(header.subarray(257, 263)).toString('latin1') === 'ustar\0'
}

async function checkExtended(archive: RandomAccess, at: number, sizeBytes: number): Promise<void> {
  if (sizeBytes > maxExtendedBytes) throw refused('an extended header is too long')
  const content = Buffer.from(await archive.read(at, sizeBytes)).toString('latin1')
  const changed = /(?:^|\n)\d+ (path|size|linkpath)=/.exec(content)?.[1]
  if (changed !== undefined) throw refused(`an extended header changes the ${changed} of an entry`)
}

function octal(header: Uint8Array, at: number, length: number): number {
  const digits = text(header, at, length).trim()
  if (!/^[0-7]{1,11}$/.test(digits)) throw refused('a header holds a number that is none')
  return Number.parseInt(digits, 8)
}

function text(header: Uint8Array, at: number, length: number): string {
  const field = Buffer.from(header.subarray(at, at + length))
  const end = field.indexOf(0)
  return field.subarray(0, end === -1 ? length : end).toString('utf8')
}

function plainName(name: string): string {
  const plain = name.replace(/^(?:\.\/)+/, '')
  const parts = plain.split('/')
  const isPlain = parts.every((part) => part !== '' && part !== '.' && part !== '..')
  if (!isPlain || plain.includes('\\')) {
    throw refused(`it has a file named ${JSON.stringify(name.slice(0, 100))}`)
  }
  return plain
}

function refused(what: string): Error {
  return formatsProblems.error('ERR_TAR', `the archive was refused: ${what}`)
}
