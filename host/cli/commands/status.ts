import { nearestName } from '../../../core/index.ts'
import type { StatusReport } from '../../api/index.ts'
import { defineCommand } from '../command.ts'
import { printJson } from '../print.ts'
import { cliProblems } from '../problems.ts'
import { renderStatus, type StatusView } from '../render-status.ts'
import { statusChanges } from '../status-changes.ts'
import { plain } from '../text.ts'
import { utcOffsetAt } from '../time-text.ts'
import { watch } from '../watch.ts'
import type { World } from '../world.ts'

const schema = 'selvedge.status/1'

export const status = defineCommand({
  name: 'status',
  summary: 'show the mesh as a node sees it: who lives, what runs',
  details:
    'Signs: ● alive, ◐ in doubt, ✗ dead, ○ left. The columns are name, verdict, platform, round trip, age of what ' +
    'is known of the node, and its apps. What needs a look comes first; in a large mesh what is well is counted. ' +
    'With --watch on a terminal: q ends, / filters, arrows and space scroll; elsewhere a line for each change.',
  options: {
    watch: { kind: 'flag', short: 'w', help: 'draw it again every second, until q or Ctrl-C' },
    all: { kind: 'flag', short: 'a', help: 'every node on a line of its own, however many there are' },
    group: { kind: 'text', short: 'g', value: 'G', help: 'only the nodes of this group', completes: 'group' },
    node: { kind: 'text', value: 'NODE', help: 'only this node, by name or id', completes: 'node' },
  },
  json: schema,
  usesNode: true,
  examples: [
    { line: 'status', says: 'the mesh at a glance' },
    { line: 'status --watch', says: 'the same, live' },
    { line: 'status --group garage', says: 'one site, node by node' },
    { line: 'status --json', says: 'for scripts: one JSON document; with --watch one a second' },
  ],
  async run(context) {
    const { world, client, options, json } = context
    const { all, group, node } = options
    const wanted = { all, group, node }
    const look = async (): Promise<StatusReport> => {
      const report = await client.status()
      requireThere(report, wanted)
      return report
    }
    if (options.watch) {
      await watch(
        world,
        {
          look,
          draw: (report, ageMs, filter) =>
            renderStatus(report, { ...viewOf(world, ageMs), ...wanted, filter }),
          changes(before, report) {
            if (json) return `${JSON.stringify({ schema, ...partOf(report, wanted) })}\n`
            const view = { ...viewOf(world, 0), ...wanted }
            if (before === null) return renderStatus(report, view)
            const lines = statusChanges(partOf(before, wanted), partOf(report, wanted), view)
            return lines.map((line) => `${line}\n`).join('')
          },
        },
        json,
      )
      return 0
    }
    const report = await look()
    if (json) printJson(context, schema, partOf(report, wanted))
    else world.stdout.write(renderStatus(report, { ...viewOf(world, 0), ...wanted }))
    return 0
  },
})

interface Wanted {
  readonly group: string | undefined
  readonly node: string | undefined
}

function viewOf({ stdout: { width, colour }, clock }: World, reportAgeMs: number): StatusView {
  const now = clock.now()
  return { now, utcOffset: utcOffsetAt(now), reportAgeMs, width, colour }
}

/** The report with those nodes alone that were asked for. */
function partOf(report: StatusReport, { group, node }: Wanted): StatusReport {
  if (group === undefined && node === undefined) return report
  const nodes = report.nodes.filter(
    (one) =>
      (group === undefined || one.groups.includes(group)) &&
      (node === undefined || one.name === node || one.id === node),
  )
  return { ...report, nodes }
}

/** @throws ERR_UNKNOWN_GROUP, ERR_UNKNOWN_NODE */
function requireThere(report: StatusReport, wanted: Wanted): void {
  const { nodes } = report
  const groups = [...new Set(nodes.flatMap((one) => one.groups))]
  const { group, node } = wanted
  if (group !== undefined && !groups.includes(group)) {
    throw cliProblems.error('ERR_UNKNOWN_GROUP', `no node is in a group ${group}`, hintFor(group, groups))
  }
  if (partOf(report, wanted).nodes.length > 0) return
  const inGroup = group === undefined ? nodes : nodes.filter((one) => one.groups.includes(group))
  const where = group === undefined ? '' : ` in group ${group}`
  throw cliProblems.error(
    'ERR_UNKNOWN_NODE',
    `no member${where} is called ${node ?? ''}`,
    hintFor(
      node ?? '',
      inGroup.map(({ name }) => name),
    ),
  )
}

function hintFor(typed: string, names: readonly string[]): { readonly hint?: string } {
  const meant = nearestName(typed, names)
  return meant === null ? {} : { hint: `did you mean ${plain(meant)}?` }
}
