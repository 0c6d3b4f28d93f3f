/**
 * The keys of people: root, admin and publisher, one folder per mesh, in the operator's own key folder.
 *
 * They never enter a node's data folder and never reach the daemon. A file that others may read is refused, as
 * OpenSSH refuses it: by then the key may be anybody's.
 */
import { open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import * as v from 'valibot'
import { exists, isDigest, keyPairFromSeed, openFolder, seedBytes, shortDigest } from '../../core/index.ts'
import type { Digest, KeyPair } from '../../core/index.ts'
import { identityProblems } from './problems.ts'

export type KeyRole = 'root' | 'admin' | 'publisher'

const keyRoles: readonly KeyRole[] = ['root', 'admin', 'publisher']

/** A mesh that the key ring has keys for. */
export interface KeyRingMesh {
  readonly meshId: Digest
  readonly name: string
  readonly roles: readonly KeyRole[]
}

const maxKeyFileBytes = 4_096
const meshFolderChars = 16
const fileSchema = v.looseObject({
  format: v.literal('selvedge-key/1'),
  role: v.picklist(keyRoles),
  mesh: v.custom<Digest>(isDigest),
  name: v.string(),
  seed: v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{43}$/)),
})
type KeyFile = v.InferOutput<typeof fileSchema>

/** @param path `$SELVEDGE_KEYS` or the platform's folder; need not exist before the first key is created */
export function openKeyRing(path: string): KeyRing {
  return new KeyRing(path)
}

export class KeyRing {
  readonly path: string

  constructor(path: string) {
    this.path = path
  }

  /** @throws ERR_KEY_MISSING, ERR_KEY_PERMISSIONS, ERR_KEY_DAMAGED */
  async get(meshId: Digest, role: KeyRole): Promise<KeyPair> {
    const path = this.#pathOf(meshId, role)
    const file = await readKeyFile(path)
    if (file === null) {
      throw identityProblems.error(
        'ERR_KEY_MISSING',
        `there is no ${role} key of mesh ${shortDigest(meshId)} at ${path}`,
        {
          hint: `run this on the machine where the mesh was made, or set SELVEDGE_KEYS to the folder that has ${role}.key`,
        },
      )
    }
    if (file.mesh !== meshId || file.role !== role) {
      throw identityProblems.error(
        'ERR_KEY_DAMAGED',
        `${path} holds the ${file.role} key of mesh ${shortDigest(file.mesh)}`,
      )
    }
    return keyPairFromSeed(new Uint8Array(Buffer.from(file.seed, 'base64url')))
  }

  /**
   * Keeps a key; on the disk when resolved.
   * @param key.name the mesh's name, for people
   * @throws ERR_KEY_EXISTS where there is one: a key is never overwritten
   */
  async create(key: { meshId: Digest; role: KeyRole; name: string; seed: Uint8Array }): Promise<KeyPair> {
    const pair = keyPairFromSeed(key.seed)
    const path = this.#pathOf(key.meshId, key.role)
    if (await exists(path)) throw identityProblems.error('ERR_KEY_EXISTS', `${path} is already there`)
    const folder = await openFolder(join(this.path, key.meshId.slice(0, meshFolderChars)))
    const file: KeyFile = {
      format: 'selvedge-key/1',
      role: key.role,
      mesh: key.meshId,
      name: key.name,
      publicKey: Buffer.from(pair.publicKey).toString('hex'),
      seed: Buffer.from(key.seed).toString('base64url'),
    }
    await folder.write(fileName(key.role), Buffer.from(`${JSON.stringify(file, null, 2)}\n`))
    return pair
  }

  /** The meshes this folder has keys for, by name. Files that cannot be read are skipped: `get` names them. */
  async meshes(): Promise<KeyRingMesh[]> {
    const folders = await readdir(this.path).catch(() => [])
    const meshes: KeyRingMesh[] = []
    for (const folder of folders.filter((name) => /^[0-9a-f]{16}$/.test(name))) {
      const files = await Promise.all(
        keyRoles.map((role) => readKeyFile(join(this.path, folder, fileName(role))).catch(() => null)),
      )
      const found = files.filter((file) => file !== null)
      const first = found[0]
      if (first === undefined) continue
      meshes.push({ meshId: first.mesh, name: first.name, roles: found.map((file) => file.role) })
    }
    return meshes.sort((a, b) => a.name.localeCompare(b.name) || a.meshId.localeCompare(b.meshId))
  }

  #pathOf(meshId: Digest, role: KeyRole): string {
    return join(this.path, meshId.slice(0, meshFolderChars), fileName(role))
  }
}

function fileName(role: KeyRole): string {
  return `${role}.key`
}

async function readKeyFile(path: string): Promise<KeyFile | null> {
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
        {
          hint: `chmod 600 ${path}`,
        },
      )
    }
    if (size > maxKeyFileBytes) throw identityProblems.error('ERR_KEY_DAMAGED', `${path} has ${size} bytes`)
    return parseKeyFile(await handle.readFile('utf8'), path)
  } finally {
    await handle.close()
  }
}

function parseKeyFile(text: string, path: string): KeyFile {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw identityProblems.error('ERR_KEY_DAMAGED', `${path} is not JSON`, { cause })
  }
  const result = v.safeParse(fileSchema, value)
  const seed = result.success ? Buffer.from(result.output.seed, 'base64url') : null
  if (!result.success || seed?.length !== seedBytes) {
    throw identityProblems.error('ERR_KEY_DAMAGED', `${path} is no key file of this version`)
  }
  return result.output
}
