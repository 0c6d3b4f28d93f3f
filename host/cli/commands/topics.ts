import type { JournalReport, MessageReport, TopicReport, WaitingReport } from '../../api/index.ts'
import { defineCommand } from '../command.ts'
import { paintFor, type Paint } from '../paint.ts'
import { printJson } from '../print.ts'
import { table } from '../table.ts'
import { ageText, countText, plain, sizeText } from '../text.ts'

const schema = 'selvedge.topics/1'

export const topics = defineCommand({
  name: 'topics',
  summary: 'show topics of messages, and what waits for whom',
  details:
    'A topic goes as far as releases say under [topics.NAME]: to apps of the node, of its groups, of the mesh. What waits ' +
    'for a node that is away goes on its way when it is back.',
  options: {},
  json: schema,
  usesNode: true,
  examples: [{ line: 'topics', says: 'topics, and messages on their way' }],
  async run(context) {
    const { world, client, json } = context
    const report = await client.topics()
    if (json) printJson(context, schema, report)
    else world.stdout.write(renderTopics(report, world.clock.now(), world.stdout.colour))
    return 0
  },
})

export function renderTopics(report: MessageReport, now: number, colour: boolean): string {
  const paint = paintFor(colour)
  const { topics: list, waiting, journals } = report
  if (list.length + waiting.length === 0)
    return 'nobody publishes or hears a topic here; a release names them under [topics.NAME] and [grants]\n'
  const least = report.isPartial ? 'at least ' : ''
  return [
    table(list.map((topic) => topicRow(topic))),
    ...list.flatMap(differing),
    waiting.length === 0 ? '' : `\n${table(waiting.map((one) => waitingRow(one, least, now, paint)))}`,
    '\n',
    journalText('out', journals.out),
    journalText('in', journals.in),
    countsText(report),
  ].join('')
}

function topicRow({ topic, scope, heardBy, nodes, declaredBy }: TopicReport): string[] {
  const here = heardBy.length === 0 ? [] : [`${heardBy.map(plain).join(', ')} here`]
  const there = nodes.length === 0 ? [] : [nodes.map(plain).join(', ')]
  const heard = [...here, ...there]
  return [
    plain(topic),
    declaredBy.length === 0 ? 'node (no release declares it)' : scope,
    heard.length === 0 ? 'heard by nobody in reach' : `heard by ${heard.join(' and by ')}`,
  ]
}

/** Releases that do not agree are nobody's wish. */
function differing({ topic, scope, declaredBy }: TopicReport): string[] {
  if (declaredBy.every((one) => one.scope === scope)) return []
  const said = declaredBy.map(({ app, scope: wanted }) => `${plain(app)} says ${wanted}`).join(', ')
  return [`${plain(topic)}: ${said}; the nearest counts, ${scope}\n`]
}

function waitingRow(one: WaitingReport, least: string, now: number, paint: Paint): string[] {
  const { waiting, oldestMs, state, kind } = one
  const isStuck = waiting > 0 && (state === 'away' || state === 'waiting' || one.lastError !== null)
  const words = {
    connected: 'connected',
    away: 'away; it is sent when the node is back',
    idle: 'not yet tried',
    read: 'being handed over',
    waiting: 'nobody reads it now; it is handed over when the app runs',
  } as const
  return [
    waiting === 0 ? '·' : isStuck ? paint.yellow('◐') : paint.green('●'),
    kind === 'node' ? `to ${plain(one.for)}` : `for ${plain(one.for)}`,
    waiting === 0 ? 'nothing waits' : `${least}${countText(waiting, 'message')}`,
    oldestMs === null ? '' : `oldest ${ageText(now - oldestMs)}`,
    waiting === 0 ? '' : one.lastError === null ? words[state] : plain(one.lastError),
  ]
}

function journalText(name: string, journal: JournalReport): string {
  const { items, bytes, mostItems, mostBytes, whenFull, dropped } = journal
  const lost = dropped === 0 ? '' : `, ${countText(dropped, 'message')} dropped to make room`
  const full = whenFull === 'refuse' ? 'refuses when full' : 'drops the oldest when full'
  return `journal ${name}: ${items} of ${mostItems} messages, ${sizeText(bytes)} of ${sizeText(mostBytes)}, ${full}${lost}\n`
}

function countsText({ counts }: MessageReport): string {
  const told = [
    `${counts.published} published`,
    `${counts.delivered} delivered to other nodes`,
    `${counts.received} received`,
    `${counts.handled} handed over`,
    ...(counts.expired === 0 ? [] : [`${counts.expired} expired`]),
    ...(counts.unwanted === 0 ? [] : [`${counts.unwanted} that nobody heard any more`]),
    ...(counts.refused === 0 ? [] : [`${counts.refused} refused`]),
    ...(counts.damaged === 0 ? [] : [`${counts.damaged} damaged`]),
  ]
  return `since the node started: ${told.join(', ')}\n`
}
