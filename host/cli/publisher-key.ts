/**
 * The key that signs a release: from a file, from the environment of a build job, or from the key folder; in this order.
 * A job has one key and no key folder, and nobody who could type a passphrase.
 */
import { resolve } from 'node:path'
import { isSelvedgeError, shortDigest, type Digest, type KeyPair } from '../../core/index.ts'
import { cliProblems } from './problems.ts'
import { askPassphrase, nameOfKey, openRing } from './trust/keys.ts'
import type { World } from './world.ts'

/** The line that `selvedge trust add-publisher --deploy` prints. */
export const publisherKeyVariable = 'SELVEDGE_PUBLISHER_KEY'

export interface PublisherKeyChoice {
  /** A key file, or one with the line of a deploy key. */
  readonly file: string | undefined
  /** Of several in the key folder, which. */
  readonly label: string | undefined
  readonly mayAsk: boolean
}

/** @throws ERR_NO_PUBLISHER_KEY, ERR_PUBLISHER_KEY_MESH, ERR_KEY_… */
export async function publisherKey(world: World, mesh: Digest, choice: PublisherKeyChoice): Promise<KeyPair> {
  const { file, label, mayAsk } = choice
  const { readDeployKey, readKeyAt } = await import('../../mesh/index.ts')
  if (file !== undefined) {
    const path = resolve(world.cwd, file)
    return ofMesh(await readKeyAt(path, (key) => askPassphrase(world, mayAsk, nameOfKey(key))), mesh, path)
  }
  const line = world.env[publisherKeyVariable]
  if (line !== undefined && line !== '') return ofMesh(readDeployKey(line), mesh, `$${publisherKeyVariable}`)
  try {
    return await (await openRing(world, mayAsk)).get(mesh, 'publisher', label)
  } catch (error) {
    if (!isSelvedgeError(error, 'ERR_KEY_MISSING')) throw error
    const { keys } = world.folders
    throw cliProblems.error(
      'ERR_NO_PUBLISHER_KEY',
      `${keys} has no publisher key of mesh ${shortDigest(mesh)}`,
      {
        cause: error,
      },
    )
  }
}

/**
 * The key of a build job, which has no key folder: from a file or the environment, with the mesh that it is of.
 * @throws ERR_NO_PUBLISHER_KEY, ERR_KEY_…
 */
export async function jobKey(
  world: World,
  { file, mayAsk }: PublisherKeyChoice,
): Promise<{ meshId: Digest; key: KeyPair }> {
  const { readDeployKey, readKeyAt } = await import('../../mesh/index.ts')
  if (file !== undefined) {
    return readKeyAt(resolve(world.cwd, file), (key) => askPassphrase(world, mayAsk, nameOfKey(key)))
  }
  const line = world.env[publisherKeyVariable]
  if (line !== undefined && line !== '') return readDeployKey(line)
  throw cliProblems.error(
    'ERR_NO_PUBLISHER_KEY',
    'another machine’s node is reached with a deploy key, and there is none',
    {
      hint: `give the line of \`selvedge trust add-publisher --deploy\` in $${publisherKeyVariable}, or its file with --key`,
    },
  )
}

function ofMesh(found: { meshId: Digest; key: KeyPair }, mesh: Digest, where: string): KeyPair {
  if (found.meshId === mesh) return found.key
  throw cliProblems.error(
    'ERR_PUBLISHER_KEY_MESH',
    `the key in ${where} is of mesh ${shortDigest(found.meshId)}, the node is of mesh ${shortDigest(mesh)}`,
  )
}
