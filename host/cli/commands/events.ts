import type { EventReceipt, EventReport, QueuedEvent } from '../../api/index.ts'
import { defineCommand } from '../command.ts'
import { paintFor, type Paint } from '../paint.ts'
import { printJson } from '../print.ts'
import { cliProblems } from '../problems.ts'
import { ageText, countText, hanging, plain, sizeText } from '../text.ts'
import type { Output } from '../world.ts'

const schema = 'selvedge.events/1'

export const events = defineCommand({
  name: 'events',
  summary: 'show events that wait for an app or failed, and replay them',
  details:
    'Events of triggers with delivery = "at-least-once" are on the disk until the app has handled them. One that failed ' +
    'each time becomes a dead letter, with its last error, and stays until it is replayed or discarded. bridge/NAME in place ' +
    'of the app shows messages for a broker, and those that it refused.',
  arguments: [{ name: 'APP', required: true, completes: 'app' }],
  options: {
    dead: { kind: 'flag', help: 'show only those given up' },
    replay: {
      kind: 'list',
      value: 'N|all',
      help: 'hand these dead letters to the app again',
      completes: ['all'],
    },
    discard: { kind: 'list', value: 'N|all', help: 'delete these dead letters', completes: ['all'] },
  },
  json: schema,
  usesNode: true,
  examples: [
    { line: 'events light-alarm', says: 'what waits, what failed, and why' },
    { line: 'events light-alarm --replay all', says: 'tries all dead letters again' },
    { line: 'events light-alarm --discard 7,9', says: 'deletes two of them' },
    { line: 'events bridge/cloud --replay all', says: 'sends a broker again what it refused' },
  ],
  async run(context) {
    const { world, client, args, options, json } = context
    const [app = ''] = args
    if (options.replay.length > 0 && options.discard.length > 0) {
      throw cliProblems.error('ERR_USAGE', '--replay and --discard exclude each other')
    }
    const action = options.replay.length > 0 ? 'replay' : 'discard'
    const named = [...options.replay, ...options.discard]
    if (named.length > 0) {
      const receipt = await client.changeEvents({ app, action, items: itemsOf(named, action) })
      if (json) printJson(context, schema, receipt)
      else world.stdout.write(receiptText(receipt))
      return receipt.count === 0 ? 1 : 0
    }
    const report = await client.events(app)
    const wanted = options.dead ? { ...report, waiting: [] } : report
    if (json) printJson(context, schema, wanted)
    else world.stdout.write(renderEvents(wanted, options.dead, world.clock.now(), world.stdout))
    return 0
  },
})

/** @throws ERR_USAGE */
function itemsOf(named: readonly string[], action: string): number[] | 'all' {
  const texts = named.flatMap((text) => text.split(',')).map((text) => text.trim())
  if (texts.includes('all')) return 'all'
  return texts.map((text) => {
    if (/^[1-9]\d{0,14}$/.test(text)) return Number(text)
    const shown = JSON.stringify(text.slice(0, 40))
    throw cliProblems.error(
      'ERR_USAGE',
      `--${action} ${shown} is neither the number of a dead letter nor "all"`,
    )
  })
}

function receiptText({ action, count }: EventReceipt): string {
  const what = countText(count, 'dead letter')
  if (count === 0) return 'there is no such dead letter\n'
  return action === 'replay' ? `${what} wait${count === 1 ? 's' : ''} again\n` : `${what} discarded\n`
}

export function renderEvents(
  report: EventReport,
  onlyDead: boolean,
  now: number,
  { width, colour }: Pick<Output, 'width' | 'colour'>,
): string {
  const paint = paintFor(colour)
  const { counts, waiting, dead } = report
  const app = plain(report.app)
  const held = counts.waiting + counts.taken
  const lines = onlyDead
    ? []
    : [
        held === 0
          ? `nothing waits for ${app}`
          : `${countText(held, 'event')} of ${app} on the disk, ${sizeText(counts.bytes)}`,
        ...waiting.flatMap((event) => eventLines(event, now, width, paint)),
        ...moreLine(held - waiting.length),
      ]
  const deadLines =
    counts.dead === 0
      ? [`no dead letters`]
      : [
          countText(counts.dead, 'dead letter'),
          ...dead.flatMap((event) => eventLines(event, now, width, paint)),
          ...moreLine(counts.dead - dead.length),
          `next: selvedge events ${app} --replay all, or --discard N`,
        ]
  return [...lines, ...deadLines].map((line) => `${line}\n`).join('')
}

function moreLine(count: number): string[] {
  return count > 0 ? [`  … and ${count} more`] : []
}

function eventLines(event: QueuedEvent, now: number, width: number, paint: Paint): string[] {
  const { item, id, kind, attempts, addedMs, diedMs, payload, lastError } = event
  const isDead = diedMs !== undefined
  const sign = isDead ? paint.red('✗') : lastError === null ? paint.green('●') : paint.yellow('◐')
  const facts = [
    `${item}`,
    `${plain(kind)} event ${id ?? '?'}`,
    `${ageText(now - addedMs)} old`,
    ...(attempts === 0 ? [] : [countText(attempts, 'attempt')]),
    ...(isDead ? [`given up ${ageText(now - diedMs)} ago`] : []),
  ]
  return [
    `${sign} ${facts.join('  ')}`,
    ...(payload === '' ? [] : hanging('    ', plain(payload), width)),
    ...(lastError === null ? [] : hanging('    why: ', plain(lastError), width)),
  ]
}
