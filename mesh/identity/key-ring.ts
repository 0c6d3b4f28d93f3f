/**
 * The keys of people: root, admin and publisher, one folder per mesh, in the operator's own key folder.
 *
 * They never enter a node's data folder and never reach the daemon. A file that others may read is refused, as
 * OpenSSH refuses it: by then the key may be anybody's.
 */
import { open, readdir } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { createFile, exists, keyPairFromSeed, openFolder, shortDigest } from '../../core/index.ts'
import type { Digest, Disk, KeyPair, Random } from '../../core/index.ts'
import { deployPrefix, readDeployKey } from './deploy-key.ts'
import {
  keyRoles,
  labelPattern,
  openKey,
  openSeed,
  parseKeyFile,
  writeHiddenKey,
  writeOpenKey,
  type KeyFile,
  type KeyRole,
} from './key-file.ts'
import { identityProblems } from './problems.ts'

/** A key in the ring, as far as it shows itself without its passphrase. */
export interface KeyInfo {
  readonly meshId: Digest
  readonly meshName: string
  readonly role: KeyRole
  /** Empty for the key that the mesh was made with. */
  readonly label: string
  readonly publicKey: Uint8Array
  readonly isEncrypted: boolean
  readonly path: string
}

/** Asks a person, or the environment, for the passphrase of a key; null where there is nobody to ask. */
export type AskPassphrase = (key: KeyInfo) => Promise<string | null>

/** A mesh that the key ring has keys for. */
export interface KeyRingMesh {
  readonly meshId: Digest
  readonly name: string
  readonly roles: readonly KeyRole[]
}

const maxKeyFileBytes = 4_096
const meshFolderChars = 16
/** Keys of one mesh that are looked at. */
const maxKeys = 256

interface KeyRingOptions {
  /** For keys that are encrypted; without it they cannot be used. */
  readonly ask?: AskPassphrase
  /** Where keys are written; the machine's own where it is missing. */
  readonly disk?: Disk
}

/** @param path `$SELVEDGE_KEYS` or the platform's folder; need not exist before the first key is created */
export function openKeyRing(path: string, options: KeyRingOptions = {}): KeyRing {
  return new KeyRing(path, options)
}

export class KeyRing {
  readonly path: string
  readonly #ask: AskPassphrase
  readonly #disk: Disk | undefined

  /** Use {@link openKeyRing}. */
  constructor(path: string, { ask = async () => null, disk }: KeyRingOptions) {
    this.path = path
    this.#ask = ask
    this.#disk = disk
  }

  /**
   * @param label which of several; without one the key the mesh was made with, or the only one there is
   * @throws ERR_KEY_MISSING, ERR_KEY_PERMISSIONS, ERR_KEY_DAMAGED, ERR_KEY_PASSPHRASE
   */
  async get(meshId: Digest, role: KeyRole, label?: string): Promise<KeyPair> {
    const { path, file } = await this.#find(meshId, role, label)
    return openKey(file, path, () => this.#ask(infoOf(file, path)))
  }

  /**
   * Keeps a key; on the disk when resolved.
   * @param key.name the mesh's name, for people
   * @param key.passphrase where given, the file is encrypted with it
   * @throws ERR_KEY_EXISTS where there is one: a key is never overwritten; ERR_KEY_PASSPHRASE
   */
  async create(key: {
    meshId: Digest
    role: KeyRole
    label?: string
    name: string
    seed: Uint8Array
    passphrase?: { text: string; random: Random }
  }): Promise<KeyPair> {
    const { meshId, role, label = '', name, seed, passphrase } = key
    const path = this.#pathOf(meshId, role, label)
    const isThere = (): Error => identityProblems.error('ERR_KEY_EXISTS', `${path} is already there`)
    // Before the passphrase is worked on, which takes a second.
    if (await exists(path)) throw isThere()
    const header = { role, label, mesh: meshId, name }
    const text =
      passphrase === undefined
        ? writeOpenKey(header, seed)
        : await writeHiddenKey(header, seed, { passphrase: passphrase.text, random: passphrase.random })
    await openFolder(dirname(path), this.#disk)
    if (!(await createFile(path, Buffer.from(text), this.#disk))) throw isThere()
    return keyPairFromSeed(seed)
  }

  /**
   * Encrypts a key with a passphrase, or with another one, in place: the file is the old or the new one at any time.
   * @throws as {@link get}
   */
  async protect(
    meshId: Digest,
    role: KeyRole,
    label: string | undefined,
    options: { passphrase: string; random: Random },
  ): Promise<KeyInfo> {
    const { path, file } = await this.#find(meshId, role, label)
    const seed = await openSeed(file, path, () => this.#ask(infoOf(file, path)))
    await this.#write(path, await writeHiddenKey(file.header, seed, options))
    return { ...infoOf(file, path), isEncrypted: true }
  }

  /** Writes a key without encryption, in place. @throws as {@link get} */
  async unprotect(meshId: Digest, role: KeyRole, label: string | undefined): Promise<KeyInfo> {
    const { path, file } = await this.#find(meshId, role, label)
    const seed = await openSeed(file, path, () => this.#ask(infoOf(file, path)))
    await this.#write(path, writeOpenKey(file.header, seed))
    return { ...infoOf(file, path), isEncrypted: false }
  }

  /** The keys of a mesh, by role and label. Files that cannot be read are skipped: `get` names them. */
  async keys(meshId: Digest): Promise<KeyInfo[]> {
    const infos = await this.#read(meshId.slice(0, meshFolderChars))
    return infos.filter((info) => info.meshId === meshId)
  }

  /** The meshes this folder has keys for, by name. Files that cannot be read are skipped: `get` names them. */
  async meshes(): Promise<KeyRingMesh[]> {
    const folders = await readdir(this.path).catch(() => [])
    const meshes: KeyRingMesh[] = []
    for (const folder of folders.filter((name) => /^[0-9a-f]{16}$/.test(name))) {
      const infos = await this.#read(folder)
      const first = infos[0]
      if (first === undefined) continue
      const roles = keyRoles.filter((role) => infos.some((info) => info.role === role))
      meshes.push({ meshId: first.meshId, name: first.meshName, roles })
    }
    return meshes.sort((a, b) => a.name.localeCompare(b.name) || a.meshId.localeCompare(b.meshId))
  }

  async #find(
    meshId: Digest,
    role: KeyRole,
    label: string | undefined,
  ): Promise<{ path: string; file: KeyFile }> {
    const path = this.#pathOf(meshId, role, label ?? '')
    const file = await readKeyFile(path)
    if (file === null) {
      if (label !== undefined) throw missing(meshId, role, path)
      const others = (await this.keys(meshId)).filter((info) => info.role === role)
      const [only] = others
      if (only === undefined) throw missing(meshId, role, path)
      if (others.length > 1) throw ambiguous(meshId, role, others)
      return this.#find(meshId, role, only.label)
    }
    const { header } = file
    if (header.mesh !== meshId || header.role !== role || header.label !== (label ?? '')) {
      throw identityProblems.error(
        'ERR_KEY_DAMAGED',
        `${path} holds the ${header.role} key of mesh ${shortDigest(header.mesh)}${header.label === '' ? '' : ` named ${header.label}`}`,
      )
    }
    return { path, file }
  }

  async #read(folder: string): Promise<KeyInfo[]> {
    const names = await readdir(join(this.path, folder)).catch(() => [])
    const infos: KeyInfo[] = []
    for (const name of names.filter((file) => file.endsWith(fileSuffix)).slice(0, maxKeys)) {
      const path = join(this.path, folder, name)
      const file = await readKeyFile(path).catch(() => null)
      if (file === null || name !== fileName(file.header.role, file.header.label)) continue
      infos.push(infoOf(file, path))
    }
    const rank = ({ role }: KeyInfo): number => keyRoles.indexOf(role)
    return infos.sort((a, b) => rank(a) - rank(b) || (a.label < b.label ? -1 : 1))
  }

  async #write(path: string, text: string): Promise<void> {
    const folder = await openFolder(dirname(path), this.#disk)
    await folder.write(basename(path), Buffer.from(text))
  }

  #pathOf(meshId: Digest, role: KeyRole, label: string): string {
    if (!labelPattern.test(label)) {
      throw identityProblems.error(
        'ERR_KEY_MISSING',
        `${JSON.stringify(label)} is no name of a key: lower-case letters, digits and dashes, at most 32`,
      )
    }
    return join(this.path, meshId.slice(0, meshFolderChars), fileName(role, label))
  }
}

/**
 * A key from a file of its own: a key file, or the text of a deploy key. For jobs that have one key and no ring.
 * @throws ERR_KEY_MISSING, ERR_KEY_PERMISSIONS, ERR_KEY_DAMAGED, ERR_KEY_PASSPHRASE, ERR_KEY_TEXT
 */
export async function readKeyAt(
  path: string,
  ask: AskPassphrase = async () => null,
): Promise<{ meshId: Digest; key: KeyPair }> {
  const text = await readPrivate(path)
  if (text === null) throw identityProblems.error('ERR_KEY_MISSING', `there is no key file at ${path}`)
  if (text.trim().startsWith(deployPrefix)) return readDeployKey(text)
  const file = parseKeyFile(text, path)
  return { meshId: file.header.mesh, key: await openKey(file, path, () => ask(infoOf(file, path))) }
}

const fileSuffix = '.key'

function fileName(role: KeyRole, label: string): string {
  return label === '' ? `${role}${fileSuffix}` : `${role}.${label}${fileSuffix}`
}

function infoOf({ header, isEncrypted }: KeyFile, path: string): KeyInfo {
  const { mesh, name, role, label, publicKey } = header
  return {
    meshId: mesh,
    meshName: name,
    role,
    label,
    publicKey: new Uint8Array(Buffer.from(publicKey, 'hex')),
    isEncrypted,
    path,
  }
}

async function readKeyFile(path: string): Promise<KeyFile | null> {
  const text = await readPrivate(path)
  return text === null ? null : parseKeyFile(text, path)
}

/** Reads a file that nobody else may read; null where there is none. */
async function readPrivate(path: string): Promise<string | null> {
  const handle = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return null
    throw identityProblems.error('ERR_KEY_DAMAGED', `cannot read ${path} (${error.code})`, { cause: error })
  })
  if (handle === null) return null
  try {
    const { mode, size } = await handle.stat()
    // Windows has no such bits; Node.js reports 0o666 there.
    if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
      throw identityProblems.error(
        'ERR_KEY_PERMISSIONS',
        `${path} can be read by others (mode ${(mode & 0o777).toString(8)})`,
        { hint: `chmod 600 ${path}` },
      )
    }
    if (size > maxKeyFileBytes) throw identityProblems.error('ERR_KEY_DAMAGED', `${path} has ${size} bytes`)
    return await handle.readFile('utf8')
  } finally {
    await handle.close()
  }
}

function missing(meshId: Digest, role: KeyRole, path: string): Error {
  return identityProblems.error(
    'ERR_KEY_MISSING',
    `there is no ${role} key of mesh ${shortDigest(meshId)} at ${path}`,
    {
      hint: `run this on the machine where the mesh was made, or set SELVEDGE_KEYS to the folder that has ${basename(path)}`,
    },
  )
}

function ambiguous(meshId: Digest, role: KeyRole, found: readonly KeyInfo[]): Error {
  return identityProblems.error(
    'ERR_KEY_MISSING',
    `mesh ${shortDigest(meshId)} has ${found.length} ${role} keys here: ${found.map(({ label }) => label).join(', ')}`,
    { hint: 'say which of them to use' },
  )
}
