import { usage } from '../arguments.ts'
import { defineCommand } from '../command.ts'
import { confirmOptions } from '../confirm.ts'
import { say } from '../print.ts'
import { cliProblems } from '../problems.ts'
import { hex, meantKey } from '../trust/keys.ts'
import { keyOptions, plannedKey } from '../trust/new-key.ts'
import { changeTrustOf, openSession } from '../trust/session.ts'

const out = {
  kind: 'text',
  value: 'FILE',
  help: 'where a proposal goes that more roots must sign',
  completes: 'file',
} as const

const label = { kind: 'text', value: 'NAME', help: 'how a new key is called in the key folder' } as const

export const trustAddRoot = defineCommand({
  name: 'trust add-root',
  summary: 'let a further key sign changes of trust',
  options: { ...keyOptions, label, out, ...confirmOptions },
  json: 'selvedge.trust-change/1',
  usesNode: true,
  examples: [{ line: 'trust add-root --new --label safe', says: 'a second root, to be kept elsewhere' }],
  async run(context) {
    const session = await openSession(context)
    const planned = await plannedKey(context, session, {
      command: 'trust add-root',
      role: 'root',
      label: context.options.label ?? `v${session.report.version + 1}`,
    })
    await changeTrustOf(context, session, [{ kind: 'add-root', key: planned.publicKey }], planned.signing)
    return 0
  },
})

export const trustAddAdmin = defineCommand({
  name: 'trust add-admin',
  summary: 'let a further key invite and revoke nodes',
  options: { ...keyOptions, label, out, ...confirmOptions },
  json: 'selvedge.trust-change/1',
  usesNode: true,
  examples: [{ line: 'trust add-admin --key 1f0c…', says: 'the key of a second operator' }],
  async run(context) {
    const session = await openSession(context)
    const planned = await plannedKey(context, session, {
      command: 'trust add-admin',
      role: 'admin',
      label: context.options.label ?? `v${session.report.version + 1}`,
    })
    await changeTrustOf(context, session, [{ kind: 'add-admin', key: planned.publicKey }], planned.signing)
    return 0
  },
})

export const trustThreshold = defineCommand({
  name: 'trust threshold',
  summary: 'say how many roots must sign a change',
  arguments: [{ name: 'N', required: true }],
  options: { out, ...confirmOptions },
  json: 'selvedge.trust-change/1',
  usesNode: true,
  examples: [{ line: 'trust threshold 2', says: 'from now on two roots sign' }],
  async run(context) {
    const [text = ''] = context.args
    if (!/^\d{1,2}$/.test(text)) throw usage({ name: 'trust threshold' }, `${text} is no number`)
    const session = await openSession(context)
    await changeTrustOf(context, session, [{ kind: 'set-threshold', threshold: Number(text) }])
    return 0
  },
})

export const trustRotateRoot = defineCommand({
  name: 'trust rotate-root',
  summary: 'replace a root key by a new one',
  details:
    'Makes a new root key in the key folder, and lets the mesh believe it in place of KEY, or of the one root key ' +
    'there is here. Destroy the old key afterwards: revocations that it signs would still count.',
  arguments: [{ name: 'KEY', required: false }],
  options: {
    key: keyOptions.key,
    encrypt: keyOptions.encrypt,
    label,
    out,
    ...confirmOptions,
  },
  json: 'selvedge.trust-change/1',
  usesNode: true,
  examples: [
    { line: 'trust rotate-root', says: 'a new key for the only root there is' },
    { line: 'trust rotate-root 1f0c2a77 --key 93ab…', says: 'somebody else’s root, whose new key is known' },
  ],
  async run(context) {
    const { options, args } = context
    const session = await openSession(context)
    const { report, keys } = session
    const mine = keys.filter((key) => key.role === 'root' && report.roots.includes(hex(key.publicKey)))
    const typed = args[0] ?? (mine.length === 1 ? hex(mine[0]?.publicKey ?? new Uint8Array()) : undefined)
    if (typed === undefined) {
      throw cliProblems.error(
        'ERR_UNKNOWN_KEY',
        `there are ${mine.length} of the root keys here; say which one is replaced`,
      )
    }
    const from = meantKey(typed, report.roots, mine)
    const planned = await plannedKey(
      { ...context, options: { ...options, new: options.key === undefined } },
      session,
      { command: 'trust rotate-root', role: 'root', label: options.label ?? `v${report.version + 1}` },
    )
    const rotated = { kind: 'rotate-root', from: Buffer.from(from, 'hex'), to: planned.publicKey } as const
    const done = await changeTrustOf(context, session, [rotated], planned.signing)
    const old = mine.find(({ publicKey }) => hex(publicKey) === from)
    if (done && old !== undefined) say(context, `destroy the old key: ${old.path}`)
    return 0
  },
})
