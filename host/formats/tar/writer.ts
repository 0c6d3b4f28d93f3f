/** Writes ustar archives: the same files give the same bytes, whoever writes them and when. */
const blockBytes = 512

/** A file of an archive; names have at most 100 bytes. */
export interface TarFile {
  readonly name: string
  readonly bytes: Uint8Array
}

/** An archive of plain files that everybody may read, from the first day of 1970. */
export function* tarOf(files: Iterable<TarFile>): Generator<Uint8Array> {
  for (const { name, bytes } of files) {
    yield headerOf(name, bytes.length)
    yield bytes
    const rest = bytes.length % blockBytes
    if (rest > 0) yield new Uint8Array(blockBytes - rest)
  }
  yield new Uint8Array(2 * blockBytes)
}

function headerOf(name: string, sizeBytes: number): Uint8Array {
  const header = Buffer.alloc(blockBytes)
  if (Buffer.byteLength(name) > 100) throw new RangeError(`${name} is too long a name for this archive`)
  header.write(name, 0)
  header.write('0000644\0', 100)
  header.write('0000000\0', 108)
  header.write('0000000\0', 116)
  header.write(`${sizeBytes.toString(8).padStart(11, '0')}\0`, 124)
  header.write('00000000000\0', 136)
  header.write('        ', 148)
  header.write('0', 156)
  header.write('ustar\0', 257)
  header.write('00', 263)
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return new Uint8Array(header)
}
