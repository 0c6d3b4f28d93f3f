/**
 * A snapshot of what an app has stored, as one file: a table of contents that names every part with its size and digest,
 * then the parts, then the digest of all before it. What is read back is held against all of them before anybody uses it.
 */
import { createHash, type Hash } from 'node:crypto'
import { mkdir, open, readdir, stat, type FileHandle } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import * as v from 'valibot'
import { flushFolder } from '../blobs/folder.ts'
import { storageProblems } from '../problems.ts'
import { checkRoom } from '../room.ts'

/** The second may have what a group shares, of which versions of before know nothing; without it the first is written. */
const magics = ['selvedge-data/1\n', 'selvedge-data/2\n'] as const
const magicBytes = magics[0].length
const format = 1
/** Of an app with ten thousand objects it is 2 MB. */
const maxTableBytes = 16 * 1024 * 1024
const pieceBytes = 256 * 1024
const digestBytes = 32
/** What a store has, and nothing that leads out of its folder. */
const partName =
  /^((keyvalue|group)\.sqlite|blobs\/numbers\.json|blobs\/[0-9a-f]{64}\/([0-9a-f]{64}|container\.json))$/

const name = v.pipe(v.string(), v.regex(/^[a-zA-Z0-9:._-]{0,128}$/))

const schema = v.object({
  format: v.number(),
  app: v.pipe(v.string(), v.regex(/^[a-z][a-z0-9-]{0,62}$/)),
  takenAtMs: v.pipe(v.number(), v.minValue(0)),
  /** Whose the part is that a group shares; files of before say nothing of it. */
  sharedBy: v.optional(v.object({ mesh: name, group: name })),
  parts: v.array(
    v.object({
      name: v.pipe(v.string(), v.regex(partName)),
      bytes: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
      sha256: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
    }),
  ),
})
export type SnapshotTable = v.InferOutput<typeof schema>

/** Of the files in a folder. @returns the table, and the size of the file @throws ERR_SNAPSHOT_SIZE, ERR_DISK_FULL, what the disk says */
export async function writeArchive(
  folder: string,
  path: string,
  { app, takenAtMs, sharedBy }: Pick<SnapshotTable, 'app' | 'takenAtMs' | 'sharedBy'>,
): Promise<{ readonly table: SnapshotTable; readonly bytes: number }> {
  const names = (await filesIn(folder)).filter((name) => partName.test(name)).sort()
  const parts: SnapshotTable['parts'] = []
  for (const name of names) {
    const hash = createHash('sha256')
    const bytes = await eachPiece(join(folder, name), async (piece) => void hash.update(piece))
    parts.push({ name, bytes, sha256: hash.digest('hex') })
  }
  const table: SnapshotTable = { format, app, takenAtMs, ...(sharedBy && { sharedBy }), parts }
  const text = Buffer.from(JSON.stringify(table))
  if (text.length > maxTableBytes) throw tooMany(app, parts.length)
  const magic = magics[names.includes('group.sqlite') ? 1 : 0]
  const head = Buffer.from(`${magic}${String(text.length).padStart(10, '0')}\n`)
  await checkRoom(dirname(path), head.length + text.length + sizeOfParts(parts) + digestBytes, path)
  const file = await open(path, 'wx', 0o600)
  try {
    const out = new Summed(file)
    await out.write(head)
    await out.write(text)
    for (const { name, bytes } of parts) {
      const written = await eachPiece(join(folder, name), (piece) => out.write(piece))
      if (written !== bytes) throw damaged(path, `${name} changed while it was read`)
    }
    await file.writeFile(out.hash.digest())
    await file.sync()
    return { table, bytes: out.bytes + digestBytes }
  } finally {
    await file.close()
  }
}

/**
 * Unpacks into a folder that is there and empty; what it returns from is whole, and on the disk.
 * @throws ERR_SNAPSHOT for a file that is none, is of a later version, or not as it was written; what the disk says
 */
export async function readArchive(path: string, folder: string): Promise<SnapshotTable> {
  const file = await open(path, 'r')
  try {
    const reader = new Reader(file, path)
    const { table, size } = await readTableOf(file, reader, path)
    await checkRoom(folder, size, `what is in ${path}`)
    const folders = new Set([folder])
    for (const { name, bytes, sha256 } of table.parts) {
      const target = join(folder, name)
      await mkdir(dirname(target), { recursive: true, mode: 0o700 })
      folders.add(dirname(target))
      await unpack(reader, target, bytes, sha256, () => damaged(path, `${name} is not as it was written`))
    }
    const sum = reader.hash.copy().digest()
    if (!sum.equals(await reader.take(digestBytes)) || !(await reader.isAtEnd()))
      throw damaged(path, 'it is not as it was written')
    for (const made of folders) await flushFolder(made)
    return table
  } finally {
    await file.close()
  }
}

/** What can be told without its parts: most files that are none, or another app's. @throws as {@link readArchive} */
export async function lookInto(path: string): Promise<SnapshotTable> {
  const file = await open(path, 'r')
  try {
    return (await readTableOf(file, new Reader(file, path), path)).table
  } finally {
    await file.close()
  }
}

async function readTableOf(
  file: FileHandle,
  reader: Reader,
  path: string,
): Promise<{ readonly table: SnapshotTable; readonly size: number }> {
  const table = await readTable(reader, path)
  const { size } = await file.stat()
  const told = reader.bytes + sizeOfParts(table.parts) + digestBytes
  if (size < told) throw damaged(path, 'it is cut short')
  if (size > told) throw damaged(path, 'it is not as it was written')
  return { table, size }
}

async function readTable(reader: Reader, path: string): Promise<SnapshotTable> {
  const head = (await reader.take(magicBytes + 11)).toString('latin1')
  if (!/^selvedge-data\/\d+\n/.test(head)) throw damaged(path, 'it is no snapshot of an app’s data')
  const size = Number(head.slice(magicBytes))
  if (!magics.some((magic) => head.startsWith(magic))) throw later(path, head.slice(0, head.indexOf('\n')))
  if (!Number.isSafeInteger(size) || size > maxTableBytes) throw damaged(path, 'its table has no size')
  const parsed = v.safeParse(schema, jsonOf(await reader.take(size)))
  if (!parsed.success)
    throw damaged(path, `its table of contents is none (${v.getDotPath(parsed.issues[0]) ?? ''})`)
  if (parsed.output.format > format) throw later(path, `format ${parsed.output.format}`)
  if (new Set(parsed.output.parts.map(({ name }) => name)).size < parsed.output.parts.length)
    throw damaged(path, 'its table names a part twice')
  return parsed.output
}

async function unpack(
  reader: Reader,
  target: string,
  bytes: number,
  sha256: string,
  wrong: () => Error,
): Promise<void> {
  const file = await open(target, 'wx', 0o600)
  const hash = createHash('sha256')
  try {
    for (let left = bytes; left > 0;) {
      const piece = await reader.take(Math.min(left, pieceBytes))
      hash.update(piece)
      await file.writeFile(piece)
      left -= piece.length
    }
    if (hash.digest('hex') !== sha256) throw wrong()
    await file.sync()
  } finally {
    await file.close()
  }
}

class Summed {
  readonly hash: Hash = createHash('sha256')
  bytes = 0
  readonly #file: FileHandle

  constructor(file: FileHandle) {
    this.#file = file
  }

  async write(piece: Uint8Array): Promise<void> {
    this.hash.update(piece)
    this.bytes += piece.length
    // Unlike `write`, which may take less and say so.
    await this.#file.writeFile(piece)
  }
}

class Reader {
  readonly hash: Hash = createHash('sha256')
  bytes = 0
  readonly #file: FileHandle
  readonly #path: string

  constructor(file: FileHandle, path: string) {
    this.#file = file
    this.#path = path
  }

  /** @throws ERR_SNAPSHOT where it ends before */
  async take(count: number): Promise<Buffer> {
    const bytes = Buffer.alloc(count)
    for (let at = 0; at < count;) {
      const { bytesRead } = await this.#file.read(bytes, at, count - at, null)
      if (bytesRead === 0) throw damaged(this.#path, 'it is cut short')
      at += bytesRead
    }
    this.bytes += count
    this.hash.update(bytes)
    return bytes
  }

  async isAtEnd(): Promise<boolean> {
    return (await this.#file.read(Buffer.alloc(1), 0, 1, null)).bytesRead === 0
  }
}

/** @returns how many bytes there were */
async function eachPiece(path: string, use: (piece: Uint8Array) => Promise<void>): Promise<number> {
  const file = await open(path, 'r')
  const piece = Buffer.alloc(pieceBytes)
  let bytes = 0
  try {
    for (;;) {
      const { bytesRead } = await file.read(piece, 0, pieceBytes, null)
      if (bytesRead === 0) return bytes
      await use(piece.subarray(0, bytesRead))
      bytes += bytesRead
    }
  } finally {
    await file.close()
  }
}

/** Paths below the folder, with `/`. */
async function filesIn(folder: string, below = ''): Promise<string[]> {
  const names: string[] = []
  for (const name of await readdir(join(folder, below))) {
    const path = below === '' ? name : `${below}/${name}`
    if ((await stat(join(folder, path))).isDirectory()) names.push(...(await filesIn(folder, path)))
    else names.push(path)
  }
  return names
}

function sizeOfParts(parts: SnapshotTable['parts']): number {
  return parts.reduce((sum, { bytes }) => sum + bytes, 0)
}

function jsonOf(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch {
    return null
  }
}

function tooMany(app: string, parts: number): Error {
  return storageProblems.error(
    'ERR_SNAPSHOT_SIZE',
    `${app} has ${parts} objects, and the table of a snapshot takes at most ${maxTableBytes} bytes`,
  )
}

function damaged(path: string, what: string): Error {
  return storageProblems.error('ERR_SNAPSHOT', `${path}: ${what}`)
}

function later(path: string, what: string): Error {
  return storageProblems.error(
    'ERR_SNAPSHOT',
    `${path} was written by a later version of Selvedge (${what})`,
    {
      hint: 'restore it with the version that wrote it, or bring this node up to date; the file is unharmed',
    },
  )
}
