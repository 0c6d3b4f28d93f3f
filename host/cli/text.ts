/** Words and numbers for people: ages, sizes, and text from elsewhere made safe for a terminal. */
import { plainText } from '../../core/index.ts'

/** @returns `0.4 s`, `12 s`, `5 min`, `1 h 2 min`, `3 d 4 h`; never negative, as clocks may disagree */
export function ageText(ms: number): string {
  const seconds = Math.max(0, ms) / 1000
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`
  if (seconds < 60) return `${Math.floor(seconds)} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} min`
  const hours = Math.floor(minutes / 60)
  if (hours < 24) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`
  return hours % 24 === 0 ? `${hours / 24} d` : `${Math.floor(hours / 24)} d ${hours % 24} h`
}

/** @returns the largest unit alone, at most six characters: `0.4 s`, `59 min`, `1 h`, `3 d` */
export function shortAgeText(ms: number): string {
  const text = ageText(ms)
  const [number = '', unit = ''] = text.split(' ')
  return `${number} ${unit}`
}

/** @returns `812 B`, `12.1 KB`, `1.6 MB`, `135.3 GB`; K is 1,000 */
export function sizeText(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`
  if (bytes < 999_950) return `${(bytes / 1000).toFixed(1)} KB`
  if (bytes < 999_950_000) return `${(bytes / 1_000_000).toFixed(1)} MB`
  return `${(bytes / 1_000_000_000).toFixed(1)} GB`
}

const units: Readonly<Record<string, number>> = { KB: 1_000, MB: 1_000_000, GB: 1_000_000_000 }

/** @returns `0.5 of 1.1 MB`, in the unit of the whole; `310 of 812 B` */
export function partText(bytes: number, ofBytes: number): string {
  const whole = sizeText(ofBytes)
  const unit = units[whole.slice(-2)] ?? 1
  return `${unit === 1 ? bytes : (bytes / unit).toFixed(1)} of ${whole}`
}

/** @returns `220.0 KB/s` */
export function rateText(bytesPerSecond: number): string {
  return `${sizeText(bytesPerSecond)}/s`
}

export function percentText(fraction: number): string {
  return `${Math.floor(Math.min(1, Math.max(0, fraction)) * 100)} %`
}

export function countText(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`
}

export { plainText as plain } from '../../core/index.ts'

/** Breaks at spaces, so that no line is longer than `width` unless a single word is. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line)
      line = word
    } else {
      line = line === '' ? word : `${line} ${word}`
    }
  }
  return [...lines, line]
}

/** The lines that an advice may have: what many missing names need fits. */
const adviceLines = 40

/** What to do next, made safe line by line: lines for a configuration file must stay what they are. */
export function adviceText(hint: string): string {
  return hint.split('\n').slice(0, adviceLines).map(plainText).join('\n')
}

/** Text behind a head, wrapped under itself. */
export function hanging(
  head: string,
  text: string,
  width: number,
  tone: (head: string) => string = (plainHead) => plainHead,
): string[] {
  const room = Math.max(20, width - head.length)
  const [first = '', ...more] = text.split('\n').flatMap((line) => wrap(line, room))
  return [`${tone(head)}${first}`, ...more.map((line) => `${' '.repeat(head.length)}${line}`)]
}
