/** What a doctor found, for people: what is wrong is seen first by its sign, and each has its remedy under it. */
import type { Diagnosis, Level } from '../doctor/index.ts'
import { paintFor } from './paint.ts'
import { countText, plain } from './text.ts'

const signs: Readonly<Record<Level, string>> = { fine: '●', note: '◐', wrong: '✗' }

export function renderDoctor({ findings, wrong, notes }: Diagnosis, colour: boolean): string {
  const paint = paintFor(colour)
  const painted: Readonly<Record<Level, (text: string) => string>> = {
    fine: paint.green,
    note: paint.yellow,
    wrong: paint.red,
  }
  const width = Math.max(...findings.map(({ check }) => check.length))
  const lines = findings.flatMap(({ check, level, what, code, fix }) => {
    const name = check.padEnd(width)
    const coded = code === undefined || level !== 'wrong' ? '' : paint.dim(`  ${code}`)
    const line = `${painted[level](signs[level])} ${name}  ${plain(what)}${coded}`
    return fix === undefined ? [line] : [line, `  ${' '.repeat(width)}  ${paint.dim('→')} ${plain(fix)}`]
  })
  return `${lines.join('\n')}\n\n${verdict(wrong, notes)}\n`
}

function verdict(wrong: number, notes: number): string {
  const noted = notes === 0 ? '' : `, ${countText(notes, 'thing')} worth knowing`
  if (wrong === 0) return `nothing is wrong${noted}`
  return `${countText(wrong, 'thing')} to mend${noted}`
}
