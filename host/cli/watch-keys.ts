/** What keys do to a picture that is watched: scroll, filter, end. Pure. */

export interface WatchKeys {
  /** Only what contains it is shown; lower case. */
  readonly filter: string
  /** The filter is being typed. */
  readonly isTyping: boolean
  /** Lines scrolled past. */
  readonly top: number
  readonly isDone: boolean
}

export const noKeys: WatchKeys = { filter: '', isTyping: false, top: 0, isDone: false }

const longestFilter = 64
const steps: Readonly<Record<string, number>> = { '\u001b[A': -1, k: -1, '\u001b[B': 1, j: 1 }
const pages: Readonly<Record<string, number>> = { '\u001b[5~': -1, b: -1, '\u001b[6~': 1, ' ': 1 }

/** @param room lines of the picture, and how many of them fit */
export function press(
  keys: WatchKeys,
  key: string,
  room: { readonly lines: number; readonly rows: number },
): WatchKeys {
  if (keys.isTyping) return type(keys, key)
  if (key === 'q') return { ...keys, isDone: true }
  if (key === '/') return { ...keys, isTyping: true, filter: '', top: 0 }
  if (key === '\u001b') return { ...keys, filter: '', top: 0 }
  const by = steps[key] ?? (pages[key] ?? 0) * Math.max(1, room.rows - 1)
  const last = Math.max(0, room.lines - room.rows)
  return { ...keys, top: Math.min(last, Math.max(0, keys.top + by)) }
}

function type(keys: WatchKeys, key: string): WatchKeys {
  if (key === '\r' || key === '\n') return { ...keys, isTyping: false }
  if (key === '\u001b') return { ...keys, isTyping: false, filter: '' }
  if (key === '\u007f' || key === '\b') return { ...keys, filter: keys.filter.slice(0, -1) }
  const isText = key.length === 1 && key >= ' '
  return isText && keys.filter.length < longestFilter
    ? { ...keys, filter: keys.filter + key.toLowerCase() }
    : keys
}

/** `/lobby▏`, or what the keys are. */
export function keysLine({ filter, isTyping, top }: WatchKeys, lines: number, rows: number): string {
  if (isTyping) return `/${filter}▏  Enter keeps it, Esc drops it`
  const part =
    lines > rows ? `  ·  lines ${top + 1}–${Math.min(lines, top + rows)} of ${lines}, ↑ ↓ space` : ''
  return `${filter === '' ? '' : `only “${filter}”, Esc shows all  ·  `}q ends  ·  / filters${part}`
}
