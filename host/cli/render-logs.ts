/** Lines of an app's log for people: when, on which node, how serious, and what; and what is to be said of a node. */
import { latestDateMs } from '../../core/index.ts'
import type { NodeLogEvent, NodeLogLine, NodeLogNotice } from '../api/index.ts'
import { paintFor, type Paint } from './paint.ts'
import { ageText, plain } from './text.ts'
import { timeText, type TimeView } from './time-text.ts'

export interface LogView {
  readonly colour: boolean
  /** The lines are of one node that was named. */
  readonly isOneNode: boolean
}

const widestName = 24

export class LogRenderer {
  readonly #paint: Paint
  readonly #isOneNode: boolean
  readonly #tones = new Map<string, (text: string) => string>()
  #nameWidth = 0

  constructor({ colour, isOneNode }: LogView) {
    this.#paint = paintFor(colour)
    this.#isOneNode = isOneNode
  }

  /** `12:03:07.120 lobby-1  info  2.0.0 [context] message`; times in UTC, by this node's clock, `~` where the other's differs. */
  line(line: NodeLogLine): string {
    const paint = this.#paint
    const { behindMs = 0, level } = line
    const time = new Date(Math.min(latestDateMs, Math.max(0, line.time + behindMs)))
      .toISOString()
      .slice(-13, -1)
    const tones = { debug: paint.dim, info: paint.cyan, warn: paint.yellow, error: paint.red }
    const context = line.context === '' ? '' : `[${plain(line.context)}] `
    const when = paint.dim(`${time}${behindMs === 0 ? ' ' : '~'}`)
    const rest = `${tones[level](level.padEnd(5))} ${plain(line.version)} ${context}${plain(line.message)}\n`
    return `${when}${this.#isOneNode ? '' : `${this.#name(line)} `}${rest}`
  }

  /** A line between dashes, for the other stream. */
  notice(notice: NodeLogNotice, isFollowed: boolean, view: TimeView): string {
    const name = plain(notice.name)
    const { at = view.now, why = '', sinceMs = 0, count = 0 } = notice
    switch (notice.notice) {
      case 'away': {
        const rest = isFollowed ? 'what it says comes when it is reached again' : 'its lines are not here'
        return dashed(`${name} was not reached at ${timeText(at, view)}: ${plain(why)}; ${rest}`)
      }
      case 'back':
        return dashed(
          `${name} is reached again after ${ageText(sinceMs)}; what it has said since ${timeText(at - sinceMs, view)} comes now`,
        )
      case 'missed':
        return dashed(`${count} lines or more of ${name} are gone: its log has turned over them`)
      case 'left-out':
        return dashed(
          `${count} more nodes run it, ${name} the first of them; name one with --node, as not all are read at once`,
        )
    }
  }

  #name({ node, name }: NodeLogEvent): string {
    const text = plain(name).slice(0, widestName)
    this.#nameWidth = Math.max(this.#nameWidth, text.length)
    return this.#toneOf(node)(text.padEnd(this.#nameWidth))
  }

  /** A colour for each node, in the order in which they come. */
  #toneOf(node: string): (text: string) => string {
    const { blue, cyan, green, magenta, yellow } = this.#paint
    const tones = [green, magenta, blue, yellow, cyan]
    const tone = this.#tones.get(node) ?? tones[this.#tones.size % tones.length] ?? green
    this.#tones.set(node, tone)
    return tone
  }
}

function dashed(text: string): string {
  return `— ${text} —\n`
}
