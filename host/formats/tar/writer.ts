/** Writes ustar archives: the same files give the same bytes, whoever writes them and when. */
const blockBytes = 512
/** Of a name, and of the folders before it where it is longer. */
const nameBytes = 100
const prefixBytes = 155

/** A file of an archive, or a folder: its name ends in a slash and it has no bytes. */
export interface TarFile {
  readonly name: string
  readonly bytes: Uint8Array
  /** Permissions; what everybody may read, and enter where it is a folder, if it is left out. */
  readonly mode?: number
}

/**
 * An archive of root's files, in the order given.
 * @param modifiedAt seconds since 1970; its first day where it is left out
 */
export function* tarOf(files: Iterable<TarFile>, modifiedAt = 0): Generator<Uint8Array> {
  for (const file of files) {
    yield headerOf(file, modifiedAt)
    yield file.bytes
    const rest = file.bytes.length % blockBytes
    if (rest > 0) yield new Uint8Array(blockBytes - rest)
  }
  yield new Uint8Array(2 * blockBytes)
}

function headerOf({ name, bytes, mode }: TarFile, modifiedAt: number): Uint8Array {
  const header = Buffer.alloc(blockBytes)
  const isFolder = name.endsWith('/')
  const [prefix, base] = split(name)
  header.write(base, 0)
  header.write(octal(mode ?? (isFolder ? 0o755 : 0o644), 7), 100)
  header.write(octal(0, 7), 108)
  header.write(octal(0, 7), 116)
  header.write(octal(bytes.length, 11), 124)
  header.write(octal(modifiedAt, 11), 136)
  header.write('        ', 148)
  header.write(isFolder ? '5' : '0', 156)
  header.write('ustar\0', 257)
  header.write('00', 263)
  header.write(prefix, 345)
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return new Uint8Array(header)
}

/** A name that fits, or its folders and the rest. @throws RangeError where neither does */
function split(name: string): [prefix: string, base: string] {
  if (Buffer.byteLength(name) <= nameBytes) return ['', name]
  for (let at = name.lastIndexOf('/', name.length - 2); at > 0; at = name.lastIndexOf('/', at - 1)) {
    const [prefix, base] = [name.slice(0, at), name.slice(at + 1)]
    if (Buffer.byteLength(base) > nameBytes) break
    if (Buffer.byteLength(prefix) <= prefixBytes) return [prefix, base]
  }
  throw new RangeError(`${name} is too long a name for this archive`)
}

function octal(value: number, digits: number): string {
  return `${value.toString(8).padStart(digits, '0')}\0`
}
