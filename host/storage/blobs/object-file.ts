/**
 * One object on the disk: its bytes, and behind them what it is called and what its bytes were. The name comes last because
 * it may be known last; a file whose end does not say that it is whole is damaged, since it got its place when it was whole.
 *
 * Each piece of 64 KiB has a digest of its own, so that a part of a large object is checked before any of it is handed out.
 */
import { createHash } from 'node:crypto'
import { open, type FileHandle } from 'node:fs/promises'
import { basename } from 'node:path'
import * as v from 'valibot'
import { storageProblems } from '../problems.ts'
import { fileOf } from './folder.ts'

export const pieceBytes = 64 * 1024
const digestBytes = 32
const maxTrailerBytes = 16 * 1024

/** Bytes, JSON, length of the JSON as u32, `SVO1`: what nothing can be checked of. It is read, and no longer written. */
const firstMark = Buffer.from('SVO1')
const firstFootBytes = 8
/** Bytes, digests of the pieces, JSON, length of the JSON as u32, SHA-256 of the JSON, `SVO2`. */
const mark = Buffer.from('SVO2')
const footBytes = 4 + digestBytes + mark.length

/** Seconds since the Unix epoch. */
const createdAt = v.pipe(v.number(), v.integer(), v.minValue(0))
const hex = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/))
const firstSchema = v.object({ name: v.string(), createdAt })
/** Of the change that put it there. */
const number = v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(0)), 0)
const trailerSchema = v.object({
  name: v.string(),
  createdAt,
  number,
  sizeBytes: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  /** SHA-256 of all bytes. */
  digest: hex,
  /** SHA-256 of the digests of the pieces; absent where all is one piece, of which the digest is known. */
  pieces: v.optional(hex),
})

/** What is said of an object that is put in place. */
export interface ObjectFacts {
  readonly name: string
  /** Seconds since the Unix epoch. */
  readonly createdAt: number
  /** Of the change; 0 for objects of before. */
  readonly number: number
}

interface Trailer extends ObjectFacts {
  readonly digest: string | null
}

export interface OpenObject {
  readonly file: FileHandle
  readonly path: string
  readonly trailer: Trailer
  readonly sizeBytes: number
  /** SHA-256 of the digests of its pieces; null where all is one piece, or nothing is known of it. */
  readonly pieces: string | null
}

/** Digests of bytes as they come. */
export class ObjectSum {
  readonly #whole = createHash('sha256')
  readonly #pieces: Buffer[] = []
  #piece = createHash('sha256')
  #pieceBytes = 0
  #sizeBytes = 0

  add(bytes: Uint8Array): void {
    this.#whole.update(bytes)
    this.#sizeBytes += bytes.length
    for (let at = 0; at < bytes.length;) {
      const part = bytes.subarray(at, at + pieceBytes - this.#pieceBytes)
      this.#piece.update(part)
      this.#pieceBytes += part.length
      at += part.length
      if (this.#pieceBytes === pieceBytes) this.#endPiece()
    }
  }

  /** What stands behind the bytes. Nothing may be added after it. */
  end(facts: ObjectFacts): { readonly digest: string; readonly trailer: Uint8Array } {
    if (this.#pieceBytes > 0) this.#endPiece()
    const pieces = Buffer.concat(this.#pieces.length > 1 ? this.#pieces : [])
    const digest = this.#whole.digest('hex')
    const json = Buffer.from(
      JSON.stringify({
        ...facts,
        sizeBytes: this.#sizeBytes,
        digest,
        ...(pieces.length > 0 && { pieces: sha256(pieces).toString('hex') }),
      }),
    )
    const length = Buffer.alloc(4)
    length.writeUInt32LE(json.length)
    return { digest, trailer: Buffer.concat([pieces, json, length, sha256(json), mark]) }
  }

  #endPiece(): void {
    this.#pieces.push(this.#piece.digest())
    this.#piece = createHash('sha256')
    this.#pieceBytes = 0
  }
}

/** @returns null where there is none; else the caller closes the file @throws ERR_STORAGE_DAMAGED where it is not whole */
export async function openObject(path: string): Promise<OpenObject | null> {
  const file = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null
    throw error
  })
  if (file === null) return null
  try {
    const found = await readTrailer(file, path)
    // The file is called after its name.
    if (fileOf(found.trailer.name) !== basename(path)) throw damaged(path, 'it belongs to another object')
    return { file, path, ...found }
  } catch (error) {
    await file.close()
    throw error
  }
}

async function readTrailer(file: FileHandle, path: string): Promise<Omit<OpenObject, 'file' | 'path'>> {
  const { size } = await file.stat()
  const end = await readAt(file, Math.max(0, size - mark.length), Math.min(mark.length, size))
  if (end.equals(firstMark) && size >= firstFootBytes) return readFirst(file, path, size)
  if (!end.equals(mark) || size < footBytes) throw damaged(path, 'its end is missing')
  const foot = await readAt(file, size - footBytes, footBytes)
  const length = foot.readUInt32LE(0)
  if (length > maxTrailerBytes || length > size - footBytes) throw damaged(path, 'its end makes no sense')
  const json = await readAt(file, size - footBytes - length, length)
  if (!sha256(json).equals(foot.subarray(4, 4 + digestBytes))) throw damaged(path, 'its end was altered')
  const { sizeBytes, digest, pieces = null, ...rest } = parsed(json, trailerSchema, path)
  const listed = pieces === null ? 0 : digestBytes * Math.ceil(sizeBytes / pieceBytes)
  if (sizeBytes + listed + length + footBytes !== size)
    throw damaged(path, 'it has another length than it should')
  return { trailer: { ...rest, digest }, sizeBytes, pieces }
}

async function readFirst(
  file: FileHandle,
  path: string,
  size: number,
): Promise<Omit<OpenObject, 'file' | 'path'>> {
  const length = (await readAt(file, size - firstFootBytes, 4)).readUInt32LE(0)
  const sizeBytes = size - firstFootBytes - length
  if (length > maxTrailerBytes || sizeBytes < 0) throw damaged(path, 'its end makes no sense')
  const trailer = parsed(await readAt(file, sizeBytes, length), firstSchema, path)
  return { trailer: { ...trailer, number: 0, digest: null }, sizeBytes, pieces: null }
}

function parsed<Schema extends v.GenericSchema>(
  json: Buffer,
  schema: Schema,
  path: string,
): v.InferOutput<Schema> {
  try {
    return v.parse(schema, JSON.parse(json.toString()))
  } catch (cause) {
    throw damaged(path, 'its end cannot be read', cause)
  }
}

/** The bytes from `start`, in pieces of at most 64 KiB that are as they were written. @throws ERR_STORAGE_DAMAGED */
export async function* readPieces(
  object: OpenObject,
  start: number,
  length: number,
): AsyncGenerator<Uint8Array> {
  const { file, path, sizeBytes, pieces } = object
  const list = pieces === null ? digestOfOne(object) : await readList(object, pieces)
  for (let at = start; at < start + length;) {
    const begin = at - (at % pieceBytes)
    const piece = await readAt(file, begin, Math.min(pieceBytes, sizeBytes - begin))
    const number = begin / pieceBytes
    const isRight =
      list === null || sha256(piece).equals(list.subarray(number * digestBytes, (number + 1) * digestBytes))
    if (!isRight)
      throw damaged(path, `bytes ${begin} to ${begin + piece.length - 1} are not as they were written`)
    const part = piece.subarray(at - begin, Math.min(piece.length, start + length - begin))
    if (part.length === 0) throw damaged(path, 'it became shorter while it was read')
    at += part.length
    yield new Uint8Array(part)
  }
}

async function readList({ file, path, sizeBytes }: OpenObject, expected: string): Promise<Buffer> {
  const list = await readAt(file, sizeBytes, digestBytes * Math.ceil(sizeBytes / pieceBytes))
  if (sha256(list).toString('hex') === expected) return list
  throw damaged(path, 'the digests of its pieces were altered')
}

function digestOfOne({ trailer: { digest } }: OpenObject): Buffer | null {
  return digest === null ? null : Buffer.from(digest, 'hex')
}

function damaged(path: string, what: string, cause?: unknown): Error {
  return storageProblems.error('ERR_STORAGE_DAMAGED', `${path}: ${what}`, {
    hint: 'store the object anew, put back a copy of the file, or remove the file; all other objects are as they were',
    cause,
  })
}

function sha256(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest()
}

async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length)
  let have = 0
  while (have < length) {
    const { bytesRead } = await file.read(buffer, have, length - have, position + have)
    if (bytesRead === 0) break
    have += bytesRead
  }
  return buffer.subarray(0, have)
}
