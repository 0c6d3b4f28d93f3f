/**
 * Templates of Home Assistant, as far as devices use them to point at a value: `{{ value_json.battery | float }}`. They
 * are a language of their own (Jinja); everything else of it is refused rather than guessed.
 */
import { member, numberOf, wholeText, type Pick } from './payload.ts'

const maxTemplateLength = 512

/** @returns null where the template is none of the simple forms */
export function parseTemplate(template: string): Pick | null {
  const inner = /^\s*\{\{-?(.*?)-?\}\}\s*$/s.exec(template.slice(0, maxTemplateLength))?.[1]
  if (inner === undefined || template.length > maxTemplateLength) return null
  const [expression = '', ...filters] = inner.split('|').map((part) => part.trim())
  const pick = parseExpression(expression)
  return pick === null ? null : filters.reduce<Pick | null>(filtered, pick)
}

function parseExpression(expression: string): Pick | null {
  if (expression === 'value') return wholeText
  const rest = /^value_json(.*)$/s.exec(expression)?.[1]
  if (rest === undefined) return null
  const path: string[] = []
  const step = /^(?:\.([A-Za-z_]\w*)|\[\s*'([^'\\]*)'\s*\]|\[\s*"([^"\\]*)"\s*\]|\[\s*(\d+)\s*\])/
  for (let at = 0; at < rest.length;) {
    const match = step.exec(rest.slice(at))
    if (match === null) return null
    path.push(match.slice(1).find((key) => key !== undefined) ?? '')
    at += match[0].length
  }
  return member(path)
}

function filtered(pick: Pick | null, filter: string): Pick | null {
  if (pick === null) return null
  const [, name, digits = '0'] = /^(float|int|round|is_defined)(?:\(\s*([\d.]*)\s*\))?$/.exec(filter) ?? []
  switch (name) {
    // The default in the parentheses would be a made-up value: what is no number stays an error.
    case 'float':
      return (payload) => numberOf(pick(payload))
    case 'int':
      return (payload) => Math.trunc(numberOf(pick(payload)))
    case 'round':
      return (payload) => Number(numberOf(pick(payload)).toFixed(Math.min(20, Number(digits) || 0)))
    case 'is_defined':
      return pick
    default:
      return null
  }
}
