/** What is new between two looks at a mesh, a line each: `status --watch` where there is no terminal to redraw. */
import type { AppStatus, NodeStatus, StatusReport } from '../api/index.ts'
import { plain } from './text.ts'
import { timeText, type TimeView } from './time-text.ts'

/** @returns none where nothing changed but ages, round trips and how far downloads have come */
export function statusChanges(before: StatusReport, after: StatusReport, view: TimeView): string[] {
  const known = new Map(before.nodes.map((node) => [node.id, node]))
  const still = new Set(after.nodes.map(({ id }) => id))
  const changes = [
    ...networkChange(before, after),
    ...after.nodes.flatMap((node) => nodeChanges(known.get(node.id), node)),
    ...before.nodes
      .filter(({ id }) => !still.has(id))
      .map(({ name }) => `${plain(name)} is no member any more`),
    ...problemChanges(before, after),
  ]
  return changes.map((text) => `${timeText(view.now, view)}  ${text}`)
}

function networkChange(before: StatusReport, after: StatusReport): string[] {
  return before.self.network === after.self.network ? [] : [`the network is ${after.self.network}`]
}

function nodeChanges(before: NodeStatus | undefined, after: NodeStatus): string[] {
  const name = plain(after.name)
  if (before === undefined) return [`${name} is a member now, ${after.state}`]
  return [
    ...(before.state === after.state
      ? []
      : [`${name}: ${before.state} → ${after.state}: ${plain(after.why)}`]),
    ...(before.slow === after.slow
      ? []
      : [after.slow === true ? `${name} says that it is slow` : `${name} is slow no more`]),
    ...appChanges(name, before.apps, after.apps),
  ]
}

function appChanges(node: string, before: readonly AppStatus[], after: readonly AppStatus[]): string[] {
  const known = new Map(before.map((app) => [app.app, appText(app)]))
  const still = new Set(after.map(({ app }) => app))
  return [
    ...after.flatMap((app) => (known.get(app.app) === appText(app) ? [] : [`${node}: ${appText(app)}`])),
    ...before.filter(({ app }) => !still.has(app)).map(({ app }) => `${node}: ${plain(app)} is gone`),
  ]
}

function appText({ app, version, state, reason, next }: AppStatus): string {
  const why = reason === undefined ? '' : `: ${reason.code}: ${plain(reason.message)}`
  const then =
    next === undefined
      ? ''
      : `; → ${plain(next.version)} ${next.state}${next.reason === undefined ? '' : `: ${next.reason.code}: ${plain(next.reason.message)}`}`
  return `${plain(app)} ${plain(version)} ${state}${why}${then}`
}

/** By code: a message may tell an age, which is another every time. */
function problemChanges(before: StatusReport, after: StatusReport): string[] {
  const codes = new Set(before.problems.map(({ code }) => code))
  const now = new Set(after.problems.map(({ code }) => code))
  return [
    ...after.problems
      .filter(({ code }) => !codes.has(code))
      .map(({ code, message, hint }) => `✗ ${code}: ${plain(message)} · next: ${plain(hint)}`),
    ...[...codes].filter((code) => !now.has(code)).map((code) => `${code} is over`),
  ]
}
