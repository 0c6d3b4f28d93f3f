import { usage } from '../arguments.ts'
import { defineCommand } from '../command.ts'
import { confirm, confirmOptions } from '../confirm.ts'
import { printJson } from '../print.ts'
import { ageText } from '../text.ts'
import { hex } from '../trust/keys.ts'
import { adminKey } from '../trust/revoking.ts'
import { openSession } from '../trust/session.ts'

const schema = 'selvedge.trust-heartbeat/1'
const leastMs = 60_000
const mostMs = 366 * 86_400_000

export const trustHeartbeat = defineCommand({
  name: 'trust heartbeat',
  summary: 'tell every node that it has the news, as of now',
  details:
    'Signed with an admin key: a number, the version of trust, and a digest over the newest releases. Nodes show its ' +
    'age in `status`. With --every they warn when the next one stays away; what runs goes on in any case. Give it to a ' +
    'job that runs as often as you promise.',
  options: {
    every: { kind: 'text', value: 'TIME', help: 'promise the next one within this time, as 1h' },
    ...confirmOptions,
  },
  json: schema,
  usesNode: true,
  examples: [{ line: 'trust heartbeat --every 1h --yes', says: 'in a job that runs every hour' }],
  async run(context) {
    const { world, client, options, json } = context
    const everyMs = options.every === undefined ? undefined : await intervalOf(options.every)
    const session = await openSession(context)
    const admin = await adminKey(context, session)
    const { report } = session
    const counter = report.nextHeartbeat[hex(admin.publicKey)] ?? 1
    const { signHeartbeat } = await import('../../../mesh/index.ts')
    await confirm(world, options, `sign heartbeat ${counter} over trust version ${report.version}?`)
    const bytes = signHeartbeat(
      {
        v: 1,
        mesh: report.mesh,
        counter,
        at: world.clock.now(),
        trust: report.version,
        releases: report.releases,
        ...(everyMs === undefined ? {} : { everyMs }),
        critical: [],
      },
      admin,
    )
    const { outcome, digest } = await client.beat(bytes)
    if (json) printJson(context, schema, { outcome, digest, counter, everyMs: everyMs ?? null })
    else {
      const next = everyMs === undefined ? '' : `, the next within ${ageText(everyMs)}`
      world.stdout.write(`heartbeat ${counter} ${outcome}${next}\n`)
    }
    return 0
  },
})

async function intervalOf(text: string): Promise<number> {
  const { parseDuration } = await import('../../manifest/index.ts')
  const everyMs = parseDuration(text)
  if (everyMs >= leastMs && everyMs <= mostMs) return everyMs
  throw usage({ name: 'trust heartbeat' }, `--every ${text} is not between 1min and 366d`)
}
