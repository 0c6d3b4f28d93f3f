/** A key for somebody new: the public half of one that is elsewhere, or one made here and kept in the key folder. */
import { keyPairFromSeed, seedBytes, systemRandom } from '../../../core/index.ts'
import type { KeyInfo } from '../../../mesh/index.ts'
import { usage } from '../arguments.ts'
import type { CommandContext, OptionSpec } from '../command.ts'
import type { Confirming } from '../confirm.ts'
import { say } from '../print.ts'
import { newPassphrase, parsePublicKey } from './keys.ts'
import type { Signing, TrustSession } from './session.ts'

export const keyOptions = {
  key: { kind: 'text', value: 'PUBKEY', help: 'the public key, as `selvedge key export-public` prints it' },
  new: { kind: 'flag', help: 'make a key, and keep it in the key folder' },
  encrypt: { kind: 'flag', help: 'encrypt the new key with a passphrase' },
} as const satisfies Readonly<Record<string, OptionSpec>>

export interface KeyChoice extends Confirming {
  readonly key: string | undefined
  readonly new: boolean
  readonly encrypt: boolean
}

export interface PlannedKey {
  readonly publicKey: Uint8Array
  /** Of the new one; null for a key that is elsewhere. */
  readonly seed: Uint8Array | null
  /** How the change that adds it is signed: a new key is on the disk before, and signs where it is a root. */
  readonly signing: Signing
}

/** @param label of a new key. @throws ERR_USAGE, ERR_UNKNOWN_KEY, ERR_NO_PASSPHRASE */
export async function plannedKey(
  context: CommandContext<KeyChoice>,
  session: TrustSession,
  { command, role, label }: { command: string; role: KeyInfo['role']; label: string },
): Promise<PlannedKey> {
  const { world, options } = context
  if ((options.key === undefined) !== options.new) {
    throw usage(
      { name: command },
      options.new ? '--key and --new exclude each other' : 'give --key PUBKEY, or --new',
    )
  }
  if (options.key !== undefined) {
    return { publicKey: parsePublicKey(options.key), seed: null, signing: {} }
  }
  const seed = systemRandom.bytes(seedBytes)
  const passphrase = options.encrypt
    ? { passphrase: { text: await newPassphrase(world, !options['no-input']), random: systemRandom } }
    : {}
  const pair = keyPairFromSeed(seed)
  const keep = async (): Promise<void> => {
    const name = session.current.record.name
    await session.ring.create({ meshId: session.report.mesh, role, label, name, seed, ...passphrase })
    say(context, `a new ${role} key named ${label} is in ${world.folders.keys}`)
  }
  return { publicKey: pair.publicKey, seed, signing: { with: [pair], first: keep } }
}
