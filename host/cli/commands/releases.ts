import { shortDigest } from '../../../core/index.ts'
import type { ReleaseEntry } from '../../api/index.ts'
import { defineCommand } from '../command.ts'
import { printJson } from '../print.ts'
import { cliProblems } from '../problems.ts'
import { table } from '../table.ts'
import { ageText, plain, sizeText } from '../text.ts'
import { cameText } from '../transfer-text.ts'

export const releases = defineCommand({
  name: 'releases',
  summary: 'list what was published of an app, newest first',
  arguments: [{ name: 'APP', required: true }],
  options: {},
  json: 'selvedge.releases/1',
  usesNode: true,
  examples: [{ line: 'releases light-alarm', says: 'what was published as light-alarm' }],
  async run(context) {
    const { world, client, args, json } = context
    const [app = ''] = args
    const list = await client.releases(app)
    if (list.length === 0) throw cliProblems.error('ERR_UNKNOWN_APP', `this node knows no release of ${app}`)
    if (json) printJson(context, 'selvedge.releases/1', { app, releases: list })
    else world.stdout.write(renderReleases(list, world.clock.now()))
    return 0
  },
})

const signs = { head: '● head', past: '○ past', fork: '✗ fork', revoked: '✗ revoked' } as const

function renderReleases(list: readonly ReleaseEntry[], now: number): string {
  const newestFirst = [...list].sort((one, other) => other.seq - one.seq)
  return table(
    newestFirst.map((release) => [
      signs[release.role],
      `${plain(release.version)} (seq ${release.seq})`,
      `component ${shortDigest(release.component)} ${sizeText(release.sizeBytes)}${variantsText(release)}`,
      `by ${release.publisher.slice(0, 8)}`,
      `${ageText(now - release.receivedAt)} ago`,
      release.groups.length === 0 ? 'every node' : release.groups.map(plain).join(' '),
      haltText(release),
      release.transfer === undefined ? '' : cameText(release.transfer),
    ]),
  )
}

/** ` +simd 12.3 KB`. */
function variantsText({ variants = [] }: ReleaseEntry): string {
  return variants.map(({ name, sizeBytes }) => ` +${plain(name)} ${sizeText(sizeBytes)}`).join('')
}

/** Why the newest one does not run, where it was revoked so. */
function haltText({ halted }: ReleaseEntry): string {
  if (halted === undefined) return ''
  const why = halted.reason === '' ? '' : `: ${plain(halted.reason)}`
  return `✗ stopped, its ${halted.of} was revoked${why}`
}
