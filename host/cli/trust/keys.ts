/** The operator's key ring as commands open it, and what people write for a key. */
import { isPublicKey } from '../../../core/index.ts'
import type { KeyInfo, KeyRing } from '../../../mesh/index.ts'
import { cliProblems } from '../problems.ts'
import { plain } from '../text.ts'
import type { World } from '../world.ts'

/** Where a passphrase comes from when nobody can be asked. */
export const passphraseVariable = 'SELVEDGE_PASSPHRASE'
const tries = 3

/** @param mayAsk false with --no-input */
export async function openRing(world: World, mayAsk: boolean): Promise<KeyRing> {
  const { openKeyRing } = await import('../../../mesh/index.ts')
  return openKeyRing(world.folders.keys, { ask: (key) => askPassphrase(world, mayAsk, nameOfKey(key)) })
}

export async function askPassphrase(world: World, mayAsk: boolean, of: string): Promise<string | null> {
  const given = world.env[passphraseVariable]
  if (given !== undefined && given !== '') return given
  return mayAsk ? world.ask(`passphrase of ${of}: `, { hidden: true }) : null
}

/** A new passphrase, typed twice. @throws ERR_NO_PASSPHRASE */
export async function newPassphrase(world: World, mayAsk: boolean): Promise<string> {
  const given = world.env[passphraseVariable]
  if (given !== undefined && given !== '') return given
  let left = mayAsk ? tries : 0
  while (left-- > 0) {
    const first = await world.ask('new passphrase: ', { hidden: true })
    if (first === null) break
    if ((await world.ask('again: ', { hidden: true })) === first) return first
    world.stderr.write('the two are not the same\n')
  }
  throw cliProblems.error('ERR_NO_PASSPHRASE', 'no new passphrase was given')
}

/** `publisher ci`, `root`: role and label. */
export function nameOfKey({ role, label, meshName }: KeyInfo): string {
  return `${role}${label === '' ? '' : ` ${label}`} of mesh ${plain(meshName)}`
}

/** The first characters, as tables show a key; enough to tell keys apart, and to name one. */
export function fingerprint(key: string): string {
  return key.slice(0, 16)
}

const leastChars = 8

/**
 * The one of these keys that was meant: a label of the ring, or the beginning of the key in hexadecimal.
 * @param known hexadecimal
 * @throws ERR_UNKNOWN_KEY where it is none, or several begin so
 */
export function meantKey(typed: string, known: readonly string[], labelled: readonly KeyInfo[]): string {
  const byLabel = labelled
    .filter(({ label }) => label === typed)
    .map(({ publicKey }) => hex(publicKey))
    .filter((key) => known.includes(key))
  const begins = typed.length >= leastChars ? known.filter((key) => key.startsWith(typed.toLowerCase())) : []
  const found = [...new Set([...byLabel, ...begins])]
  if (found.length === 1 && found[0] !== undefined) return found[0]
  const those = known.length === 0 ? 'there are none' : `there are ${known.map(fingerprint).join(', ')}`
  throw cliProblems.error(
    'ERR_UNKNOWN_KEY',
    found.length === 0
      ? `${typed} is none of these keys: ${those}`
      : `${typed} may be ${found.map(fingerprint).join(' or ')}`,
  )
}

/** A public key as `key export-public` prints it. @throws ERR_UNKNOWN_KEY */
export function parsePublicKey(typed: string): Uint8Array {
  const text = typed.trim().toLowerCase()
  const bytes = new Uint8Array(Buffer.from(text, 'hex'))
  if (/^[0-9a-f]{64}$/.test(text) && isPublicKey(bytes)) return bytes
  throw cliProblems.error(
    'ERR_UNKNOWN_KEY',
    `${typed.slice(0, 80)} is no public key: 64 characters of hexadecimal`,
  )
}

export function hex(key: Uint8Array): string {
  return Buffer.from(key).toString('hex')
}
