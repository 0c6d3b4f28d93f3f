import { keyPairFromSeed, seedBytes, systemRandom, type Digest } from '../../../core/index.ts'
import type { KeyInfo, KeyRing } from '../../../mesh/index.ts'
import { usage } from '../arguments.ts'
import { defineCommand, type CommandContext } from '../command.ts'
import { printJson, say } from '../print.ts'
import { cliProblems } from '../problems.ts'
import { table } from '../table.ts'
import { plain } from '../text.ts'
import { fingerprint, hex, newPassphrase, openRing } from '../trust/keys.ts'

const roles = ['root', 'admin', 'publisher'] as const
const role = { name: 'ROLE', required: true, completes: roles } as const
const label = { name: 'NAME', required: false } as const
const options = {
  mesh: { kind: 'text', value: 'NAME', help: 'whose keys, where the key folder has those of several meshes' },
  'no-input': { kind: 'flag', help: 'never ask for anything; passphrases come from $SELVEDGE_PASSPHRASE' },
} as const

type KeyContext = CommandContext<{ readonly mesh: string | undefined; readonly 'no-input': boolean }>

export const keyList = defineCommand({
  name: 'key list',
  summary: 'list the keys in the key folder',
  options: {},
  json: 'selvedge.keys/1',
  usesNode: false,
  examples: [{ line: 'key list', says: 'what can be signed here, and for which mesh' }],
  async run(context) {
    const ring = await openRing(context.world, false)
    const all: KeyInfo[] = []
    for (const { meshId } of await ring.meshes()) all.push(...(await ring.keys(meshId)))
    if (context.json) printJson(context, 'selvedge.keys/1', { folder: ring.path, keys: all.map(shown) })
    else if (all.length === 0) say(context, `there are no keys in ${ring.path}`)
    else {
      const rows = all.map(({ meshName, role: of, label: name, publicKey, isEncrypted }) => [
        plain(meshName),
        of,
        name === '' ? '·' : name,
        fingerprint(hex(publicKey)),
        isEncrypted ? 'encrypted' : 'open',
      ])
      context.world.stdout.write(table(rows))
    }
    return 0
  },
})

export const keyNew = defineCommand({
  name: 'key new',
  summary: 'make a key, which the mesh does not believe yet',
  details:
    'Prints its public half, which `selvedge trust add-root`, `add-admin` or `add-publisher` with --key makes known, on ' +
    'whatever machine the root key is.',
  arguments: [role, { name: 'NAME', required: true }],
  options: { ...options, encrypt: { kind: 'flag', help: 'encrypt it with a passphrase' } },
  json: 'selvedge.key/1',
  usesNode: true,
  examples: [{ line: 'key new publisher eve --encrypt', says: 'a publisher’s key, with a passphrase' }],
  async run(context) {
    const of = roleOf('key new', context.args[0])
    const [, name = ''] = context.args
    const { world } = context
    const mayAsk = !context.options['no-input']
    const ring = await openRing(world, mayAsk)
    const mesh = await meshOf(context, ring, true)
    const random = systemRandom
    const passphrase = context.options.encrypt
      ? { passphrase: { text: await newPassphrase(world, mayAsk), random } }
      : {}
    const seed = random.bytes(seedBytes)
    await ring.create({ meshId: mesh.meshId, role: of, label: name, name: mesh.name, seed, ...passphrase })
    const key = hex(keyPairFromSeed(seed).publicKey)
    say(context, `a new ${of} key named ${name} is in ${ring.path}`)
    if (context.json) printJson(context, 'selvedge.key/1', { mesh: mesh.meshId, role: of, label: name, key })
    else world.stdout.write(`${key}\n`)
    return 0
  },
})

export const keyEncrypt = defineCommand({
  name: 'key encrypt',
  summary: 'encrypt a key with a passphrase, or with another one',
  arguments: [role, label],
  options,
  json: null,
  usesNode: false,
  examples: [{ line: 'key encrypt root', says: 'from now on it asks before it signs' }],
  async run(context) {
    const { world, args } = context
    const mayAsk = !context.options['no-input']
    const ring = await openRing(world, mayAsk)
    const { meshId } = await meshOf(context, ring, false)
    const of = roleOf('key encrypt', args[0])
    const passphrase = await newPassphrase(world, mayAsk)
    const { path } = await ring.protect(meshId, of, args[1], { passphrase, random: systemRandom })
    say(context, `${path} is encrypted; without its passphrase it is lost`)
    return 0
  },
})

export const keyDecrypt = defineCommand({
  name: 'key decrypt',
  summary: 'keep a key without a passphrase again',
  arguments: [role, label],
  options,
  json: null,
  usesNode: false,
  examples: [{ line: 'key decrypt publisher', says: 'for a machine that signs alone' }],
  async run(context) {
    const ring = await openRing(context.world, !context.options['no-input'])
    const { meshId } = await meshOf(context, ring, false)
    const { path } = await ring.unprotect(meshId, roleOf('key decrypt', context.args[0]), context.args[1])
    say(context, `${path} is open to whoever can read the file`)
    return 0
  },
})

export const keyExportPublic = defineCommand({
  name: 'key export-public',
  summary: 'print the public half of a key',
  arguments: [role, label],
  options,
  json: 'selvedge.key/1',
  usesNode: false,
  examples: [{ line: 'key export-public publisher eve', says: 'for whoever adds it to the mesh' }],
  async run(context) {
    const ring = await openRing(context.world, false)
    const mesh = await meshOf(context, ring, false)
    const of = roleOf('key export-public', context.args[0])
    const [, name] = context.args
    const mine = (await ring.keys(mesh.meshId)).filter((key) => key.role === of)
    const found = name === undefined ? mine : mine.filter((key) => key.label === name)
    // Without a name the key that the mesh was made with, or the only one.
    const key =
      found.find((candidate) => candidate.label === '') ?? (found.length === 1 ? found[0] : undefined)
    if (key === undefined) {
      const names = mine.map((candidate) => candidate.label || '(without a name)').join(', ')
      throw cliProblems.error(
        'ERR_UNKNOWN_KEY',
        `${ring.path} has the ${of} keys ${names || 'none'}; say which one`,
      )
    }
    if (context.json) printJson(context, 'selvedge.key/1', shown(key))
    else context.world.stdout.write(`${hex(key.publicKey)}\n`)
    return 0
  },
})

function shown({ meshId, meshName, role: of, label: name, publicKey, isEncrypted, path }: KeyInfo): object {
  return { mesh: meshId, meshName, role: of, label: name, key: hex(publicKey), encrypted: isEncrypted, path }
}

function roleOf(command: string, typed: string | undefined): (typeof roles)[number] {
  const found = roles.find((known) => known === typed)
  if (found !== undefined) return found
  throw usage({ name: command }, `${typed ?? ''} is none of ${roles.join(', ')}`)
}

/** @param mayAskNode a ring without any key of the mesh learns its name from the node */
async function meshOf(
  context: KeyContext,
  ring: KeyRing,
  mayAskNode: boolean,
): Promise<{ meshId: Digest; name: string }> {
  const { mesh } = context.options
  const all = await ring.meshes()
  const found =
    mesh === undefined ? all : all.filter(({ name, meshId }) => name === mesh || meshId.startsWith(mesh))
  if (found.length === 1 && found[0] !== undefined) return found[0]
  if (found.length === 0 && mayAskNode && mesh === undefined) {
    const { mesh: meshId, meshName: name } = await context.client.inviteContext()
    return { meshId, name }
  }
  const names = all.map(({ name, meshId }) => `${plain(name)} (${meshId.slice(0, 8)})`).join(', ')
  throw cliProblems.error(
    'ERR_UNKNOWN_MESH',
    `${ring.path} has keys of ${names || 'no mesh'}; say which with --mesh`,
  )
}
