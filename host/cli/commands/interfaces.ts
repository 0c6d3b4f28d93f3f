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
    ].map(({ id, summary, grantKind }) => ({
      id,
      summary,
      grant: grantKind === null ? null : `${grantKind}:NAME`,
    }))
    if (context.json) printJson(context, 'selvedge.interfaces/1', { interfaces: offers })
    else
      context.world.stdout.write(
        table(offers.map(({ id, summary, grant }) => [id, grant ?? 'always', summary])),
      )
    return 0
  },
})
