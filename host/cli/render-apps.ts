/** The apps of one node, as `status` shows them: what runs beside the node, what is wrong below it. */
import type { AppState, AppStatus } from '../api/index.ts'
import type { Paint } from './paint.ts'
import { ageText, countText, percentText, plain } from './text.ts'

interface AppsView {
  readonly now: number
  /** Columns for each line beside the node. */
  readonly width: number
  readonly paint: Paint
}

const troubled: ReadonlySet<AppState> = new Set(['backoff', 'failed'])

/** True where somebody should look at it: it fails, or what should replace it was refused. */
export function appIsInTrouble(app: AppStatus): boolean {
  return troubled.has(app.state) || (app.next !== undefined && troubled.has(app.next.state))
}

/** @returns lines of at most `width` visible columns beside the node, and reasons to wrap below it */
export function renderApps(
  apps: readonly AppStatus[],
  view: AppsView,
): { readonly beside: string[]; readonly below: string[] } {
  const ordered = [...apps].sort(
    (one, other) =>
      Number(appIsInTrouble(other)) - Number(appIsInTrouble(one)) || one.app.localeCompare(other.app),
  )
  return {
    beside: flow(
      ordered.map((app) => appText(app, view)),
      view.width,
    ),
    below: ordered.flatMap((app) => [
      ...reasonOf(`${plain(app.app)} ${plain(app.version)}`, app.reason),
      ...reasonOf(`${plain(app.app)} ${plain(app.next?.version ?? '')}`, app.next?.reason),
    ]),
  }
}

interface Piece {
  readonly text: string
  readonly length: number
}

function appText(app: AppStatus, { now, paint }: AppsView): Piece {
  const parts: [string, (text: string) => string][] = [
    [`${plain(app.app)} ${plain(app.version)}`, (text) => text],
  ]
  if (app.state !== 'running') {
    const failures = app.failures === 0 ? '' : `, ${countText(app.failures, 'failure')}`
    const since = `${app.state} ${ageText(now - app.since)}${failures}`
    parts.push(troubled.has(app.state) ? [`✗ ${since}`, paint.red] : [since, paint.yellow])
  }
  if (app.next !== undefined) {
    const { version, state, progress } = app.next
    const how = progress === undefined ? state : `${state} ${percentText(progress)}`
    const text = `→ ${plain(version)} ${how}`
    parts.push(troubled.has(state) ? [`${text} ✗`, paint.red] : [text, paint.yellow])
  }
  return {
    text: parts.map(([text, tone]) => tone(text)).join(' '),
    length: parts.reduce((sum, [text]) => sum + text.length, parts.length - 1),
  }
}

/** As many pieces on each line as fit. */
function flow(pieces: readonly Piece[], width: number): string[] {
  const lines: string[] = []
  let used = 0
  for (const { text, length } of pieces) {
    const last = lines.length - 1
    if (last >= 0 && used + 2 + length <= width) {
      lines[last] = `${lines[last]}  ${text}`
      used += 2 + length
    } else {
      lines.push(text)
      used = length
    }
  }
  return lines
}

function reasonOf(what: string, reason: AppStatus['reason']): string[] {
  if (reason === undefined) return []
  return [`${what}: ${reason.code}: ${plain(reason.message)}`, `next: ${plain(reason.hint)}`]
}
