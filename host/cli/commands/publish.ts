import type { ReleaseRecord } from '../../../mesh/index.ts'
import { connectToDeploy, type ReleaseEntry } from '../../api/index.ts'
import { usage } from '../arguments.ts'
import { defineCommand, type CommandContext } from '../command.ts'
import { checkedComponents, requireSameChunks } from '../checked-components.ts'
import { componentSource, type ComponentSource } from '../component-source.ts'
import { requireSomebodyIn } from '../group-check.ts'
import { say } from '../print.ts'
import { publishDocument, publishEvents, publishEventSchema, type EventSink } from '../publish-events.ts'
import { receiptText } from '../receipt.ts'
import { releaseChanges } from '../release-changes.ts'
import { fitLines, releaseFit, unfitTexts, type ReleaseFit } from '../release-fit.ts'
import { jobKey, publisherKey, type PublisherKeyChoice } from '../publisher-key.ts'
import { intentText } from '../release-intent.ts'
import { eventWatcher, watcherFor } from '../rollout-watchers.ts'
import { signedRelease } from '../signed-release.ts'
import { plain } from '../text.ts'
import type { RolloutOutcome } from '../rollout-outcome.ts'
import { awayText, followRelease, namesText } from '../wait-for-release.ts'

const defaultTimeout = '60'

export const publish = defineCommand({
  name: 'publish',
  summary: 'sign an app’s component and hand it to the mesh',
  details:
    'Of an app folder: builds it, and takes everything else from its selvedge.toml. Of a bare .wasm: the app is named ' +
    'after the file and gets no grants unless you give them. Of an OCI image, a layout (DIR, DIR:TAG, FILE.tar) or in a ' +
    'registry (ghcr.io/org/app:1.2, HOST/NAME@sha256:…), likewise. The node checks the component before anything is signed; ' +
    'the key that signs is in your key folder and never leaves it. Grants are KIND:NAME, the kinds sensor, pin, i2c, folder, ' +
    'keyvalue, blobstore, http (an origin, as http:https://api.example.com) and network: network:tcp-connect:HOST:PORT, ' +
    'network:udp:HOST:PORT, network:tcp-listen:PORT, network:udp-listen:PORT or network:lookup:NAME. HOST is a name, an ' +
    'address, a network as 10.1.0.0/16 or *, an IPv6 one in brackets; PORT a port, a range as 8000-8010 or *. The use ' +
    'alone, as network:tcp-connect, is for all of it. A variant is the same app built for nodes that have more, as with SIMD: ' +
    'each node takes the first that it can run, and the component itself where it can run none.',
  arguments: [{ name: 'DIR|FILE.wasm|IMAGE', required: false, completes: 'file' }],
  options: {
    app: { kind: 'text', value: 'NAME', help: 'the app’s name (of a bare .wasm)' },
    version: {
      kind: 'text',
      value: 'VERSION',
      help: 'the release’s version (default: the manifest’s, else 0.0.SEQ)',
    },
    grant: { kind: 'list', value: 'GRANT', help: 'let it use something, as sensor:light (of a bare .wasm)' },
    link: {
      kind: 'list',
      value: 'IFACE=APP',
      help: 'let an app answer what it imports, as acme:thermo/api=thermo (of a bare .wasm)',
    },
    trigger: { kind: 'list', value: 'TRIGGER', help: 'call it, as sensor:light:200ms (of a bare .wasm)' },
    group: { kind: 'list', value: 'GROUP', help: 'run it on the nodes of this group (default: all)' },
    replicas: { kind: 'text', value: 'N', help: 'run it on so many nodes of each group (default: all)' },
    need: {
      kind: 'list',
      value: 'NEED',
      help: 'only on nodes that have it, as arch:arm64, role:gateway or pin:led',
    },
    variant: {
      kind: 'list',
      value: 'NAME=FILE',
      help: 'another build for nodes that have more, as simd=blink.simd.wasm (of a bare .wasm)',
    },
    config: { kind: 'list', value: 'KEY=VALUE', help: 'a setting of the app' },
    arg: {
      kind: 'list',
      value: 'TEXT',
      help: 'an argument of its command, as --arg=--once (over the manifest’s)',
    },
    key: {
      kind: 'text',
      value: 'FILE',
      help: 'sign with this key file (else $SELVEDGE_PUBLISHER_KEY, else the key folder)',
      completes: 'file',
    },
    node: {
      kind: 'text',
      value: 'URL',
      help: 'a node elsewhere, where its --deploy address is reached; needs a deploy key',
    },
    as: { kind: 'text', value: 'NAME', help: 'sign with the key of this name in the key folder' },
    'no-input': { kind: 'flag', help: 'never ask for a passphrase' },
    wait: { kind: 'flag', help: 'wait until every node that should run it does' },
    timeout: { kind: 'text', value: 'SECONDS', help: `how long to wait (default ${defaultTimeout})` },
    'no-build': { kind: 'flag', help: 'take the component that is built already' },
    'plain-http': { kind: 'flag', help: 'pull from a registry of another machine without TLS' },
  },
  json: publishEventSchema,
  usesNode: true,
  examples: [
    { line: 'publish components/light-alarm --wait', says: 'build, sign, and see it run everywhere' },
    { line: 'publish blink.wasm --grant pin:led --group garage', says: 'a bare component, for one group' },
    {
      line: 'publish blink.wasm --node https://edge.example --wait',
      says: 'a build job, with its key in $SELVEDGE_PUBLISHER_KEY',
    },
    { line: 'publish ghcr.io/org/blink:1.2 --grant pin:led', says: 'what a registry has, signed by you' },
    {
      line: 'publish blink.wasm --variant simd=blink.simd.wasm',
      says: 'the second where a node has SIMD, the first elsewhere',
    },
  ],
  async run(local) {
    const { world, options, args } = local
    const choice = { file: options.key, label: options.as, mayAsk: !options['no-input'] }
    const context = options.node === undefined ? local : await reaching(local, options.node, choice)
    const { client } = context
    const timeoutMs = timeoutOf(options.timeout ?? defaultTimeout)
    const startedAt = world.clock.monotonicMs()
    const source = await componentSource(
      args[0] ?? '.',
      {
        app: options.app,
        version: options.version,
        grants: options.grant,
        triggers: options.trigger,
        links: options.link,
        groups: options.group,
        config: options.config,
        args: options.arg,
        replicas: options.replicas,
        needs: options.need,
        variants: options.variant,
        build: !options['no-build'],
        plainHttp: options['plain-http'],
      },
      world,
      (step) => say(context, `  ${step}`),
    )
    const sinkOf = options.wait ? publishEvents : publishDocument
    const events = context.json ? sinkOf(context, startedAt) : null
    const { entry, groups } = await release(context, source, choice, events)
    if (!options.wait) {
      finish(context, events, entry, null, startedAt)
      return 0
    }
    const wanted = { app: entry.app, seq: entry.seq, version: entry.version, groups, timeoutMs }
    const watcher =
      events === null ? watcherFor(world, plain(`${entry.app} ${entry.version}`)) : eventWatcher(events)
    const outcome = await followRelease(world, client, wanted, watcher)
    finish(context, events, entry, outcome, startedAt)
    return 0
  },
})

/** The same command at a node elsewhere. @throws ERR_NODE_URL, ERR_NO_PUBLISHER_KEY, ERR_KEY_… */
async function reaching<Context extends CommandContext>(
  context: Context,
  url: string,
  choice: PublisherKeyChoice,
): Promise<Context> {
  const { meshId, key } = await jobKey(context.world, choice)
  return { ...context, client: await connectToDeploy({ url, key, mesh: meshId }) }
}

/** Lets the node check the component, shows what will be signed, signs, and hands it over. */
async function release(
  context: CommandContext,
  source: ComponentSource,
  choice: PublisherKeyChoice,
  events: EventSink | null,
): Promise<{ entry: ReleaseEntry; groups: readonly string[] }> {
  const { client, world } = context
  const { draft, bytes } = source
  const status = await client.status()
  requireSomebodyIn(draft.groups, status)
  const terms = await client.publishContext(draft.app)
  const key = await publisherKey(world, terms.mesh, choice)
  const checked = await checkedComponents(client, source)
  const { report } = checked
  const signed = await signedRelease({
    draft,
    bytes,
    features: report.features ?? [],
    memory: report.memory,
    variants: checked.variants.map(({ report: { features = [], memory }, ...variant }) => ({
      ...variant,
      features,
      memory,
    })),
    imports: report.imports,
    terms,
    key,
    signedAt: world.clock.now(),
  })
  requireSameChunks(source, checked, signed.record)
  events?.uploaded(draft.app, report)
  const fit = await releaseFit(signed.record, status)
  if (fit !== null && fit.able === 0) throw await fitsNowhere(signed.record, fit)
  const changes = releaseChanges(terms.terms ?? null, draft)
  const { version } = signed.record
  const { colour } = world.stderr
  for (const line of intentText(
    { draft, version, sizeBytes: bytes.length, terms, changes, report },
    colour,
  )) {
    say(context, line)
  }
  for (const line of fit === null ? [] : fitLines(fit)) say(context, line)
  events?.signed(draft.app, version, terms.nextSeq, changes)
  const entry = await client.publish(signed.bytes)
  events?.accepted(entry)
  return { entry, groups: draft.groups }
}

/** Before it is handed over: it would end nothing, and run nowhere. */
async function fitsNowhere({ app, version }: ReleaseRecord, { unfit }: ReleaseFit): Promise<Error> {
  const { fitProblems } = await import('../../fit/index.ts')
  const why = unfitTexts(unfit).map((text) => `\n  ${text}`)
  const message = `no node that ${app} ${version} is for can run it; nothing was published${why.join('')}`
  return fitProblems.error('ERR_FITS_NOWHERE', message)
}

/** Says what became of it. @throws what speaks against a success */
function finish(
  context: CommandContext,
  events: EventSink | null,
  entry: ReleaseEntry,
  outcome: RolloutOutcome | null,
  startedAt: number,
): void {
  const { world } = context
  events?.summary(entry, outcome)
  if (outcome !== null && outcome.error !== null) throw outcome.error
  if (events !== null) return
  const elapsedMs = (outcome?.runningAtMs ?? world.clock.monotonicMs()) - startedAt
  world.stdout.write(`${receiptText(entry, outcome?.progress ?? null, elapsedMs)}\n`)
  if (outcome === null) say(context, 'see where it runs with `selvedge status`')
  const unfit = outcome?.progress.unfit ?? []
  if (unfit.length > 0) say(context, `not for every node: ${unfitTexts(unfit).join('; ')}`)
  const away = outcome?.progress.away ?? []
  if (away.length > 0) say(context, `gets it when it is back: ${namesText(away.map(awayText))}`)
}

function timeoutOf(text: string): number {
  const seconds = Number(text)
  if (/^\d+(\.\d+)?$/.test(text) && seconds > 0 && seconds <= 86_400) return seconds * 1000
  throw usage({ name: 'publish' }, `--timeout ${text} is no number of seconds from 1 to 86400`)
}
