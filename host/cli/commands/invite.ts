import { isSelvedgeError, systemRandom } from '../../../core/index.ts'
import { usage } from '../arguments.ts'
import { defineCommand } from '../command.ts'
import { printJson, say } from '../print.ts'
import { cliProblems } from '../problems.ts'
import { ageText, plain } from '../text.ts'
import { openRing } from '../trust/keys.ts'

const defaultExpiry = '1h'
const longestExpiryMs = 30 * 86_400_000

export const invite = defineCommand({
  name: 'invite',
  summary: 'make a token that lets one node into the mesh',
  details:
    'Only the token is printed on stdout. It works once, and whoever has it can use it: send it as you would a password.',
  options: {
    group: { kind: 'list', value: 'GROUP', help: 'a group that the node may belong to' },
    role: { kind: 'list', value: 'ROLE', help: 'a role that the node may have' },
    name: { kind: 'text', value: 'NAME', help: 'the only name that it may take' },
    'no-input': { kind: 'flag', help: 'never ask for a passphrase' },
    expires: {
      kind: 'text',
      value: 'TIME',
      help: `how long the token is good for, at most 30d (default ${defaultExpiry})`,
    },
  },
  json: 'selvedge.invite/1',
  usesNode: true,
  examples: [
    { line: 'invite --group garage', says: 'one node, into the group garage, within an hour' },
    { line: 'invite --name garage-1 --expires 1d', says: 'for one name, for a day' },
  ],
  async run(context) {
    const { world, client, options, json } = context
    const lifeMs = await expiryOf(options.expires ?? defaultExpiry)
    const terms = await client.inviteContext()
    const { issueInvite } = await import('../../../mesh/index.ts')
    const ring = await openRing(world, !options['no-input'])
    const admin = await ring.get(terms.mesh, 'admin').catch((error: unknown) => {
      if (!isSelvedgeError(error, 'ERR_KEY_MISSING')) throw error
      throw cliProblems.error(
        'ERR_NO_ADMIN_KEY',
        `${world.folders.keys} has no admin key of mesh ${plain(terms.meshName)}`,
        { cause: error },
      )
    })
    const expiresAt = world.clock.now() + lifeMs
    const { token, inviteId } = issueInvite({
      mesh: terms.mesh,
      roots: terms.roots.map((root) => new Uint8Array(Buffer.from(root, 'hex'))),
      addresses: terms.addresses,
      groups: options.group,
      roles: options.role,
      ...(options.name === undefined ? {} : { name: options.name }),
      expiresAt,
      admin,
      random: systemRandom,
    })
    if (json) {
      printJson(context, 'selvedge.invite/1', { token, id: inviteId, mesh: terms.mesh, expiresAt })
      return 0
    }
    const groups = options.group.length === 0 ? 'no group' : options.group.join(', ')
    say(
      context,
      `lets one node into mesh ${plain(terms.meshName)} (${groups}) within ${ageText(lifeMs)}; on that machine run:`,
    )
    const flags = [
      ...(options.name === undefined ? [] : ['--name', options.name]),
      ...options.group.flatMap((group) => ['--group', group]),
    ]
    say(context, `  selvedge up ${[...flags, '--join'].join(' ')} TOKEN`)
    if (terms.addresses.length === 0)
      say(context, 'this node has no address yet that another could dial: the token names none')
    world.stdout.write(`${token}\n`)
    return 0
  },
})

async function expiryOf(text: string): Promise<number> {
  const { parseDuration } = await import('../../manifest/index.ts')
  const lifeMs = parseDuration(text)
  if (lifeMs > 0 && lifeMs <= longestExpiryMs) return lifeMs
  throw usage({ name: 'invite' }, `--expires ${text} is not between 1ms and 30d`)
}
