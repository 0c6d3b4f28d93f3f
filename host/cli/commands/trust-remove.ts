import type { TrustChange } from '../../../mesh/index.ts'
import { usage } from '../arguments.ts'
import { defineCommand } from '../command.ts'
import { confirm, confirmOptions } from '../confirm.ts'
import { say } from '../print.ts'
import { countText } from '../text.ts'
import { meantKey } from '../trust/keys.ts'
import { commonOf, keyBytes, revokeWithRoots } from '../trust/revoking.ts'
import { changeTrustOf, openSession } from '../trust/session.ts'

const kinds = ['root', 'admin', 'publisher'] as const

export const trustRemove = defineCommand({
  name: 'trust remove',
  summary: 'take a key out of those that the mesh believes',
  details:
    'An admin or publisher is revoked as well, because what it signed earlier would count with any date on it: what ' +
    'there is of it now is listed and stays, whatever else it signs counts nowhere.',
  arguments: [
    { name: 'KIND', required: true, completes: kinds },
    { name: 'KEY', required: true },
  ],
  options: {
    out: {
      kind: 'text',
      value: 'FILE',
      help: 'where a proposal goes that more roots must sign',
      completes: 'file',
    },
    reason: { kind: 'text', value: 'TEXT', help: 'why, for those who read it later' },
    ...confirmOptions,
  },
  json: 'selvedge.trust-change/1',
  usesNode: true,
  examples: [{ line: 'trust remove publisher 1f0c2a77', says: 'what it published stays, and runs on' }],
  async run(context) {
    const { args, client, options, world } = context
    const [typedKind = '', typedKey = ''] = args
    const kind = kinds.find((known) => known === typedKind)
    if (kind === undefined)
      throw usage({ name: 'trust remove' }, `${typedKind} is none of ${kinds.join(', ')}`)
    const session = await openSession(context)
    const { report, keys } = session
    const known = {
      root: report.roots,
      admin: report.admins.map(({ key }) => key),
      publisher: report.publishers.map(({ key }) => key),
    }[kind]
    const key = meantKey(
      typedKey,
      known,
      keys.filter(({ role }) => role === kind),
    )
    const change: TrustChange = { kind: `remove-${kind}`, key: keyBytes(key) }
    // Before anything is signed: a change that would lock the operator out must not leave half of it done.
    const { changeTrust } = await import('../../../mesh/index.ts')
    changeTrust(session.current, [change], world.clock.now())
    if (kind !== 'root') {
      const facts = await client.trustKey(key)
      const common = { ...commonOf(context, session, options.reason ?? 'removed'), key: keyBytes(key) }
      say(
        context,
        kind === 'admin'
          ? `revokes it; ${countText(facts.nodes.length, 'node')} that rest on it stay`
          : `revokes it; its releases of ${countText(facts.releases.length, 'app')} stay and run on`,
      )
      const record =
        kind === 'admin'
          ? {
              ...common,
              kind,
              nodes: facts.nodes.map((node) => keyBytes(node.key)),
              revocations: facts.revocations,
            }
          : {
              ...common,
              kind,
              accepted: Object.fromEntries(facts.releases.map(({ app, digest }) => [app, keyBytes(digest)])),
              running: 'keep' as const,
              revocations: facts.revocations,
            }
      await confirm(world, options, `sign with the root keys, and remove ${kind} ${key.slice(0, 16)}?`)
      const file = `revocation-${key.slice(0, 16)}.proposal`
      const revocation = await revokeWithRoots(
        { ...context, options: { ...options, out: undefined } },
        session,
        record,
        { file, question: null, answerTo: context.json ? 'stderr' : 'stdout' },
      )
      await changeTrustOf({ ...context, options: { ...options, yes: true } }, session, [change], {
        beside: { revocation },
      })
      return 0
    }
    await changeTrustOf(context, session, [change])
    return 0
  },
})
