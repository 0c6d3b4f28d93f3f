import type { TrustReport } from '../../api/index.ts'
import { defineCommand } from '../command.ts'
import { paintFor, type Paint } from '../paint.ts'
import { printJson } from '../print.ts'
import { table } from '../table.ts'
import { ageText, countText, plain } from '../text.ts'
import { heartbeatText } from '../trust/heartbeat-text.ts'
import { fingerprint } from '../trust/keys.ts'

const schema = 'selvedge.trust/1'

export const trustShow = defineCommand({
  name: 'trust show',
  summary: 'show whom the mesh believes, what was revoked, and who knows of it',
  options: {},
  json: schema,
  usesNode: true,
  examples: [
    { line: 'trust show', says: 'roots, admins, publishers with what they may do, and revocations' },
    { line: 'trust show --json', says: 'the same with whole keys, for scripts' },
  ],
  async run(context) {
    const { client, world, json } = context
    const report = await client.trust()
    if (json) {
      const { chain: _signed, nextHeartbeat: _next, ...shown } = report
      printJson(context, schema, shown)
    } else world.stdout.write(renderTrust(report, world.clock.now(), paintFor(world.stdout.colour)))
    return 0
  },
})

/** @param now wall clock: revocations carry their signers' dates */
export function renderTrust(report: TrustReport, now: number, paint: Paint): string {
  const { name, mesh, version, threshold, roots } = report
  const knowing = report.nodes.filter(({ trustVersion }) => trustVersion === version).length
  const others = report.nodes.filter(({ trustVersion }) => trustVersion !== version)
  return [
    `mesh ${paint.bold(plain(name))}  ${fingerprint(mesh)}  trust v${version}, known to ${knowing} of ${countText(report.nodes.length, 'node')}\n`,
    ...others.map(
      (node) =>
        `  ${paint.yellow('◐')} ${plain(node.name)} ${node.trustVersion === null ? 'has not said' : `goes by v${node.trustVersion}`}, ${plain(node.state)}\n`,
    ),
    ...(threshold === 1
      ? [
          `${paint.yellow('!')} one root key is enough to change everything: whoever steals it has the mesh, and nobody can help if it is lost\n`,
          '  next: selvedge trust add-root --new, keep that key elsewhere, then selvedge trust threshold 2\n',
        ]
      : []),
    `\nroots, ${threshold} of ${roots.length} must sign\n`,
    table(roots.map((key) => [`  ${fingerprint(key)}`])),
    '\nadmins, who let nodes in and revoke them\n',
    table(
      report.admins.map(({ key, revoked }) => [
        `  ${fingerprint(key)}`,
        ...(revoked ? [paint.red('✗ revoked')] : []),
      ]),
    ),
    '\npublishers\n',
    table(
      report.publishers.map(({ key, apps, grants, revoked }) => [
        `  ${fingerprint(key)}`,
        `apps ${listText(apps)}`,
        `grants ${listText(grants)}`,
        ...(revoked ? [paint.red('✗ revoked')] : []),
      ]),
    ),
    ...revocations(report, now, paint),
    ...(report.heartbeat === null ? [] : [`\n${heartbeatText(report.heartbeat)}\n`]),
  ].join('')
}

function revocations(
  { revocations: list, revocationCount }: TrustReport,
  now: number,
  paint: Paint,
): string[] {
  if (list.length === 0) return []
  const rows = list.map(({ of, text, reason, at, counts }) => [
    `  ${fingerprint(of)}`,
    plain(text),
    `${ageText(now - at)} ago`,
    ...(counts ? [] : [paint.dim('counts no more')]),
    ...(reason === '' ? [] : [plain(reason)]),
  ])
  const more = revocationCount - list.length
  return ['\nrevoked\n', table(rows), ...(more > 0 ? [`  and ${more} more\n`] : [])]
}

function listText(patterns: readonly string[]): string {
  return patterns.length === 0 ? 'none' : patterns.map(plain).join(', ')
}
