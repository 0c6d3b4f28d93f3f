/** Revocations as commands sign and hand them over. */
import type { KeyPair } from '../../../core/index.ts'
import type { Revocation } from '../../../mesh/index.ts'
import type { CommandContext } from '../command.ts'
import { confirm, type Confirming } from '../confirm.ts'
import { printJson, say } from '../print.ts'
import { cliProblems } from '../problems.ts'
import { countText } from '../text.ts'
import { noRoot, openKeys, writeProposal, type TrustSession } from './session.ts'

export type RevokeContext = CommandContext<Confirming & { readonly out: string | undefined }>

/** What every revocation says. */
export function commonOf(context: RevokeContext, session: TrustSession, reason: string) {
  return { v: 1, mesh: session.report.mesh, at: context.world.clock.now(), reason, critical: [] } as const
}

/** What one admin signs, or a publisher of its own releases. */
export async function revokeWithOne(
  context: RevokeContext,
  record: Revocation,
  signer: KeyPair,
  question: string,
): Promise<void> {
  const { signRevocation } = await import('../../../mesh/index.ts')
  await confirm(context.world, context.options, question)
  await handOver(context, signRevocation(record, [signer]))
}

/** What roots sign. @returns false where more of them must, and a proposal was written */
export async function revokeWithRoots(
  context: RevokeContext,
  session: TrustSession,
  record: Revocation,
  options: { readonly file: string; readonly question: string | null },
): Promise<boolean> {
  const { world } = context
  const mesh = await import('../../../mesh/index.ts')
  const signers = await openKeys(session, 'root', session.report.roots)
  if (signers.length === 0) throw noRoot(world.folders.keys)
  if (options.question !== null) await confirm(world, context.options, options.question)
  const bytes = mesh.signRevocation(record, signers)
  const { isComplete, signatures } = mesh.readRevocationProposal(session.current.record, bytes)
  if (isComplete) await handOver(context, bytes)
  else
    await writeProposal(
      context,
      context.options.out ?? options.file,
      bytes,
      signatures.needed,
      signatures.given,
    )
  return isComplete
}

export async function handOver(context: RevokeContext, bytes: Uint8Array): Promise<void> {
  const { client, json } = context
  const { outcome, digest } = await client.revoke(bytes)
  if (json) printJson(context, 'selvedge.trust-revocation/1', { outcome, digest })
  else context.world.stdout.write(`revocation ${digest.slice(0, 16)} ${outcome}\n`)
  say(context, 'it goes from node to node, and is never undone; see it with `selvedge trust show`')
}

/** One admin key at hand that counts. @throws ERR_NO_ADMIN_KEY */
export async function adminKey(
  context: Pick<CommandContext, 'world'>,
  session: TrustSession,
): Promise<KeyPair> {
  const standing = session.report.admins.filter(({ revoked }) => !revoked).map(({ key }) => key)
  const [key] = await openKeys(session, 'admin', standing)
  if (key !== undefined) return key
  throw cliProblems.error(
    'ERR_NO_ADMIN_KEY',
    `${context.world.folders.keys} has none of the mesh’s ${countText(standing.length, 'admin key')}`,
  )
}

export function keyBytes(key: string): Uint8Array {
  return new Uint8Array(Buffer.from(key, 'hex'))
}
