/**
 * One object on the disk: its bytes, and behind them what it is called. The name comes last because it may be known
 * last; a file whose end does not say that it is whole is none.
 */
import { open, type FileHandle } from 'node:fs/promises'
import * as v from 'valibot'

/** Bytes, JSON, length of the JSON as u32, `SVO1`. */
const mark = Buffer.from('SVO1')
const footBytes = mark.length + 4
const maxTrailerBytes = 16 * 1024
const pieceBytes = 64 * 1024

const trailerSchema = v.object({
  name: v.string(),
  /** Seconds since the Unix epoch. */
  createdAt: v.pipe(v.number(), v.integer(), v.minValue(0)),
})
export type Trailer = v.InferOutput<typeof trailerSchema>

export function encodeTrailer(trailer: Trailer): Uint8Array {
  const json = Buffer.from(JSON.stringify(trailer))
  const length = Buffer.alloc(4)
  length.writeUInt32LE(json.length)
  return Buffer.concat([json, length, mark])
}

export interface OpenObject {
  readonly file: FileHandle
  readonly trailer: Trailer
  readonly sizeBytes: number
}

/** @returns null where there is none, or none that is whole; else the caller closes the file */
export async function openObject(path: string): Promise<OpenObject | null> {
  const file = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null
    throw error
  })
  if (file === null) return null
  try {
    const found = await readTrailer(file)
    if (found !== null) return { file, ...found }
  } catch (error) {
    await file.close()
    throw error
  }
  await file.close()
  return null
}

async function readTrailer(file: FileHandle): Promise<Omit<OpenObject, 'file'> | null> {
  const { size } = await file.stat()
  if (size < footBytes) return null
  const foot = await readAt(file, size - footBytes, footBytes)
  const length = foot.readUInt32LE(0)
  if (!foot.subarray(4).equals(mark) || length > maxTrailerBytes || length > size - footBytes) return null
  const sizeBytes = size - footBytes - length
  try {
    const json: unknown = JSON.parse((await readAt(file, sizeBytes, length)).toString())
    const parsed = v.safeParse(trailerSchema, json)
    return parsed.success ? { trailer: parsed.output, sizeBytes } : null
  } catch (error) {
    if (error instanceof SyntaxError) return null
    throw error
  }
}

/** The bytes from `start`, in pieces of at most 64 KiB. */
export async function* readPieces(
  file: FileHandle,
  start: number,
  length: number,
): AsyncGenerator<Uint8Array> {
  for (let at = start; at < start + length;) {
    const piece = await readAt(file, at, Math.min(pieceBytes, start + length - at))
    if (piece.length === 0) throw new Error('the file became shorter while it was read')
    at += piece.length
    yield new Uint8Array(piece)
  }
}

async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position)
  return buffer.subarray(0, bytesRead)
}
