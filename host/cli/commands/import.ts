import { shortDigest } from '../../../core/index.ts'
import type { OfferReport } from '../../api/index.ts'
import { defineCommand, type CommandContext } from '../command.ts'
import { bringsSome, openCargo, type Cargo } from '../carry/cargo.ts'
import { byteProgress } from '../carry/progress.ts'
import { cargoText, offerText } from '../carry/render-offer.ts'
import { checkComponent, unload } from '../carry/unload.ts'
import { printJson, say } from '../print.ts'
import { countText, plain } from '../text.ts'

const schema = 'selvedge.import/1'

// `import` is a word of the language.
export const importCommand = defineCommand({
  name: 'import',
  summary: 'take releases from a bundle file or an OCI image',
  details:
    'For nodes that no other node reaches: takes what `selvedge export` wrote on a node of the same mesh, with the keys ' +
    'and revocations that it rests on, and passes it on to every node that this one meets. Everything passes the checks ' +
    'of the network: signatures, whom the mesh trusts, what a publisher may do, numbers that only grow, digests. A file ' +
    'that was cut short or altered is refused as a whole. An image that nobody of this mesh signed is for `selvedge ' +
    'publish`.',
  arguments: [{ name: 'FILE|DIR|IMAGE|-', required: true, completes: 'file' }],
  options: {
    'dry-run': { kind: 'flag', help: 'say what is in it and what would change; change nothing' },
    'plain-http': { kind: 'flag', help: 'pull from a registry of another machine without TLS' },
  },
  json: schema,
  usesNode: true,
  examples: [
    {
      line: 'import /media/stick/home.selvedge --dry-run',
      says: 'what is on the stick, and what would change',
    },
    { line: 'import /media/stick/home.selvedge', says: 'take it' },
    {
      line: 'import ghcr.io/org/light-alarm:2.0.0',
      says: 'a signed release that was exported to a registry',
    },
  ],
  async run(context) {
    const { world, options, args, client } = context
    const status = await client.status()
    const cargo = await openCargo(args[0] ?? '-', world, options['plain-http'])
    try {
      if (cargo.mesh !== status.mesh.id) throw await otherMesh(cargo, status.mesh)
      const plan = await client.carriage.offer(cargo.records, { dryRun: true })
      const report = options['dry-run'] ? await checked(cargo, plan) : await take(context, cargo, plan)
      show(context, cargo, report, options['dry-run'], status.mesh.name)
      const refused = report.verdicts.filter(({ outcome }) => outcome === 'refused').length
      if (refused > 0) throw await refusal(refused, report.verdicts.length)
      return 0
    } finally {
      await cargo.close()
    }
  },
})

/** A rehearsal says all that the real thing would. */
async function checked(cargo: Cargo, plan: OfferReport): Promise<OfferReport> {
  const { componentsOf } = await import('../../../mesh/index.ts')
  for (const component of cargo.releases.flatMap(({ record }) => componentsOf(record))) {
    if (cargo.holds(component)) await checkComponent(cargo, component)
  }
  return plan
}

async function take(context: CommandContext, cargo: Cargo, plan: OfferReport): Promise<OfferReport> {
  const { client, world } = context
  const progress = byteProgress(world, 'handing over')
  let done = 0
  return unload(cargo, plan, {
    client,
    signal: world.signal,
    onRelease({ record }) {
      if (!world.stderr.isTTY) say(context, `  ${plain(record.app)} ${plain(record.version)}`)
    },
    onBytes(bytes) {
      done += bytes
      progress(done, 0)
    },
  })
}

function show(
  context: CommandContext,
  cargo: Cargo,
  report: OfferReport,
  dryRun: boolean,
  meshName: string,
): void {
  const { world, json } = context
  const { kind, mesh, digest, sizeBytes } = cargo
  if (json) {
    const { trustVersion, verdicts, alarms } = report
    const records = verdicts.map((verdict) => {
      const carried = cargo.releases.find((release) => release.digest === verdict.digest)
      return { ...verdict, ...(carried && { carried: bringsSome(cargo, carried) }) }
    })
    printJson(context, schema, { dryRun, kind, mesh, digest, sizeBytes, trustVersion, records, alarms })
    return
  }
  world.stdout.write(cargoText(cargo, meshName) + offerText(cargo, report, world.stdout.width))
  const refused = report.verdicts.filter(({ outcome }) => outcome === 'refused').length
  const taken = report.verdicts.filter(({ outcome }) => outcome === 'accepted').length
  if (dryRun) say(context, 'nothing was changed; leave out --dry-run to take it')
  else if (taken === 0 && refused === 0) say(context, 'all of this was here already')
  else if (taken > 0) say(context, 'see where it runs with `selvedge status`')
}

async function otherMesh(cargo: Cargo, here: { readonly id: string; readonly name: string }): Promise<Error> {
  const { formatsProblems } = await import('../../formats/index.ts')
  return formatsProblems.error(
    'ERR_IMPORT_MESH',
    `this is of mesh ${shortDigest(cargo.mesh)}; the node is in ${plain(here.name)} (${shortDigest(here.id)})`,
  )
}

async function refusal(refused: number, all: number): Promise<Error> {
  const { formatsProblems } = await import('../../formats/index.ts')
  return formatsProblems.error(
    'ERR_IMPORT_REFUSED',
    `refused here: ${refused} of ${countText(all, 'record')}`,
  )
}
