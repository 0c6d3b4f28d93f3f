/**
 * One command about trust: what the node holds, checked here against the keys at hand, and how a change is signed and
 * handed over. The node is believed in nothing that a signature can tell.
 */
import { writeFile } from 'node:fs/promises'
import { parse, resolve } from 'node:path'
import { messageOf, type KeyPair } from '../../../core/index.ts'
import type { KeyInfo, KeyRing, TrustBundle, TrustChange } from '../../../mesh/index.ts'
import type { TrustReport } from '../../api/index.ts'
import type { CommandContext } from '../command.ts'
import { confirm, type Confirming } from '../confirm.ts'
import { printJson, say } from '../print.ts'
import { cliProblems } from '../problems.ts'
import { sleep } from '../sleep.ts'
import { countText, plain } from '../text.ts'
import { hex, openRing } from './keys.ts'
import { changeText } from './change-text.ts'

/** Where the nodes that are there are waited for until they know of a change. */
const spreadMs = 5_000
const lookEveryMs = 200

export interface TrustSession {
  readonly report: TrustReport
  readonly chain: readonly TrustBundle[]
  readonly current: TrustBundle
  readonly ring: KeyRing
  /** All keys of this mesh in the ring. */
  readonly keys: readonly KeyInfo[]
}

/** @throws ERR_TRUST_MISSING, and where what the node says of its chain does not verify */
export async function openSession(context: CommandContext<Confirming>): Promise<TrustSession> {
  const { client, world, options } = context
  const report = await client.trust()
  const { readTrust } = await import('../../../mesh/index.ts')
  const chain = report.chain.map((text) => readTrust(new Uint8Array(Buffer.from(text, 'base64'))))
  const [first, current] = [chain[0], chain.at(-1)]
  if (first === undefined || current === undefined || first.digest !== report.mesh) {
    throw cliProblems.error(
      'ERR_TRUST_ANSWER',
      'the node does not show the trust bundle that its mesh began with',
    )
  }
  const ring = await openRing(world, !options['no-input'])
  return { report, chain, current, ring, keys: await ring.keys(first.digest) }
}

/** Opens each key of this role at hand that is among `wanted`. */
export async function openKeys(
  { ring, report }: TrustSession,
  role: KeyInfo['role'],
  wanted: readonly string[],
): Promise<KeyPair[]> {
  const mine = (await ring.keys(report.mesh)).filter(
    (key) => key.role === role && wanted.includes(hex(key.publicKey)),
  )
  const opened: KeyPair[] = []
  for (const { label } of mine) opened.push(await ring.get(report.mesh, role, label))
  return opened
}

export interface Signing {
  /** Keys that are not in the ring yet; they sign where they are roots of the next version. */
  readonly with?: readonly KeyPair[]
  /** What must be on the disk before anything is signed for it; not done where the answer was no. */
  readonly first?: () => Promise<void>
  readonly answerTo?: 'stdout' | 'stderr'
  /** What else was done, for those who asked for JSON: one command prints one document. */
  readonly beside?: Readonly<Record<string, unknown>>
}

/** Of what more roots must sign: for the document of {@link writeProposal}, and where its text goes. */
export interface ProposalAnswer extends Pick<Signing, 'answerTo' | 'beside'> {
  readonly needed: number
  readonly given: number
}

/**
 * Makes the next version with these changes, shows what it changes, asks, signs with the roots at hand, and hands it
 * over; where more roots must sign, the proposal is written to a file instead.
 */
export async function changeTrustOf(
  context: CommandContext<Confirming & { readonly out: string | undefined }>,
  session: TrustSession,
  changes: readonly TrustChange[],
  signing: Signing = {},
): Promise<boolean> {
  const { world, options, client } = context
  const mesh = await import('../../../mesh/index.ts')
  const next = mesh.changeTrust(session.current, changes, world.clock.now())
  const difference = mesh.differences(session.current.record, next)
  say(context, `trust version ${next.version} of mesh ${plain(next.name)} would say:`)
  for (const line of difference.flatMap(changeText)) say(context, `  ${line}`)
  const roots = [...session.current.record.roots, ...next.roots].map(hex)
  const known = await openKeys(session, 'root', roots)
  const signers = mesh.usableSigners(session.current.record, next, [...known, ...(signing.with ?? [])])
  if (signers.length === 0) throw noRoot(world.folders.keys)
  await confirm(world, options, `sign with ${countText(signers.length, 'root key')}?`)
  await signing.first?.()
  const bytes = mesh.signTrust(next, signers)
  const proposal = mesh.readTrustProposal(session.chain, bytes)
  if (!proposal.isComplete) {
    const short = proposal.signatures.find(({ given, needed }) => given < needed)
    const path = await keepProposal(context, options.out, `trust-${next.version}.proposal`, bytes)
    tellProposal(context, path, { ...signing, needed: short?.needed ?? 0, given: short?.given ?? 0 })
    return false
  }
  const { outcome } = await client.changeTrust(bytes)
  await tellSpread(context, next.version, outcome, signing)
  return true
}

/** Proposals with one name that may lie in a folder beside each other. */
const mostNamesakes = 99

/**
 * Writes what more roots must sign: where the person said, else under a name that nothing has yet, as another proposal
 * may carry signatures, or a deploy key that was shown once.
 * @returns where it is
 */
export async function keepProposal(
  { world }: Pick<CommandContext, 'world'>,
  out: string | undefined,
  usual: string,
  bytes: Uint8Array,
): Promise<string> {
  if (out !== undefined) {
    const path = resolve(world.cwd, out)
    await writeFile(path, bytes).catch((cause: unknown) => {
      throw unwritten(path, cause)
    })
    return path
  }
  const { name, ext } = parse(usual)
  for (let nth = 1; ; nth++) {
    const path = resolve(world.cwd, nth === 1 ? usual : `${name}-${nth}${ext}`)
    try {
      await writeFile(path, bytes, { flag: 'wx' })
      return path
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || nth >= mostNamesakes)
        throw unwritten(path, error)
    }
  }
}

function unwritten(path: string, cause: unknown): Error {
  return cliProblems.error('ERR_PROPOSAL_OUT', `${plain(path)} cannot be written: ${messageOf(cause)}`, {
    cause,
  })
}

/** Says where it is, and what to do with it. */
export function tellProposal(
  context: Omit<CommandContext, 'options'>,
  path: string,
  { needed, given, answerTo = 'stdout', beside = {} }: ProposalAnswer,
): void {
  if (context.json)
    printJson(context, 'selvedge.trust-change/1', {
      outcome: 'proposed',
      file: path,
      given,
      needed,
      ...beside,
    })
  else context.world[answerTo].write(`${path}\n`)
  say(context, `${given} of ${needed} roots have signed: nothing has changed yet`)
  say(context, `where another root key is, run: selvedge trust sign ${path}`)
}

/** Waits a moment for the nodes that are there, and says how many know. */
export async function tellSpread(
  context: Omit<CommandContext, 'options'>,
  version: number,
  outcome: string,
  { answerTo = 'stdout', beside = {} }: Pick<Signing, 'answerTo' | 'beside'> = {},
): Promise<void> {
  const { client, world, json } = context
  const startedMs = world.clock.monotonicMs()
  let nodes = (await client.trust()).nodes
  const lacking = (): typeof nodes =>
    nodes.filter(
      ({ state, trustVersion }) => state !== 'dead' && state !== 'left' && (trustVersion ?? 0) < version,
    )
  while (lacking().length > 0 && world.clock.monotonicMs() - startedMs < spreadMs && !world.signal.aborted) {
    await sleep(lookEveryMs, world.signal).catch(() => {})
    nodes = (await client.trust()).nodes
  }
  const known = nodes.filter(({ trustVersion }) => (trustVersion ?? 0) >= version)
  const missing = nodes.filter((node) => !known.includes(node)).map(({ name }) => plain(name))
  if (json) {
    printJson(context, 'selvedge.trust-change/1', {
      outcome,
      version,
      known: known.length,
      nodes: nodes.length,
      missing,
      ...beside,
    })
    return
  }
  world[answerTo].write(
    `trust version ${version} is known to ${known.length} of ${countText(nodes.length, 'node')}\n`,
  )
  if (missing.length > 0) say(context, `they hear of it when they are back: ${missing.join(', ')}`)
}

export function noRoot(folder: string): Error {
  return cliProblems.error('ERR_NO_ROOT_KEY', `${folder} has no root key that could sign this`)
}
