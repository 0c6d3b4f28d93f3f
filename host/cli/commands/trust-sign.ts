import { open } from 'node:fs/promises'
import { resolve } from 'node:path'
import { isSelvedgeError } from '../../../core/index.ts'
import { defineCommand } from '../command.ts'
import { confirm, confirmOptions } from '../confirm.ts'
import { say } from '../print.ts'
import { cliProblems } from '../problems.ts'
import { countText } from '../text.ts'
import { changeText } from '../trust/change-text.ts'
import { hex } from '../trust/keys.ts'
import { handOver, type RevokeContext } from '../trust/revoking.ts'
import {
  keepProposal,
  noRoot,
  openKeys,
  openSession,
  tellProposal,
  tellSpread,
  type TrustSession,
} from '../trust/session.ts'

/** As much as the largest revocation may have. */
const maxProposalBytes = 1_048_576

export const trustSign = defineCommand({
  name: 'trust sign',
  summary: 'add your root’s signature to what another root proposes',
  details:
    'Shows what the file would change, signs it with the root keys that are here, and hands it to the node once enough ' +
    'have signed; before that the file is written again, for the next root.',
  arguments: [{ name: 'FILE', required: true, completes: 'file' }],
  options: {
    out: { kind: 'text', value: 'FILE', help: 'where it is written to (default: FILE)', completes: 'file' },
    ...confirmOptions,
  },
  json: 'selvedge.trust-change/1',
  usesNode: true,
  examples: [{ line: 'trust sign trust-4.proposal', says: 'the second of two signatures' }],
  async run(context) {
    const [file = ''] = context.args
    const bytes = await readProposal(resolve(context.world.cwd, file))
    const session = await openSession(context)
    const signing = { ...context, options: { ...context.options, out: context.options.out ?? file } }
    const { readTrust } = await import('../../../mesh/index.ts')
    if (isReadable(() => readTrust(bytes))) await signTrustProposal(signing, session, bytes)
    else await signRevocationProposal(signing, session, bytes)
    return 0
  },
})

type SignContext = RevokeContext & { readonly options: { readonly out: string } }

async function signTrustProposal(
  context: SignContext,
  session: TrustSession,
  bytes: Uint8Array,
): Promise<void> {
  const mesh = await import('../../../mesh/index.ts')
  const { bundle, changes } = mesh.readTrustProposal(session.chain, bytes)
  say(context, `trust version ${bundle.record.version} would say:`)
  for (const line of changes.flatMap(changeText)) say(context, `  ${line}`)
  const roots = [...session.current.record.roots, ...bundle.record.roots].map(hex)
  let signed = bytes
  for (const key of await rootKeys(context, session, roots)) signed = mesh.cosignTrust(signed, key)
  const proposal = mesh.readTrustProposal(session.chain, signed)
  if (proposal.isComplete) {
    const { outcome } = await context.client.changeTrust(signed)
    return tellSpread(context, bundle.record.version, outcome)
  }
  const short = proposal.signatures.find(({ given, needed }) => given < needed)
  const path = await keepProposal(context, context.options.out, context.options.out, signed)
  tellProposal(context, path, { needed: short?.needed ?? 0, given: short?.given ?? 0 })
}

async function signRevocationProposal(
  context: SignContext,
  session: TrustSession,
  bytes: Uint8Array,
): Promise<void> {
  const mesh = await import('../../../mesh/index.ts')
  const { record } = session.current
  const { revocation } = mesh.readRevocationProposal(record, bytes)
  if (!mesh.signedByRoots(revocation.record) || revocation.record.mesh !== session.report.mesh) {
    throw cliProblems.error('ERR_PROPOSAL_FILE', 'the file holds nothing that the roots of this mesh sign')
  }
  const { kind, reason } = revocation.record
  const article = kind === 'admin' ? 'an' : 'a'
  say(
    context,
    `revokes ${article} ${kind}${'key' in revocation.record ? ` ${hex(revocation.record.key)}` : ''}`,
  )
  if (reason !== '') say(context, `  because: ${reason}`)
  if (revocation.record.kind === 'publisher') {
    const apps = Object.keys(revocation.record.accepted)
    say(
      context,
      `  its releases of ${countText(apps.length, 'app')} ${revocation.record.running === 'stop' ? 'stop' : 'stay'}`,
    )
  }
  if (revocation.record.kind === 'admin') {
    const { nodes, revocations } = revocation.record
    const those = `${countText(nodes.length, 'node')} and ${countText(revocations.length, 'revocation')}`
    say(context, `  ${those} of it stay, everything else that it signed counts nowhere`)
  }
  let signed = bytes
  for (const key of await rootKeys(context, session, record.roots.map(hex)))
    signed = mesh.cosignRevocation(signed, key)
  const { isComplete, signatures } = mesh.readRevocationProposal(record, signed)
  if (isComplete) return void (await handOver(context, signed))
  const path = await keepProposal(context, context.options.out, context.options.out, signed)
  tellProposal(context, path, signatures)
}

async function rootKeys(context: SignContext, session: TrustSession, roots: readonly string[]) {
  const keys = await openKeys(session, 'root', roots)
  if (keys.length === 0) throw noRoot(context.world.folders.keys)
  await confirm(context.world, context.options, `sign with ${countText(keys.length, 'root key')}?`)
  return keys
}

async function readProposal(path: string): Promise<Uint8Array> {
  try {
    const file = await open(path, 'r')
    try {
      const { size } = await file.stat()
      if (size > maxProposalBytes) throw new Error(`it has ${size} bytes`)
      return new Uint8Array(await file.readFile())
    } finally {
      await file.close()
    }
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw cliProblems.error('ERR_PROPOSAL_FILE', `${path} cannot be read: ${why}`, { cause })
  }
}

function isReadable(read: () => unknown): boolean {
  try {
    read()
    return true
  } catch (error) {
    // What was signed as something else is told by the other reader.
    if (isSelvedgeError(error)) return false
    throw error
  }
}
