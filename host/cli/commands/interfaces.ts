import { defineCommand } from '../command.ts'
import { printJson } from '../print.ts'
import { table } from '../table.ts'

export const interfaces = defineCommand({
  name: 'interfaces',
  summary: 'list what components may import here, and which grant it takes',
  options: {},
  json: 'selvedge.interfaces/1',
  usesNode: false,
  examples: [{ line: 'interfaces', says: 'needs no running node' }],
  async run(context) {
    const [{ interfaceOffers }, { allP3Offers, engineOffers, supportedFeatures }] = await Promise.all([
      import('../../interfaces/index.ts'),
      import('../../engine/index.ts'),
    ])
    const suspends = supportedFeatures().includes('jspi')
    const offers = [
      ...interfaceOffers,
      ...engineOffers,
      ...(suspends ? allP3Offers(interfaceOffers) : []),
    ].map(({ id, summary, grantKind, ...offer }) => ({
      id,
      summary,
      grant: grantKind === null ? null : `${grantKind}:NAME`,
      ...('allowedBy' in offer && offer.allowedBy !== undefined
        ? { allowedBy: `${offer.allowedBy}:NAME` }
        : {}),
    }))
    if (context.json) printJson(context, 'selvedge.interfaces/1', { interfaces: offers })
    else
      context.world.stdout.write(
        table(
          offers.map(({ id, summary, grant, allowedBy }) => [
            id,
            grant ?? (allowedBy === undefined ? 'always' : `always; more with ${allowedBy}`),
            summary,
          ]),
        ),
      )
    return 0
  },
})
