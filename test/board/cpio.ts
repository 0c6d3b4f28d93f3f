/** An archive as the kernel unpacks it before it starts: cpio, in the "new ASCII" form of cpio(5). */

export interface CpioEntry {
  /** Without a leading slash; folders come before what is in them. */
  readonly path: string
  readonly kind: 'folder' | 'file' | 'link'
  /** Of a file what it holds, of a link where it leads. */
  readonly content?: Uint8Array | string
  /** Of a file: whether it is a program. */
  readonly isProgram?: boolean
}

const types = { folder: 0o040755, file: 0o100644, link: 0o120777 } as const
const trailer = 'TRAILER!!!'

export function cpioOf(entries: readonly CpioEntry[]): Buffer {
  const parts = entries.flatMap((entry, index) => {
    const content = Buffer.from(entry.content ?? '')
    const mode = entry.isProgram === true ? 0o100755 : types[entry.kind]
    return record(entry.path, content, mode, index + 1)
  })
  return Buffer.concat([...parts, ...record(trailer, Buffer.alloc(0), 0, 0)])
}

function record(path: string, content: Buffer, mode: number, inode: number): Buffer[] {
  const name = Buffer.from(`${path}\0`)
  const [uid, gid, links, time, devices] = [0, 0, 1, 0, [0, 0, 0, 0]]
  const fields = [inode, mode, uid, gid, links, time, content.length, ...devices, name.length, 0]
  const head = Buffer.from(`070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}`)
  return [padded(Buffer.concat([head, name])), padded(content)]
}

/** To whole words of four bytes. */
function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)])
}
