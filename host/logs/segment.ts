/**
 * Log lines as they lie on the disk: text, one to a line, each behind the beginning of its own digest. A line that a
 * power cut tore, or a worn-out flash altered, is left out and counted; the others are read.
 */
import { digestOf, logLevels } from '../../core/index.ts'
import type { KeptLine } from '../../mesh/index.ts'

const sumChars = 8
const lineFeed = '\n'

export interface Segment {
  /** In the order of their numbers, each once. */
  readonly lines: readonly KeptLine[]
  readonly damaged: number
}

/** @returns text that ends with a line feed and has no other */
export function encodeLine({ seq, time, level, version, context, message }: KeptLine): string {
  const json = JSON.stringify([seq, time, level, version, context, message])
  return `${sumOf(json)} ${json}${lineFeed}`
}

export function readSegment(bytes: Uint8Array): Segment {
  const lines: KeptLine[] = []
  let damaged = 0
  for (const text of Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    .toString('utf8')
    .split(lineFeed)) {
    if (text === '') continue
    const line = decodeLine(text)
    if (line === null) damaged += 1
    // What was written again, because nobody knew how far it had come the first time.
    else if (line.seq > (lines.at(-1)?.seq ?? 0)) lines.push(line)
  }
  return { lines, damaged }
}

function decodeLine(text: string): KeptLine | null {
  const json = text.slice(sumChars + 1)
  if (text[sumChars] !== ' ' || text.slice(0, sumChars) !== sumOf(json)) return null
  const row = parsed(json)
  if (!Array.isArray(row)) return null
  const [seq, time, level, version, context, message] = row as unknown[]
  const known = logLevels.find((each) => each === level)
  if (!Number.isSafeInteger(seq) || typeof time !== 'number' || known === undefined) return null
  if (typeof version !== 'string' || typeof context !== 'string' || typeof message !== 'string') return null
  return { seq: seq as number, time, level: known, version, context, message }
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    return null
  }
}

function sumOf(json: string): string {
  return digestOf(Buffer.from(json)).slice(0, sumChars)
}
