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

/** Why an app does not do its work, one paragraph for each, to be wrapped below its node. */
interface AppReason {
  readonly inTrouble: boolean
  readonly text: string
}

/** @returns lines of at most `width` visible columns beside the node, and what stands below it */
export function renderApps(
  apps: readonly AppStatus[],
  view: AppsView,
): { readonly beside: string[]; readonly below: AppReason[] } {
  const ordered = [...apps].sort(
    (one, other) =>
      Number(appIsInTrouble(other)) - Number(appIsInTrouble(one)) || one.app.localeCompare(other.app),
  )
  return {
    beside: flow(
      // What fails is told once, below, with its reason.
      ordered
        .filter((app) => app.next !== undefined || !failsWithReason(app))
        .map((app) => appText(app, view)),
      view.width,
    ),
    below: ordered.flatMap((app) => [
      ...reasonOf(app, app, failsWithReason(app) ? ` ${stateText(app, view.now)}` : ''),
      ...(app.next === undefined ? [] : reasonOf(app, app.next, '')),
    ]),
  }
}

function failsWithReason(app: AppStatus): boolean {
  return troubled.has(app.state) && app.reason !== undefined
}

function stateText(app: AppStatus, now: number): string {
  const failures = app.failures > 0 ? ` (${countText(app.failures, 'failure')})` : ''
  return `${app.state} ${ageText(now - app.since)}${failures}`
}

/** Parts of one app's text; a line may break between them. */
type Piece = readonly { readonly text: string; readonly tone: (text: string) => string }[]

function appText(app: AppStatus, { now, paint }: AppsView): Piece {
  const parts = [{ text: `${plain(app.app)} ${plain(app.version)}${variantText(app)}`, tone: asItIs }]
  if (app.state !== 'running') {
    const tone = troubled.has(app.state) ? paint.red : paint.yellow
    const sign = troubled.has(app.state) ? '✗ ' : ''
    const { transfer } = app
    // A first release: there is nothing beside it that `next` could stand behind.
    const share =
      app.state === 'fetching' && transfer !== undefined && transfer.totalBytes > 0
        ? ` ${percentText(transfer.haveBytes / transfer.totalBytes)}`
        : ''
    parts.push({ text: `${sign}${app.state}${share} ${ageText(now - app.since)}`, tone })
    if (app.failures > 0) parts.push({ text: `(${countText(app.failures, 'failure')})`, tone })
  }
  if (app.next !== undefined) {
    const { version, state, progress } = app.next
    const how = progress === undefined ? state : `${state} ${percentText(progress)}`
    const text = `→ ${plain(version)} ${how}`
    parts.push(troubled.has(state) ? { text: `${text} ✗`, tone: paint.red } : { text, tone: paint.yellow })
  }
  return parts
}

/** ` (simd)`: which of its components the node took. */
export function variantText({ variant }: Pick<AppStatus, 'variant'>): string {
  return variant === undefined ? '' : ` (${plain(variant)})`
}

function asItIs(text: string): string {
  return text
}

/** As much on each line as fits: two spaces between apps, one between the parts of an app. */
function flow(pieces: readonly Piece[], width: number): string[] {
  const lines: string[] = []
  let used = 0
  for (const piece of pieces) {
    const whole = piece.reduce((sum, { text }) => sum + text.length, piece.length - 1)
    for (const [index, { text, tone }] of piece.entries()) {
      const gap = index === 0 ? 2 : 1
      const needed = index === 0 && whole <= width ? whole : text.length
      const last = lines.length - 1
      if (last >= 0 && used + gap + needed <= width) {
        lines[last] = `${lines[last]}${' '.repeat(gap)}${tone(text)}`
        used += gap + text.length
      } else {
        const indent = index === 0 ? '' : '  '
        lines.push(indent + tone(text))
        used = indent.length + text.length
      }
    }
  }
  return lines
}

function reasonOf(
  { app }: AppStatus,
  { version, state, reason }: Pick<AppStatus, 'version' | 'state' | 'reason'>,
  how: string,
): AppReason[] {
  if (reason === undefined) return []
  const name = `${plain(app)} ${plain(version)}`
  const message = plain(reason.message)
  const what = message.startsWith(`${name} `) ? message.slice(name.length + 1) : message
  const text = `${name}${how}: ${reason.code}: ${what} · next: ${plain(reason.hint)}`
  return [{ inTrouble: troubled.has(state), text }]
}
