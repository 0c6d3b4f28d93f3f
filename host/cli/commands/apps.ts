import type { LocalApp } from '../../api/index.ts'
import { defineCommand } from '../command.ts'
import { paintFor, type Paint } from '../paint.ts'
import { printJson } from '../print.ts'
import { variantText } from '../render-apps.ts'
import { adviceText, ageText, countText, hanging, percentText, plain } from '../text.ts'
import { comingText, originText } from '../transfer-text.ts'
import type { Output } from '../world.ts'

export const apps = defineCommand({
  name: 'apps',
  summary: 'list the apps on this node: version, state, events, grants',
  options: {},
  json: 'selvedge.apps/1',
  usesNode: true,
  examples: [
    { line: 'apps', says: 'what this node runs' },
    { line: 'apps --json', says: 'with counters of events, restarts and the last swap' },
  ],
  async run(context) {
    const { world, client, json } = context
    const list = await client.apps()
    if (json) printJson(context, 'selvedge.apps/1', { apps: list })
    else if (list.length === 0) world.stderr.write('no apps yet: publish one with `selvedge publish DIR`\n')
    else world.stdout.write(renderLocalApps(list, world.clock.now(), world.stdout))
    return 0
  },
})

/** A block per app: what it does, then whatever stands in its way. */
function renderLocalApps(
  list: readonly LocalApp[],
  now: number,
  { width, colour }: Pick<Output, 'width' | 'colour'>,
): string {
  const paint = paintFor(colour)
  return list
    .flatMap((app) => [
      `${signOf(app, paint)} ${plain(app.app)} ${plain(app.version)}${variantText(app)} (seq ${app.seq})  ${app.state} ${ageText(now - app.since)}`,
      ...hanging('    ', eventsText(app), width),
      ...hanging('    ', usageText(app.usage), width),
      ...transferLines(app, width),
      ...hanging(
        '    may use ',
        app.grants.length === 0 ? 'nothing' : app.grants.map(plain).join(' '),
        width,
      ),
      ...reasonLines(app.reason, width),
      ...incidentLines(app, now, width),
      ...nextLines(app, width),
    ])
    .map((line) => `${line}\n`)
    .join('')
}

/** What ended an instance last, and what the app said before. */
function incidentLines({ lastIncident }: LocalApp, now: number, width: number): string[] {
  if (lastIncident === undefined) return []
  const { time, reason, message, lines } = lastIncident
  return [
    ...hanging(`    last incident ${ageText(now - time)} ago, ${plain(reason)}: `, plain(message), width),
    ...lines.flatMap((line) => hanging('      said: ', plain(line), width)),
  ]
}

function nextLines({ next }: LocalApp, width: number): string[] {
  if (next === undefined) return []
  const { transfer, progress, state } = next
  const share = progress === undefined ? '' : ` ${percentText(progress)}`
  const how = transfer !== undefined && state === 'fetching' ? ` ${comingText(transfer).trim()}` : share
  return [
    `    → ${plain(next.version)}${variantText(next)} (seq ${next.seq})  ${state}${how}`,
    ...reasonLines(next.reason, width),
  ]
}

/** Where the bytes came from that run here; nothing of an app that was here before the node started. */
function transferLines({ transfer, state }: LocalApp, width: number): string[] {
  if (transfer === undefined) return []
  return hanging(
    '    component ',
    state === 'fetching' ? comingText(transfer).trim() : originText(transfer),
    width,
  )
}

function reasonLines(reason: LocalApp['reason'], width: number): string[] {
  if (reason === undefined) return []
  return [
    ...hanging(`    ${reason.code}: `, plain(reason.message), width),
    ...hanging('    next: ', adviceText(reason.hint), width),
  ]
}

function signOf(app: LocalApp, paint: Paint): string {
  if (app.state === 'running') return paint.green('●')
  if (app.state === 'failed' || app.state === 'backoff') return paint.red('✗')
  return app.state === 'stopped' ? paint.dim('○') : paint.yellow('◐')
}

const isolationWords: Readonly<Record<string, string>> = {
  worker: 'a thread each',
  shared: 'in a thread shared with other apps of its publisher',
  process: 'a process each',
}
const confinementWords: Readonly<Record<string, string>> = {
  'permission-model': 'under Node.js’s permission model',
  'other-user': 'as another user',
  none: 'not confined any further',
}

/** `2 instances, a process each under …; 311 calls, 4.2 s of CPU, 128 KiB of memory; ended: 3 by trap`. */
function usageText({ isolation, confinement, ...usage }: LocalApp['usage']): string {
  const place = isolation === null ? '' : `, ${isolationWords[isolation] ?? isolation}`
  const bounds = confinement === null ? '' : ` ${confinementWords[confinement] ?? confinement}`
  const ended = Object.entries(usage.incidents).map(([reason, count]) => `${count} by ${reason}`)
  return [
    `${countText(usage.instances, 'instance')}${place}${bounds}`,
    [
      countText(usage.invocations, 'call'),
      `${(usage.cpuMs / 1_000).toFixed(1)} s of CPU`,
      `${Math.ceil(usage.memoryBytes / 1_024)} KiB of memory`,
      ...(usage.waiting === 0 ? [] : [`${usage.waiting} waiting`]),
    ].join(', '),
    ...(ended.length === 0 ? [] : [`ended: ${ended.join(', ')}`]),
  ].join('; ')
}

function eventsText({ events, restarts }: LocalApp): string {
  const lost = events.failed + events.dropped
  return [
    `${countText(events.handled, 'event')} handled`,
    ...(lost === 0 ? [] : [`${events.failed} failed, ${events.dropped} dropped`]),
    ...((events.waiting ?? 0) === 0 ? [] : [`${events.waiting} waiting`]),
    ...((events.dead ?? 0) === 0 ? [] : [`${events.dead} given up`]),
    ...(restarts === 0 ? [] : [countText(restarts, 'restart')]),
  ].join(', ')
}
