/**
 * What is written in a key file: the seed of one key, open (`selvedge-key/1`) or encrypted (`selvedge-key/2`).
 *
 * Encrypted with AES-256-GCM (NIST SP 800-38D) under a key that scrypt (RFC 7914) makes of the passphrase. Everything
 * else in the file is authenticated with it, so no part can be exchanged. The parameters are checked before any work is
 * done: a file that somebody prepared must not make the program take all memory.
 */
import { createCipheriv, createDecipheriv, scrypt } from 'node:crypto'
import * as v from 'valibot'
import { encodeCbor, isDigest, keyPairFromSeed, seedBytes } from '../../core/index.ts'
import type { Digest, KeyPair, Random } from '../../core/index.ts'
import { hexOf } from './fields.ts'
import { identityProblems } from './problems.ts'

export type KeyRole = 'root' | 'admin' | 'publisher'
export const keyRoles: readonly KeyRole[] = ['root', 'admin', 'publisher']

/** Lower-case words, digits and dashes; empty for the key a mesh was made with. */
export const labelPattern = /^([a-z0-9][a-z0-9-]{0,31})?$/

/**
 * Cost of a guess: 32 MiB, and 0.55 s of a busy x86 processor (measured). It is OWASP's setting for machines that cannot
 * spare 128 MiB. The limits let files of a costlier setting be read: up to 256 MiB, and ten times the work.
 */
export const scryptCost = { n: 32_768, r: 8, p: 3 } as const
const scryptLimits = { n: 262_144, r: 16, p: 16, memoryBytes: 256 * 1024 * 1024, work: 8_388_608 } as const
const minPassphraseChars = 8
const maxPassphraseBytes = 1_024
const saltBytes = 16
const nonceBytes = 12
const tagBytes = 16

/** What a key file says without being opened. */
export interface KeyHeader {
  readonly role: KeyRole
  /** Tells several keys of one role apart. */
  readonly label: string
  readonly mesh: Digest
  /** The mesh's name, for people. */
  readonly name: string
  /** 64 characters of hexadecimal. */
  readonly publicKey: string
}

/** A key file that was read, and whose seed was not. */
export interface KeyFile {
  readonly header: KeyHeader
  readonly isEncrypted: boolean
  /** The seed, or what hides it. */
  readonly secret: OpenSecret | HiddenSecret
}

interface OpenSecret {
  readonly seed: Uint8Array
}

interface HiddenSecret {
  readonly kdf: { readonly n: number; readonly r: number; readonly p: number; readonly salt: Uint8Array }
  readonly nonce: Uint8Array
  /** Ciphertext, then the tag. */
  readonly sealed: Uint8Array
}

const header = {
  role: v.picklist(keyRoles),
  label: v.optional(v.pipe(v.string(), v.regex(labelPattern)), ''),
  mesh: v.custom<Digest>(isDigest),
  name: v.pipe(v.string(), v.maxLength(256)),
}
const hexKey = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/))
/** Base64url of exactly this many bytes, in the one spelling that it has. */
const bytesField = (length: number) =>
  v.pipe(
    v.string(),
    v.transform((text) => ({ text, bytes: Buffer.from(text, 'base64url') })),
    v.check(({ text, bytes }) => bytes.length === length && bytes.toString('base64url') === text),
    v.transform(({ bytes }) => new Uint8Array(bytes)),
  )
const openSchema = v.looseObject({
  ...header,
  format: v.literal('selvedge-key/1'),
  publicKey: v.optional(hexKey),
  seed: bytesField(seedBytes),
})
const cost = (max: number) => v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(max))
const hiddenSchema = v.looseObject({
  ...header,
  format: v.literal('selvedge-key/2'),
  publicKey: hexKey,
  kdf: v.pipe(
    v.strictObject({
      name: v.literal('scrypt'),
      n: v.pipe(
        cost(scryptLimits.n),
        v.minValue(2),
        v.check((n) => Number.isInteger(Math.log2(n))),
      ),
      r: cost(scryptLimits.r),
      p: cost(scryptLimits.p),
      salt: bytesField(saltBytes),
    }),
    v.check(({ n, r, p }) => 128 * n * r <= scryptLimits.memoryBytes && n * r * p <= scryptLimits.work),
  ),
  cipher: v.literal('aes-256-gcm'),
  nonce: bytesField(nonceBytes),
  sealed: bytesField(seedBytes + tagBytes),
})
const schema = v.variant('format', [openSchema, hiddenSchema])

/** @throws ERR_KEY_DAMAGED naming `path` */
export function parseKeyFile(text: string, path: string): KeyFile {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw identityProblems.error('ERR_KEY_DAMAGED', `${path} is not JSON`, { cause })
  }
  const result = v.safeParse(schema, value)
  // What is wrong with it is not said: the message must not show a part of a seed.
  if (!result.success)
    throw identityProblems.error('ERR_KEY_DAMAGED', `${path} is no key file of this version`)
  const file = result.output
  const { role, label, mesh, name } = file
  if (file.format === 'selvedge-key/2') {
    const { kdf, nonce, sealed, publicKey } = file
    const secret = { kdf, nonce, sealed }
    return { header: { role, label, mesh, name, publicKey }, isEncrypted: true, secret }
  }
  const publicKey = hexOf(keyPairFromSeed(file.seed).publicKey)
  if (file.publicKey !== undefined && file.publicKey !== publicKey) throw otherKey(path)
  return { header: { role, label, mesh, name, publicKey }, isEncrypted: false, secret: { seed: file.seed } }
}

/** The text of a key file whose seed anybody can read who can read the file. */
export function writeOpenKey(key: Omit<KeyHeader, 'publicKey'>, seed: Uint8Array): string {
  const { role, label, mesh, name } = key
  return asText({
    format: 'selvedge-key/1',
    role,
    ...(label === '' ? {} : { label }),
    mesh,
    name,
    publicKey: hexOf(keyPairFromSeed(seed).publicKey),
    seed: textOf(seed),
  })
}

/**
 * The text of a key file that only its passphrase opens.
 * @param options.passphrase at least 8 characters, at most 1,024 bytes
 * @throws ERR_KEY_PASSPHRASE where it is too short or too long
 */
export async function writeHiddenKey(
  key: Omit<KeyHeader, 'publicKey'>,
  seed: Uint8Array,
  options: { passphrase: string; random: Random; cost?: { n: number; r: number; p: number } },
): Promise<string> {
  const { passphrase, random } = options
  if (passphrase.length < minPassphraseChars) {
    throw identityProblems.error(
      'ERR_KEY_PASSPHRASE',
      `a passphrase needs ${minPassphraseChars} characters, this one has ${passphrase.length}`,
      { hint: 'take a longer one; several words are easier to remember than signs' },
    )
  }
  const full: KeyHeader = { ...key, publicKey: hexOf(keyPairFromSeed(seed).publicKey) }
  const kdf = { ...(options.cost ?? scryptCost), salt: random.bytes(saltBytes) }
  const nonce = random.bytes(nonceBytes)
  const cipher = createCipheriv('aes-256-gcm', await stretch(passphrase, kdf), nonce)
  cipher.setAAD(authenticated(full))
  const sealed = Buffer.concat([cipher.update(seed), cipher.final(), cipher.getAuthTag()])
  const { salt, n, r, p } = kdf
  return asText({
    format: 'selvedge-key/2',
    ...full,
    kdf: { name: 'scrypt', n, r, p, salt: textOf(salt) },
    cipher: 'aes-256-gcm',
    nonce: textOf(nonce),
    sealed: textOf(sealed),
  })
}

/**
 * The seed in a key file.
 * @param ask asked for the passphrase where the file is encrypted; null where there is nobody to ask
 * @throws ERR_KEY_PASSPHRASE, ERR_KEY_DAMAGED
 */
export async function openSeed(
  file: KeyFile,
  path: string,
  ask: () => Promise<string | null>,
): Promise<Uint8Array> {
  if ('seed' in file.secret) return file.secret.seed
  const { kdf, nonce, sealed } = file.secret
  const passphrase = await ask()
  if (passphrase === null) {
    throw identityProblems.error('ERR_KEY_PASSPHRASE', `${path} is encrypted, and no passphrase was given`)
  }
  const decipher = createDecipheriv('aes-256-gcm', await stretch(passphrase, kdf), nonce)
  decipher.setAAD(authenticated(file.header))
  decipher.setAuthTag(sealed.subarray(seedBytes))
  let seed: Uint8Array
  try {
    seed = new Uint8Array(Buffer.concat([decipher.update(sealed.subarray(0, seedBytes)), decipher.final()]))
  } catch (cause) {
    // The cipher cannot tell the two apart.
    throw identityProblems.error(
      'ERR_KEY_PASSPHRASE',
      `the passphrase does not open ${path}, or the file was altered`,
      { cause },
    )
  }
  if (hexOf(keyPairFromSeed(seed).publicKey) !== file.header.publicKey) throw otherKey(path)
  return seed
}

/** As {@link openSeed}, ready to sign. */
export async function openKey(...parts: Parameters<typeof openSeed>): Promise<KeyPair> {
  return keyPairFromSeed(await openSeed(...parts))
}

function stretch(passphrase: string, { n, r, p, salt }: HiddenSecret['kdf']): Promise<Buffer> {
  const secret = Buffer.from(passphrase.normalize('NFKC'), 'utf8')
  if (secret.length > maxPassphraseBytes) {
    throw identityProblems.error(
      'ERR_KEY_PASSPHRASE',
      `the passphrase has ${secret.length} bytes; ${maxPassphraseBytes} are allowed`,
    )
  }
  // What OpenSSL allocates beside the 128·N·r bytes of RFC 7914 section 5.
  const maxmem = 128 * n * r + 128 * r * (p + 2) + 1024 * 1024
  return new Promise((resolve, reject) => {
    scrypt(secret, salt, 32, { N: n, r, p, maxmem }, (error, key) => {
      if (error === null) resolve(key)
      else reject(error)
    })
  })
}

function authenticated({ role, label, mesh, name, publicKey }: KeyHeader): Uint8Array {
  return encodeCbor(['selvedge-key/2', role, label, mesh, name, publicKey])
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64url')
}

function asText(value: object): string {
  return `${JSON.stringify(value, null, 2)}\n`
}

function otherKey(path: string): Error {
  return identityProblems.error('ERR_KEY_DAMAGED', `the seed in ${path} is not of the key that it names`)
}
