/** Fields that belong to one connection and never pass through an intermediary: RFC 9110, 7.6.1. */
import type { FlatFields } from './contract.ts'

const fixed: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
  'expect',
])

/**
 * Drops them, those that a `Connection` field names, and those in `also`.
 * @param also in lower case
 */
export function endToEnd(flat: FlatFields, also?: string): string[] {
  const kept: string[] = []
  let named: Set<string> | null = null
  for (let at = 0; at < flat.length; at += 2) {
    const key = flat[at]!.toLowerCase()
    if (key === 'connection') named = namedBy(flat[at + 1]!, named)
    if (!fixed.has(key) && key !== also) kept.push(flat[at]!, flat[at + 1]!)
  }
  return named === null ? kept : without(kept, named)
}

function namedBy(value: string, before: Set<string> | null): Set<string> | null {
  let named = before
  for (const part of value.toLowerCase().split(',')) {
    const name = part.trim()
    if (name === '' || name === 'close' || name === 'keep-alive' || fixed.has(name)) continue
    named ??= new Set()
    named.add(name)
  }
  return named
}

function without(flat: readonly string[], names: ReadonlySet<string>): string[] {
  const kept: string[] = []
  for (let at = 0; at < flat.length; at += 2) {
    if (!names.has(flat[at]!.toLowerCase())) kept.push(flat[at]!, flat[at + 1]!)
  }
  return kept
}
