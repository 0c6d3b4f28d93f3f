/** Where a call went, in words: the node that answered and why it, who was asked before, the time and the bytes. */
import type { CallTraceReport } from '../api/index.ts'
import { hanging, plain, sizeText } from './text.ts'

const places: Readonly<Record<string, string>> = {
  node: 'this node',
  group: 'in the group',
  mesh: 'beyond the group',
}

export function traceText(trace: CallTraceReport, width: number): string[] {
  const { node, scope, why, attempts, queueMs, runMs, bytesIn, bytesOut } = trace
  const place = scope === null ? '' : ` (${places[scope] ?? scope})`
  const answered =
    node === null ? 'nobody answered' : `${plain(node)}${place}${why === '' ? '' : `: ${plain(why)}`}`
  const tried = attempts.map(
    (attempt) =>
      `${plain(attempt.node)} ${attempt.outcome}${attempt.code === undefined ? '' : ` ${plain(attempt.code)}`} ${msText(attempt.ms)}`,
  )
  const crossed =
    bytesIn + bytesOut === 0 ? 'nothing crossed' : `${sizeText(bytesIn)} there, ${sizeText(bytesOut)} back`
  return [
    ...hanging('  node   ', answered, width),
    ...(tried.length === 0 ? [] : hanging('  asked  ', tried.join('; '), width)),
    ...(node === null
      ? []
      : hanging('  took   ', `${msText(queueMs)} in the queue, ${msText(runMs)} running; ${crossed}`, width)),
  ]
}

function msText(ms: number): string {
  return ms < 10 ? `${ms.toFixed(1)} ms` : `${Math.round(ms)} ms`
}
