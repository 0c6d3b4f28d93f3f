import type { AuditLine, LogGap } from '../../api/index.ts'
import { usage } from '../arguments.ts'
import { defineCommand } from '../command.ts'
import { paintFor, type Paint } from '../paint.ts'
import { printJson, say } from '../print.ts'
import { ageText, plain } from '../text.ts'
import { fingerprint } from '../trust/keys.ts'

const schema = 'selvedge.audit/1'
const defaultTail = '50'
const largestTail = 1_000

export const trustLog = defineCommand({
  name: 'trust log',
  summary: 'show who signed what, when it arrived here, and what was refused',
  details:
    'Times are by this node’s own clock; where that may be wrong, the start of the node (#2) and the time since it ' +
    'tell more. Keys and nodes are shortened; --json has them whole.',
  options: {
    follow: { kind: 'flag', short: 'f', help: 'go on with new entries, until Ctrl-C' },
    tail: {
      kind: 'text',
      short: 'n',
      value: 'N',
      help: `only the newest N entries (default ${defaultTail}, at most ${largestTail})`,
    },
  },
  json: schema,
  usesNode: true,
  examples: [
    { line: 'trust log', says: 'the newest entries' },
    { line: 'trust log -f --json', says: 'JSON Lines, as they come' },
  ],
  async run(context) {
    const { world, client, options, json } = context
    const tail = countOf(options.tail ?? defaultTail)
    const paint = paintFor(world.stdout.colour)
    const names = new Map(json ? [] : (await client.status()).nodes.map(({ id, name }) => [id, name]))
    const print = (line: AuditLine | LogGap): void => {
      if (json) printJson(context, schema, line)
      else if ('missed' in line) say(context, `— ${line.missed} entries had to make room —`)
      else world.stdout.write(renderAudit(line, names, paint))
    }
    if (options.follow) {
      for await (const line of client.followAudit({ tail }, world.signal)) print(line)
      if (!world.signal.aborted) say(context, 'the node has stopped')
      return 0
    }
    const lines = await client.audit({ tail })
    for (const line of lines) print(line)
    if (lines.length === 0 && !json) say(context, 'nothing was signed or refused yet')
    return 0
  },
})

/** `2026-11-21 18:44:33 #2 +5 min  ✗ release  beyond-delegation …  from garage-2 (3 ×)`, in UTC. */
export function renderAudit(line: AuditLine, names: ReadonlyMap<string, string>, paint: Paint): string {
  const { at, boot, uptimeMs, kind, what, text, signers, from, code, attack, count, lastAt } = line
  const time = new Date(at).toISOString().slice(0, 19).replace('T', ' ')
  const sign = { taken: paint.green('●'), refused: paint.red('✗'), alarm: paint.yellow('!') }[kind]
  const by = signers.length === 0 ? '' : `  by ${signers.map(fingerprint).join(', ')}`
  const via = from === null ? '' : `  from ${plain(names.get(from) ?? `…${from.slice(-8)}`)}`
  const name = attack === null ? '' : `${paint.bold(attack)} `
  const why = code === null ? '' : `${code}: `
  const times = count === 1 ? '' : `  (${count} ×, the last ${ageText(lastAt - at)} later)`
  return `${time} ${paint.dim(`#${boot} +${ageText(uptimeMs)}`)}  ${sign} ${what.padEnd(10)} ${name}${why}${plain(text)}${by}${via}${times}\n`
}

function countOf(text: string): number {
  const count = Number(text)
  if (/^\d{1,6}$/.test(text) && count <= largestTail) return count
  throw usage({ name: 'trust log' }, `--tail ${text} is no number from 0 to ${largestTail}`)
}
