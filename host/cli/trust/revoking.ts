/** Revocations as commands sign and hand them over. */
import type { KeyPair } from '../../../core/index.ts'
import type { Revocation } from '../../../mesh/index.ts'
import type { CommandContext } from '../command.ts'
import { confirm, type Confirming } from '../confirm.ts'
import { printJson, say } from '../print.ts'
import { cliProblems } from '../problems.ts'
import { countText } from '../text.ts'
import { keepProposal, noRoot, openKeys, tellProposal, type Signing, type TrustSession } from './session.ts'

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

/**
 * What roots sign: handed over, or written as a proposal where more of them must.
 * @param options.answerTo where its text goes in place of a document, as part of another command
 * @returns the file of the proposal, or the revocation's digest
 */
export async function revokeWithRoots(
  context: RevokeContext,
  session: TrustSession,
  record: Revocation,
  options: { readonly file: string; readonly question: string | null } & Pick<Signing, 'answerTo'>,
): Promise<{ readonly file: string } | { readonly digest: string }> {
  const { world } = context
  const mesh = await import('../../../mesh/index.ts')
  const signers = await openKeys(session, 'root', session.report.roots)
  if (signers.length === 0) throw noRoot(world.folders.keys)
  if (options.question !== null) await confirm(world, context.options, options.question)
  const bytes = mesh.signRevocation(record, signers)
  const { isComplete, signatures } = mesh.readRevocationProposal(session.current.record, bytes)
  const { answerTo } = options
  if (isComplete) return { digest: await handOver(context, bytes, answerTo) }
  const file = await keepProposal(context, context.options.out, options.file, bytes)
  const quiet = answerTo === undefined ? context : { ...context, json: false }
  tellProposal(quiet, file, { ...signatures, answerTo: answerTo ?? 'stdout' })
  return { file }
}

/** @returns its digest */
export async function handOver(
  context: RevokeContext,
  bytes: Uint8Array,
  answerTo?: Signing['answerTo'],
): Promise<string> {
  const { client, json, world } = context
  const { outcome, digest } = await client.revoke(bytes)
  if (json && answerTo === undefined) printJson(context, 'selvedge.trust-revocation/1', { outcome, digest })
  else world[answerTo ?? 'stdout'].write(`revocation ${digest.slice(0, 16)} ${outcome}\n`)
  say(context, 'it goes from node to node, and is never undone; see it with `selvedge trust show`')
  return digest
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
