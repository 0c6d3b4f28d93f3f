/** An answer to "why" as text: the sentence first, then what it rests on, at last what to do. */
import type { NodeWhy, AppWhy } from '../api/index.ts'
import { paintFor, type Paint } from './paint.ts'
import { hanging } from './text.ts'
import type { TimeView } from './time-text.ts'
import { explainApp, type PlaceSign } from './why-app.ts'
import { explainNode } from './why-node.ts'

export interface WhyView extends TimeView {
  readonly width: number
  readonly colour: boolean
}

export function renderNodeWhy(why: NodeWhy, view: WhyView): string {
  const paint = paintFor(view.colour)
  const { summary, votes, itself, past, next } = explainNode(why, view)
  const tone = why.node.state === 'alive' ? paint.green : why.node.state === 'dead' ? paint.red : paint.yellow
  return [
    ...sentence(summary, why.isTwofold ? paint.red : tone, view),
    ...part('who saw what', votes, '  · ', view, paint),
    ...part('what it said itself', itself, '  · ', view, paint),
    ...part('what happened', past, '  · ', view, paint),
    ...part('next', next, '  → ', view, paint),
    '',
  ].join('\n')
}

const signs: Readonly<Record<PlaceSign, string>> = { good: '●', waiting: '◐', bad: '✗', none: '○' }

export function renderAppWhy(why: AppWhy, view: WhyView): string {
  const paint = paintFor(view.colour)
  const { summary, places, rules, next } = explainApp(why, view)
  const tones = { good: paint.green, waiting: paint.yellow, bad: paint.red, none: paint.dim }
  return [
    ...sentence(summary, (text) => text, view),
    ...(places.length === 0 ? [] : ['', paint.bold('where')]),
    ...places.flatMap(({ sign, text }) => hanging(`  ${signs[sign]} `, text, view.width, tones[sign])),
    ...part('by which rule', rules, '  · ', view, paint),
    ...part('next', next, '  → ', view, paint),
    '',
  ].join('\n')
}

function sentence(text: string, tone: (text: string) => string, { width }: WhyView): string[] {
  return hanging('', text, width).map(tone)
}

function part(title: string, lines: readonly string[], head: string, view: WhyView, paint: Paint): string[] {
  if (lines.length === 0) return []
  return ['', paint.bold(title), ...lines.flatMap((line) => hanging(head, line, view.width))]
}
