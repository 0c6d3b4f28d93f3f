import { usage } from '../arguments.ts'
import { defineCommand } from '../command.ts'
import { confirmOptions } from '../confirm.ts'
import { say } from '../print.ts'
import { cliProblems } from '../problems.ts'
import { countText, plain } from '../text.ts'
import { meantKey } from '../trust/keys.ts'
import {
  adminKey,
  commonOf,
  keyBytes,
  revokeWithOne,
  revokeWithRoots,
  type RevokeContext,
} from '../trust/revoking.ts'
import { openKeys, openSession, type TrustSession } from '../trust/session.ts'

const kinds = ['node', 'publisher', 'release'] as const

export const trustRevoke = defineCommand({
  name: 'trust revoke',
  summary: 'say that a node, a publisher or a release counts no more',
  details:
    'A revocation is never undone. Of a publisher what is listed still counts: what there is of it now with --keep ' +
    '(the default), and does not run with --stop. Of a release the one before it runs again, with --stop nothing. ' +
    'A node is disconnected; those that it let in stay.',
  arguments: [
    { name: 'KIND', required: true, completes: kinds },
    { name: 'NAME|KEY|APP@VERSION', required: true },
  ],
  options: {
    keep: { kind: 'flag', help: 'of a publisher: what runs goes on (default)' },
    stop: { kind: 'flag', help: 'what it concerns runs no more' },
    reason: { kind: 'text', value: 'TEXT', help: 'why, for those who read it later' },
    out: {
      kind: 'text',
      value: 'FILE',
      help: 'where a proposal goes that more roots must sign',
      completes: 'file',
    },
    ...confirmOptions,
  },
  json: 'selvedge.trust-revocation/1',
  usesNode: true,
  examples: [
    { line: 'trust revoke node garage-2 --reason stolen', says: 'it is turned out, everywhere' },
    { line: 'trust revoke publisher 1f0c2a77 --stop', says: 'nothing of it runs any more' },
    { line: 'trust revoke release light-alarm@2.0.0', says: 'the release before it runs again' },
  ],
  async run(context) {
    const { args, options } = context
    const [kind = '', what = ''] = args
    if (options.keep && options.stop)
      throw usage({ name: 'trust revoke' }, '--keep and --stop exclude each other')
    const reason = options.reason ?? ''
    const parts = { what, reason, stop: options.stop }
    const session = await openSession(context)
    if (kind === 'node') await revokeNode(context, session, parts)
    else if (kind === 'publisher') await revokePublisher(context, session, parts)
    else if (kind === 'release') await revokeRelease(context, session, parts)
    else throw usage({ name: 'trust revoke' }, `${kind} is none of ${kinds.join(', ')}`)
    return 0
  },
})

interface Wanted {
  readonly what: string
  readonly reason: string
  readonly stop: boolean
}

async function revokeNode(
  context: RevokeContext,
  session: TrustSession,
  { what, reason }: Wanted,
): Promise<void> {
  const { client } = context
  const found = session.report.nodes.filter(({ name, id }) => name === what || id === what)
  const [node] = found
  if (node === undefined || found.length > 1) {
    throw cliProblems.error(
      'ERR_UNKNOWN_NODE',
      node === undefined
        ? `no member is called ${what}`
        : `${found.length} members are called ${what}; name one by its id`,
    )
  }
  const { self } = await client.status()
  if (node.id === self.id) {
    throw cliProblems.error(
      'ERR_REVOKE_SELF',
      `${plain(node.name)} is the very node that was asked to take the revocation`,
    )
  }
  const facts = await client.trustKey(node.key)
  say(context, `revokes node ${plain(node.name)} (${node.id})`)
  if (facts.nodes.length > 0)
    say(context, `  stay, though it let them in: ${facts.nodes.map(({ name }) => plain(name)).join(', ')}`)
  const record = {
    ...commonOf(context, session, reason),
    kind: 'node',
    key: keyBytes(node.key),
    nodes: facts.nodes.map(({ key }) => keyBytes(key)),
  } as const
  await revokeWithOne(
    context,
    record,
    await adminKey(context, session),
    'sign with the admin key? it cannot be undone',
  )
}

async function revokePublisher(
  context: RevokeContext,
  session: TrustSession,
  { what, reason, stop }: Wanted,
): Promise<void> {
  const { report, keys } = session
  const known = report.publishers.map(({ key }) => key)
  const key = meantKey(
    what,
    known,
    keys.filter(({ role }) => role === 'publisher'),
  )
  const facts = await context.client.trustKey(key)
  say(context, `revokes publisher ${key}`)
  for (const { app, version, seq } of facts.releases.slice(0, 20)) {
    say(context, `  ${app} ${plain(version)} (seq ${seq}) ${stop ? 'stops' : 'stays and runs on'}`)
  }
  if (facts.releases.length > 20) say(context, `  and ${countText(facts.releases.length - 20, 'more app')}`)
  const record = {
    ...commonOf(context, session, reason),
    kind: 'publisher',
    key: keyBytes(key),
    accepted: Object.fromEntries(facts.releases.map(({ app, digest }) => [app, keyBytes(digest)])),
    running: stop ? 'stop' : 'keep',
    revocations: facts.revocations,
  } as const
  await revokeWithRoots(context, session, record, {
    file: `revocation-${key.slice(0, 16)}.proposal`,
    question: 'sign with the root keys? it cannot be undone',
  })
}

async function revokeRelease(
  context: RevokeContext,
  session: TrustSession,
  { what, reason, stop }: Wanted,
): Promise<void> {
  const at = what.lastIndexOf('@')
  const [app, version] = at < 1 ? [what, ''] : [what.slice(0, at), what.slice(at + 1)]
  const list = await context.client.releases(app)
  const found = list.filter(
    (entry) => entry.role !== 'revoked' && (entry.version === version || entry.digest.startsWith(version)),
  )
  const [release] = found
  if (version === '' || release === undefined || found.length > 1) {
    const there = list.map((entry) => `${entry.app}@${plain(entry.version)}`)
    throw cliProblems.error(
      'ERR_UNKNOWN_RELEASE',
      `${what} names ${found.length === 0 ? 'no release' : 'several releases'}; there is ${there.join(', ') || 'none'}`,
    )
  }
  const before = list
    .filter(({ role, seq }) => role === 'past' && seq < release.seq)
    .sort((a, b) => b.seq - a.seq)[0]
  const then =
    stop || before === undefined
      ? 'nothing of the app runs until the next one'
      : `${plain(before.version)} runs again`
  say(context, `revokes ${app} ${plain(release.version)} (seq ${release.seq}, ${release.role}); ${then}`)
  const record = {
    ...commonOf(context, session, reason),
    kind: 'release',
    app,
    release: release.digest,
    effect: stop ? 'stop' : 'fall-back',
  } as const
  const [own] = await openKeys(session, 'publisher', [release.publisher])
  const signer = await adminKey(context, session).catch((error: unknown) => {
    if (own === undefined) throw error
    return own
  })
  await revokeWithOne(context, record, signer, 'sign? it cannot be undone')
}
