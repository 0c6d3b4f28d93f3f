import { isAbsolute, resolve } from 'node:path'
import { digestOf, messageOf } from '../../../core/index.ts'
import type { SignedRelease } from '../../../mesh/index.ts'
import type { ReleaseEntry } from '../../api/index.ts'
import { usage } from '../arguments.ts'
import { defineCommand, type CommandContext } from '../command.ts'
import { blobsOf, chunksOf, holdingsOf, wholeComponent, type Holdings } from '../carry/holdings.ts'
import { byteProgress } from '../carry/progress.ts'
import { openRegistry } from '../image-source.ts'
import { printJson, say } from '../print.ts'
import { cliProblems } from '../problems.ts'
import { countText, plain, sizeText } from '../text.ts'

const schema = 'selvedge.export/1'

/** What was written where. */
interface Exported {
  readonly format: 'bundle' | 'oci' | 'registry'
  readonly to: string
  readonly sizeBytes: number
  /** Of the bundle's end, or of the image's manifest. */
  readonly digest: string
}

// `export` is a word of the language.
export const exportCommand = defineCommand({
  name: 'export',
  summary: 'write a release as an OCI image, or releases as a file for a stick',
  details:
    'A bundle holds all that a node of the same mesh needs to take the releases: whom the mesh trusts, what was revoked, ' +
    'the signed records and the components, each chunk once; with --all the newest release of every app, and the ' +
    'members’ credentials. It holds no private key. `selvedge import` takes it. An OCI image has the types of the ' +
    '“Wasm OCI Artifact layout”, so that wkg, oras, skopeo and registries take it; the signed record stands in an ' +
    'annotation, so that `selvedge import` takes the image too.',
  arguments: [{ name: 'APP[@VERSION]', required: false }],
  options: {
    all: { kind: 'flag', help: 'the newest release of every app (with --bundle)' },
    bundle: {
      kind: 'text',
      value: 'FILE',
      help: 'one file, as home.selvedge; - for standard output',
      completes: 'file',
    },
    oci: { kind: 'text', value: 'DIR|FILE.tar', help: 'an OCI image layout', completes: 'file' },
    registry: { kind: 'text', value: 'REFERENCE', help: 'push to a registry, as ghcr.io/org/app:1.2' },
    'plain-http': { kind: 'flag', help: 'push to a registry of another machine without TLS' },
  },
  json: schema,
  usesNode: true,
  examples: [
    {
      line: 'export --all --bundle /media/stick/home.selvedge',
      says: 'everything, for a mesh without any link',
    },
    { line: 'export light-alarm@2.0.0 --oci light-alarm.tar', says: 'one release as an OCI image' },
    {
      line: 'export light-alarm --registry ghcr.io/org/light-alarm:2.0.0',
      says: 'the newest, to a registry',
    },
  ],
  async run(context) {
    const { options, args, client } = context
    const { bundle, oci, registry, all } = options
    const targets = [bundle, oci, registry].filter((target) => target !== undefined)
    if (targets.length !== 1) throw wrongUse('say where to: one of --bundle, --oci and --registry')
    if (all === (args[0] !== undefined)) throw wrongUse('name an app, or say --all')
    if (all && bundle === undefined) throw wrongUse('--all is for --bundle: an image holds one release')
    const entry = all ? null : await chosenRelease(context, args[0] ?? '')
    const holdings = await holdingsOf(client, entry?.digest ?? null)
    if (bundle === undefined) await refuseVariants(holdings)
    await requireComponents(context, holdings, all)
    const exported =
      bundle !== undefined
        ? await toBundle(context, holdings, bundle)
        : await toImage(context, holdings, { oci, registry, plainHttp: options['plain-http'] })
    show(context, holdings, exported)
    return 0
  },
})

function wrongUse(what: string): Error {
  return usage({ name: 'export' }, what)
}

/** @throws ERR_UNKNOWN_APP, ERR_UNKNOWN_VERSION */
async function chosenRelease({ client }: CommandContext, typed: string): Promise<ReleaseEntry> {
  const [app = '', version, ...more] = typed.split('@')
  if (app === '' || version === '' || more.length > 0) throw wrongUse(`${typed} is not APP or APP@VERSION`)
  const list = await client.releases(app)
  if (list.length === 0) throw cliProblems.error('ERR_UNKNOWN_APP', `this node knows no release of ${app}`)
  // Two releases may have one version; the newer one is meant.
  const line = list
    .filter(({ role }) => role === 'head' || role === 'past')
    .sort((one, other) => other.seq - one.seq)
  const chosen = version === undefined ? line[0] : line.find((entry) => entry.version === version)
  if (chosen !== undefined) return chosen
  const known = line.map((entry) => plain(entry.version)).join(', ')
  throw cliProblems.error(
    'ERR_UNKNOWN_VERSION',
    `this node knows no release of ${app}${version === undefined ? '' : ` with version ${version}`} that counts` +
      (known === '' ? '' : ` (it knows ${known})`),
  )
}

/** Nodes that take a variant would have nobody to get it from. @throws ERR_EXPORT_VARIANTS */
async function refuseVariants({ releases }: Holdings): Promise<void> {
  for (const { record } of releases) {
    const { app, version, variants = [] } = record
    if (variants.length === 0) continue
    const { formatsProblems } = await import('../../formats/index.ts')
    const names = variants.map(({ name }) => name).join(', ')
    throw formatsProblems.error(
      'ERR_EXPORT_VARIANTS',
      `${app} ${version} has variants (${names}), and an image holds the component itself alone`,
    )
  }
}

/** A bundle of everything may go without a component that runs elsewhere, and says so; one release may not. */
async function requireComponents(context: CommandContext, holdings: Holdings, all: boolean): Promise<void> {
  for (const { record, digest } of holdings.releases) {
    const away = holdings.bare.has(digest) ? [] : absentNames(record, holdings)
    if (away.length === 0) continue
    const what = `${plain(record.app)} ${plain(record.version)}`
    say(context, `  ${what} goes without ${away.map(plain).join(' and ')}, which is not on this node`)
  }
  const missing = holdings.releases.filter(({ digest }) => holdings.bare.has(digest))
  if (missing.length === 0) return
  const names = missing.map(({ record }) => `${record.app} ${record.version}`)
  if (!all) {
    const { formatsProblems } = await import('../../formats/index.ts')
    throw formatsProblems.error(
      'ERR_EXPORT_COMPONENT',
      `this node does not hold the component of ${names.join(', ')}`,
    )
  }
  say(context, `  goes without its component, which is not on this node: ${names.map(plain).join(', ')}`)
}

/** What of a release's components the node does not have, by name. */
function absentNames({ component, variants = [] }: SignedRelease['record'], { absent }: Holdings): string[] {
  return [
    ...(absent.has(component.digest) ? ['the component itself'] : []),
    ...variants.filter((one) => absent.has(one.component.digest)).map(({ name }) => `variant ${name}`),
  ]
}

async function toBundle(context: CommandContext, holdings: Holdings, target: string): Promise<Exported> {
  const { client, world } = context
  const { bundleOf } = await import('../../formats/index.ts')
  const { componentsOf } = await import('../../../mesh/index.ts')
  const held = holdings.releases.filter(({ digest }) => !holdings.bare.has(digest))
  const { lists, chunks } = await chunksOf(
    client,
    held
      .flatMap(({ record }) => componentsOf(record))
      .filter((component) => !holdings.absent.has(component.digest)),
  )
  const progress = byteProgress(world, 'writing')
  const total = [...lists, ...chunks].reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  const pieces = bundleOf({
    mesh: (await client.status()).mesh.id,
    records: holdings.records,
    lists,
    chunks,
    read: (wanted) =>
      blobsOf(
        client,
        wanted.map(({ digest }) => digest),
      ),
  })
  let sizeBytes = 0
  let digest = ''
  const counted = async function* (): AsyncGenerator<Uint8Array> {
    for await (const piece of pieces) {
      world.signal.throwIfAborted()
      sizeBytes += piece.length
      progress(Math.min(sizeBytes, total), total)
      // The last piece is the digest of all before it.
      digest = piece.length === 32 ? Buffer.from(piece).toString('hex') : digest
      yield piece
    }
  }
  if (target === '-') {
    for await (const piece of counted()) await world.streams.stdout(piece)
  } else {
    await toFile(resolve(world.cwd, target), counted())
  }
  return { format: 'bundle', to: target, sizeBytes, digest }
}

async function toFile(path: string, pieces: AsyncIterable<Uint8Array>): Promise<void> {
  const { formatsProblems, writeWhole } = await import('../../formats/index.ts')
  await writeWhole(path, pieces).catch((cause: unknown) => {
    if ((cause as NodeJS.ErrnoException).syscall === undefined) throw cause
    throw formatsProblems.error('ERR_EXPORT_TARGET', `${path} cannot be written: ${messageOf(cause)}`, {
      cause,
    })
  })
}

interface ImageTarget {
  readonly oci: string | undefined
  readonly registry: string | undefined
  readonly plainHttp: boolean
}

async function toImage(
  context: CommandContext,
  { releases: [release] }: Holdings,
  { oci, registry, plainHttp }: ImageTarget,
): Promise<Exported> {
  if (release === undefined) throw cliProblems.error('ERR_UNKNOWN_APP', 'the node gave no release')
  const { client, world } = context
  const { imageOf, layoutFiles, parseReference, writeLayout } = await import('../../formats/index.ts')
  const reference = registry === undefined ? null : parseReference(registry)
  const component = await wholeComponent(client, release.record.component)
  const { app, version, signedAt } = release.record
  const image = imageOf({
    app,
    version,
    signedAt,
    component,
    world: await worldOf(release, component),
    release: release.bytes,
  })
  const sizeBytes = image.blobs.reduce((sum, { bytes }) => sum + bytes.length, image.manifest.length)
  const digest = digestOf(image.manifest)
  if (reference !== null) {
    say(context, `  pushing ${sizeText(sizeBytes)}`)
    await (await openRegistry(world, plainHttp, 'pushing')).push(reference, image)
    const to = `${reference.registry}/${reference.repository}:${reference.tag ?? image.tag}`
    return { format: 'registry', to, sizeBytes, digest }
  }
  const target = oci ?? ''
  await writeLayout(isAbsolute(target) ? target : resolve(world.cwd, target), layoutFiles(image))
  return { format: 'oci', to: target, sizeBytes, digest }
}

/** For the image's config: what a component imports and exports, or null for a core module. */
async function worldOf(
  { record }: SignedRelease,
  component: Uint8Array,
): Promise<{ readonly imports: readonly string[]; readonly exports: readonly string[] } | null> {
  const { formOf, outlineOf } = await import('../../engine/index.ts')
  if (formOf(component) !== 'component') return null
  try {
    const { imports, exports } = outlineOf(component)
    return { imports, exports }
  } catch (cause) {
    const { formatsProblems } = await import('../../formats/index.ts')
    throw formatsProblems.error('ERR_EXPORT_COMPONENT', `the component of ${record.app} cannot be read`, {
      cause,
    })
  }
}

function show(context: CommandContext, { releases, bare }: Holdings, exported: Exported): void {
  const { json, world } = context
  const { format, to, sizeBytes, digest } = exported
  if (json && to !== '-') {
    const list = releases.map(({ record, digest: name }) => {
      const { app, version, seq, component } = record
      return { app, version, seq, digest: name, component: component.digest, carried: !bare.has(name) }
    })
    printJson(context, schema, { format, to, sizeBytes, digest, releases: list })
    return
  }
  const [first] = releases
  const what =
    releases.length === 1 && first !== undefined
      ? `${plain(first.record.app)} ${plain(first.record.version)} (seq ${first.record.seq})`
      : countText(releases.length, 'release')
  const line = `${what} → ${plain(to)} · ${sizeText(sizeBytes)} · ${format === 'bundle' ? '' : 'sha256:'}${digest.slice(0, 12)}\n`
  if (to === '-') world.stderr.write(line)
  else world.stdout.write(line)
  if (to !== '-') say(context, `take it on another node with \`selvedge import ${to}\``)
}
