/**
 * The small text files through which Linux shows its devices (sysfs): each holds one value, is read whole, and is
 * never longer than a page.
 */
import { constants } from 'node:fs'
import { open, readdir, writeFile } from 'node:fs/promises'
import { codeOf, refused, unavailable, type Advice } from './advice.ts'

/** sysfs itself gives at most one page. */
const maxAttributeBytes = 4_096
/** Entries of a folder of devices that are looked at. */
const maxEntries = 1_024
/** Characters of a foreign text that stand in a message. */
const shownChars = 60

/**
 * @returns the text without the space around it
 * @throws ERR_DEVICE_UNAVAILABLE, or the signal's reason
 */
export async function readAttribute(path: string, advice?: Advice, signal?: AbortSignal): Promise<string> {
  signal?.throwIfAborted()
  const bytes = Buffer.alloc(maxAttributeBytes + 1)
  let length = 0
  try {
    // Where the path leads to something that waits for a writer, it must not hold a thread of the program.
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
    try {
      for (let count = 1; count > 0 && length <= maxAttributeBytes; length += count) {
        count = (await file.read(bytes, length, bytes.length - length, null)).bytesRead
      }
    } finally {
      await file.close()
    }
  } catch (cause) {
    signal?.throwIfAborted()
    throw unavailable(path, cause, advice)
  }
  signal?.throwIfAborted()
  if (length > maxAttributeBytes) throw refused(`${path}: it has more than ${maxAttributeBytes} bytes`)
  return bytes.toString('utf8', 0, length).trim()
}

/** The same, null where there is no such file. */
export async function readOptional(
  path: string,
  advice?: Advice,
  signal?: AbortSignal,
): Promise<string | null> {
  try {
    return await readAttribute(path, advice, signal)
  } catch (error) {
    if (codeOf((error as Error).cause) === 'ENOENT') return null
    throw error
  }
}

/** @throws ERR_DEVICE_UNAVAILABLE also where the text is no finite number */
export async function readNumber(path: string, advice?: Advice, signal?: AbortSignal): Promise<number> {
  return numberIn(path, await readAttribute(path, advice, signal))
}

/** @returns `otherwise` where there is no such file */
export async function readNumberOr(path: string, otherwise: number, signal?: AbortSignal): Promise<number> {
  const text = await readOptional(path, undefined, signal)
  return text === null ? otherwise : numberIn(path, text)
}

function numberIn(path: string, text: string): number {
  const value = parseDecimal(text)
  if (value === null) throw refused(`${path}: ${shown(text)} is no number`)
  return value
}

/** A decimal number as the kernel writes it, and nothing else; null for any other text. */
export function parseDecimal(text: string): number | null {
  if (text.length > 64 || !/^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(text)) return null
  const value = Number(text)
  return Number.isFinite(value) ? value : null
}

/** @throws ERR_DEVICE_UNAVAILABLE */
export async function writeAttribute(path: string, text: string, advice?: Advice): Promise<void> {
  try {
    // Never made where it is missing: the kernel makes these files, and nobody else.
    await writeFile(path, text, { flag: constants.O_WRONLY | constants.O_TRUNC | constants.O_NONBLOCK })
  } catch (cause) {
    throw unavailable(path, cause, advice)
  }
}

/** Names in a folder of devices, in the order of their numbers. @throws ERR_DEVICE_UNAVAILABLE */
export async function listDevices(folder: string, pattern: RegExp, advice?: Advice): Promise<string[]> {
  let names: string[]
  try {
    names = await readdir(folder)
  } catch (cause) {
    throw unavailable(folder, cause, advice)
  }
  return names
    .filter((name) => pattern.test(name))
    .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
    .slice(0, maxEntries)
}

/** A text from outside, fit for a message. */
export function shown(text: string): string {
  return JSON.stringify(text.length > shownChars ? `${text.slice(0, shownChars)}…` : text)
}

/** What there is instead, fit for a message. */
export function shownNames(names: readonly string[]): string {
  if (names.length === 0) return 'there is none'
  const more = names.length > 8 ? ` and ${names.length - 8} more` : ''
  return `there is ${names.slice(0, 8).join(', ')}${more}`
}
